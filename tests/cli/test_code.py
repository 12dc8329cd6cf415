"""`code`: what a job was submitted with, whose it is, and what is unpacked of it."""

import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from baseten_jobs.workspace.unpacking import NotAnArchive, files_in, unpack
from tests.support.commands import Ran
from tests.support.operating import Desk, desk, open_desk
from tests.support.repository import git

__all__ = ["desk", "open_desk"]

CODE = "  workspace: {root: ../src}\n"


@pytest.fixture
def checkout(desk: Desk) -> Desk:
    """A repository whose manifest takes code, committed and submitted."""
    Path("src/lib").mkdir(parents=True)
    Path("src/train.py").write_text("print('train')\n")
    Path("src/lib/run.sh").write_text("#!/bin/sh\n")
    Path("src/lib/run.sh").chmod(0o755)
    Path("src/link").symlink_to("lib/run.sh")
    Path(".gitignore").write_text("emulator.db*\n*.local\n.baseten-jobs/\nout*/\n")
    git(Path(), "init", "-q", "-b", "main")
    desk.write("sft", more=CODE)
    committed("first")
    return desk


def committed(message: str) -> str:
    git(Path(), "add", "--all")
    git(Path(), "commit", "-q", "-m", message)
    return git(Path(), "rev-parse", "HEAD").strip()


def applied(desk: Desk) -> str:
    ran = desk("apply", "--yes", "-o", "json")
    assert ran.code == 0, ran.err
    return str(ran.json["results"][0]["job_id"])


def told(ran: Ran) -> tuple[int, str, str | None]:
    document = ran.json
    return ran.code, document["verdict"], document["commit"] and document["commit"]["commit"]


def test_the_code_of_a_commit_is_told_with_the_commit(checkout: Desk) -> None:
    commit = git(Path(), "rev-parse", "HEAD").strip()
    job = applied(checkout)
    assert told(checkout("code", "sft", "-o", "json")) == (0, "committed", commit)
    ran = checkout("code", "--job", job)
    assert ran.out.splitlines()[0].startswith(f"job {job} of sft: 3 files, 25 bytes, digest ")
    assert ran.out.splitlines()[1].startswith(f"the code of commit {commit[:7]}")


def test_it_is_that_of_the_commit_also_when_the_branch_has_moved_on(checkout: Desk) -> None:
    first = git(Path(), "rev-parse", "HEAD").strip()
    job = applied(checkout)
    Path("src/train.py").write_text("print('other')\n")
    committed("second")
    assert told(checkout("code", "--job", job, "-o", "json")) == (0, "committed", first)
    Path("specs/sft.yaml").unlink()
    checkout.write("other")
    committed("third")
    assert told(checkout("code", "--job", job, "-o", "json")) == (0, "committed", first)


def test_it_is_unpacked_as_it_was(checkout: Desk) -> None:
    applied(checkout)
    ran = checkout("code", "sft", "--out", "out")
    assert ran.out.endswith("\nunpacked into out\n"), ran.err
    assert Path("out/train.py").read_text() == "print('train')\n"
    assert os.access("out/lib/run.sh", os.X_OK)
    assert not os.access("out/train.py", os.X_OK)
    assert os.readlink("out/link") == "lib/run.sh"
    again = checkout("code", "sft", "--out", "out")
    assert (again.code, again.out) == (1, "")
    assert "is there already" in again.err
    assert sorted(path.name for path in Path().glob(".*code*")) == []


def test_code_that_was_never_committed_is_that_of_the_work_tree(checkout: Desk) -> None:
    Path("src/train.py").write_text("print('dirty')\n")
    applied(checkout)
    assert told(checkout("code", "sft", "-o", "json")) == (0, "work tree", None)


def test_code_with_a_file_that_no_commit_has_is_what_the_name_stands_for(checkout: Desk) -> None:
    Path("src/train.py").write_text("print('dirty')\n")
    job = applied(checkout)
    git(Path(), "checkout", "-q", "src")
    code, verdict, commit = told(checkout("code", "--job", job, "-o", "json"))
    assert (code, verdict) == (0, "proven")
    assert commit == git(Path(), "rev-parse", "HEAD").strip()


def test_code_that_is_not_that_of_the_commit_is_told_with_its_files(checkout: Desk) -> None:
    """As where somebody submits another archive under the name of a run."""
    applied(checkout)
    (job,) = checkout.jobs()
    other = archive(lambda tar: add(tar, "train.py", b"print('evil')\n"))
    new = submitted(checkout, other, job["name"])
    ran = checkout("code", "--job", new, "-o", "json")
    assert told(ran)[:2] == (1, "other")
    assert [(each["path"], each["submitted"] is None) for each in ran.json["changes"]] == [
        ("lib/run.sh", True), ("link", True), ("train.py", False),
    ]  # fmt: skip
    assert "not the code of commit " in checkout("code", "--job", new).out


@pytest.mark.parametrize("name", ["mine", "sft--0123456789ab"])
def test_what_nothing_ties_to_a_commit_is_not_known(name: str, checkout: Desk) -> None:
    job = submitted(checkout, archive(lambda tar: add(tar, "train.py", b"x")), name)
    ran = checkout("code", "--job", job)
    assert ran.code == 7
    assert "whose code it is can't be told: " in ran.out


def test_a_job_without_code_is_an_error(desk: Desk) -> None:
    (job,) = desk.applied("sft")
    assert desk("code", "sft").err == f"error: no code was submitted with job {job} of sft\n"


# Archives


def archive(fill: Callable[[tarfile.TarFile], object], mode: str = "w") -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode=mode) as tar:  # type: ignore[call-overload]
        fill(tar)
    return made.getvalue()


def add(tar: tarfile.TarFile, name: str, content: bytes = b"", **fields: object) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for field, value in fields.items():
        setattr(info, field, value)
    tar.addfile(info, io.BytesIO(content))


def submitted(desk: Desk, content: bytes, name: str) -> str:
    """A job with just this archive, made by hand."""
    with httpx.Client(base_url=desk.url, headers={"Authorization": "Bearer a-key"}) as http:
        project = http.post("/v1/training_projects", json={"training_project": {"name": "Demo"}}).json()
        http.put("/_emulator/s3/b/by/hand", content=content)
        artifacts = [{"s3_bucket": "b", "s3_key": "by/hand"}]
        body = {"name": name, "image": {"base_image": "i:1"}, "runtime": {"artifacts": artifacts}}
        jobs = f"/v1/training_projects/{project['training_project']['id']}/jobs"
        return str(http.post(jobs, json={"training_job": body}).json()["training_job"]["id"])


SYM, LINK = tarfile.SYMTYPE, tarfile.LNKTYPE
LEAVING: dict[str, Callable[[tarfile.TarFile], object]] = {
    "a path above": lambda tar: add(tar, "../evil", b"x"),
    "a path above, later": lambda tar: add(tar, "a/../../evil", b"x"),
    "an absolute path": lambda tar: add(tar, "/tmp/evil", b"x"),
    "a link above": lambda tar: add(tar, "l", type=SYM, linkname="../evil"),
    "an absolute link": lambda tar: add(tar, "l", type=SYM, linkname="/etc/passwd"),
    "a hard link above": lambda tar: add(tar, "l", type=LINK, linkname="../evil"),
    "a hard link to nothing": lambda tar: add(tar, "l", type=LINK, linkname="none"),
    "a pipe": lambda tar: add(tar, "p", type=tarfile.FIFOTYPE),
    "a device": lambda tar: add(tar, "d", type=tarfile.CHRTYPE),
    "a file through a link": lambda tar: (add(tar, "l", type=SYM, linkname="."), add(tar, "l/x", b"x")),
    "a file below a file": lambda tar: (add(tar, "a", b"x"), add(tar, "a/b", b"x")),
    "a file twice": lambda tar: (add(tar, "a", b"x"), add(tar, "a", b"y")),
    "a control character": lambda tar: add(tar, "a\x1b[2J", b"x"),
    "links that lead out together": lambda tar: (
        add(tar, "d1/d2/a", type=SYM, linkname="../.."), add(tar, "b", type=SYM, linkname="d1/d2/a/.."),
    ),
}  # fmt: skip


@pytest.mark.parametrize("fill", LEAVING.values(), ids=LEAVING.keys())
def test_an_archive_that_leaves_its_folder_is_unpacked_in_no_part(
    fill: Callable[[tarfile.TarFile], object], desk: Desk, tmp_path: Path
) -> None:
    job = submitted(desk, archive(lambda tar: (add(tar, "good", b"x"), fill(tar))), "mine")
    before = {path for path in tmp_path.rglob("*") if "emulator.db" not in path.name}
    ran = desk("code", "--job", job, "--out", "out")
    assert ran.code == 1, ran.out
    assert ran.out == ""
    assert "\nerror: " in ran.err
    assert "\x1b" not in ran.err
    assert {path for path in tmp_path.rglob("*") if "emulator.db" not in path.name} == before


@pytest.mark.parametrize(
    "content",
    [
        b"", b"no archive", b"\x1f\x8bno archive", archive(lambda tar: add(tar, "a", b"x" * 9999))[:3000],
        archive(lambda tar: add(tar, "a", b"x" * 9999), "w:gz")[:60],
    ],
    ids=["nothing", "text", "no gzip", "cut short", "gzip cut short"],
)  # fmt: skip
def test_what_is_no_archive_is_told_in_a_line(content: bytes, desk: Desk) -> None:
    ran = desk("code", "--job", submitted(desk, content, "mine"))
    assert ran.code in (1, 7)
    assert "Traceback" not in ran.err
    assert len(ran.err.splitlines()) <= 2


def test_an_archive_of_another_client_may_be_packed_and_have_hard_links(tmp_path: Path) -> None:
    def fill(tar: tarfile.TarFile) -> None:
        add(tar, ".", type=tarfile.DIRTYPE)
        add(tar, "./a", b"content")
        add(tar, "./b", type=LINK, linkname="./a")

    made = io.BytesIO(archive(fill, "w:gz"))
    found = files_in(made)
    assert ([(file.path, file.size) for file in found.files], found.faults) == ([("a", 7), ("b", 7)], ())
    unpack(made, str(tmp_path / "new"))
    assert (tmp_path / "new" / "b").read_bytes() == b"content"
    assert (tmp_path / "new" / "b").stat().st_nlink == 1


def test_a_header_that_says_it_is_huge_is_not_read() -> None:
    header = tarfile.TarInfo("x")
    header.type, header.size = tarfile.XHDTYPE, 1 << 32
    with pytest.raises(NotAnArchive, match="larger than any"):
        files_in(io.BytesIO(header.tobuf(tarfile.PAX_FORMAT) + b"9 a=b\n" * 1000))
