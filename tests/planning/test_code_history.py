"""What git knows of the code that a job runs: real repositories, real git."""

import hashlib
import os
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baseten_jobs.emulator.settings import Durations
from baseten_jobs.planning.history import commit_files
from baseten_jobs.planning.history.review import CODE_NOT_FOUND, SHALLOW
from baseten_jobs.planning.plan import Action, Doubt, Verb
from baseten_jobs.report import text as as_text
from baseten_jobs.report.style import Look
from tests.support.repository import Repository, cloned, days, git
from tests.support.strategies import CONTENTS
from tests.support.trees import CODE, commit, content, manifest, write

Change = Callable[[Path], object]


@pytest.fixture
def world(tmp_path: Path) -> Repository:
    """A manifest with code, committed and running."""
    made = Repository(tmp_path / "work", durations=Durations(running=1e9))
    made.api.embedded = True
    write(made.folder / "specs", CODE)
    manifest(made.folder / "specs", more="policy: {on_change: stop}\n")
    made.commit("the one that runs")
    made.apply()
    return made


def only(world: Repository, **asked: Any) -> Action:
    submit, *stops = world.asked(**asked).actions
    assert all(stop.verb is Verb.STOP for stop in stops)
    return submit


def told(world: Repository) -> list[tuple[str, Any, Any]]:
    return [(change.field, change.old, change.new) for change in only(world).changes]


def edit(folder: Path) -> None:
    write(folder, {"train.py": "LR = 2\n"})


def add(folder: Path) -> None:
    write(folder, {"lib/more.py": "MORE = 1\n"})


def remove(folder: Path) -> None:
    (folder / "lib" / "layers.py").unlink()


def rename(folder: Path) -> None:
    os.rename(folder / "train.py", folder / "learn.py")


def make_executable(folder: Path) -> None:
    (folder / "train.py").chmod(0o755)


def make_a_link(folder: Path) -> None:
    (folder / "train.py").unlink()
    (folder / "train.py").symlink_to("lib/layers.py")


def shown(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


TRAIN, TWO = shown(CODE["train.py"]), shown("LR = 2\n")
LAYERS, MORE = shown(CODE["lib/layers.py"]), shown("MORE = 1\n")


@pytest.mark.parametrize("setting", ["log.showRoot=false", "log.follow=true"])
def test_settings_hide_no_revision(world: Repository, setting: str) -> None:
    git(world.folder, "config", *setting.split("="))
    edit(world.folder / "specs")
    assert [field for field, _, _ in told(world)] == ["spec.workspace/train.py"]


@pytest.mark.parametrize(
    ("change", "changes"),
    [
        (edit, [("train.py", TRAIN, TWO)]),
        (add, [("lib/more.py", None, MORE)]),
        (remove, [("lib/layers.py", LAYERS, None)]),
        (rename, [("learn.py", None, TRAIN), ("train.py", TRAIN, None)]),
        (make_executable, [("train.py", TRAIN, f"{TRAIN} executable")]),
        (make_a_link, [("train.py", TRAIN, "link to lib/layers.py")]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
@pytest.mark.parametrize("committed", [True, False], ids=["committed", "not committed"])
def test_a_plan_tells_which_files_changed_since_the_run(
    world: Repository, change: Change, changes: list[tuple[str, Any, Any]], committed: bool
) -> None:
    running = git(world.folder, "rev-parse", "HEAD")
    change(world.folder / "specs")
    if commit_files:
        world.commit("other code")
        (world.folder / "notes.txt").write_text("x")
        world.commit("something else")
    assert told(world) == [(f"spec.workspace/{path}", old, new) for path, old, new in changes]
    previous = only(world).previous
    assert previous is not None
    assert (previous.commit, previous.path) == (running, "specs/x.yaml")


def test_spec_and_code_that_changed_together_are_told_together(world: Repository) -> None:
    edit(world.folder / "specs")
    path = world.folder / "specs" / "x.yaml"
    path.write_text(path.read_text().replace('"i:1"', '"i:2"'))
    world.commit()
    assert told(world) == [("spec.image.base_image", "i:1", "i:2"), ("spec.workspace/train.py", TRAIN, TWO)]


def test_a_run_is_found_where_its_folder_lay_then(world: Repository) -> None:
    git(world.folder, "mv", "specs", "jobs")
    world.commit("another folder")
    edit(world.folder / "jobs")
    world.commit("other code")
    os.symlink("jobs", world.folder / "specs")
    (action, *_) = world.asked().actions
    assert [change.field for change in action.changes] == ["spec.workspace/train.py"]


def test_a_root_around_the_manifest_and_external_folders_are_found(tmp_path: Path) -> None:
    world = Repository(tmp_path / "work", durations=Durations(running=1e9))
    world.api.embedded = True
    write(world.folder, {**{f"code/{name}": text for name, text in CODE.items()}, "shared/data.py": "DATA = 1\n"})
    manifest(world.folder / "specs", "{root: ../code, external: [../shared], exclude: [lib]}")
    world.commit()
    world.apply()
    write(world.folder, {"shared/data.py": "DATA = 2\n", "code/lib/layers.py": "WIDTH = 9\n"})
    world.commit()
    assert [field for field, _, _ in told(world)] == ["spec.workspace/shared/data.py"]


@pytest.mark.parametrize("files", [{".basetenignore": "*.txt\n"}, {}], ids=["ignored", "beside"])
def test_what_travels_is_chosen_in_a_commit_as_it_is_on_the_disk(world: Repository, files: dict[str, str]) -> None:
    """The tool's own files and what never travels stay out of both."""
    folder = world.folder / "specs"
    write(folder, {**files, "notes.txt": "one\n", ".env": "A=1\n", "__pycache__/x.pyc": "x"})
    write(folder, {"saved.json": '{"kind": "baseten-jobs-plan"}\n', "venv/pyvenv.cfg": "x\n", "venv/x.py": "x\n"})
    git(world.folder, "add", "-f", "specs/.env", "specs/__pycache__/x.pyc")
    world.commit()
    world.apply()
    edit(folder)
    assert told(world) == [("spec.workspace/train.py", TRAIN, TWO)]


def test_what_a_filter_changes_on_checkout_is_found_as_it_lies_there(world: Repository) -> None:
    folder = world.folder / "specs"
    write(folder, {".gitattributes": "*.txt text eol=crlf\n", "words.txt": b"one\r\ntwo\r\n"})
    world.commit()
    world.apply()
    edit(folder)
    assert told(world) == [("spec.workspace/train.py", TRAIN, TWO)]


def untracked(world: Repository) -> None:
    write(world.folder / "specs", {"new.py": "x\n"})
    world.apply()
    (world.folder / "specs" / "new.py").unlink()


def of_a_submodule(world: Repository) -> None:
    theirs = write(world.folder.parent / "theirs", {"x.py": "x\n"})
    commit(theirs)
    git(world.folder, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(theirs), "specs/theirs")
    world.commit()
    world.apply()


@pytest.mark.parametrize("how", [untracked, of_a_submodule])
def test_code_that_git_does_not_hold_is_said_not_to_be_found(world: Repository, how: Callable[..., None]) -> None:
    how(world)
    edit(world.folder / "specs")
    action = only(world)
    assert (action.history, action.previous) == (CODE_NOT_FOUND, None)
    assert any("its spec and code are not in this repository's history" in warning for warning in action.warnings)


def test_a_shallow_clone_says_so(world: Repository, tmp_path: Path) -> None:
    edit(world.folder / "specs")
    world.commit()
    shallow = cloned(world, tmp_path / "s", "--depth", "1")
    assert only(shallow).history == SHALLOW


@pytest.mark.parametrize("bound", ["MOST_READ", "MOST_FILES"])
def test_what_would_take_too_long_is_given_up(world: Repository, bound: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commit_files, bound, 2)
    edit(world.folder / "specs")
    world.commit()
    assert only(world).history == CODE_NOT_FOUND


def test_what_is_found_just_within_the_bound_is_told_whole(world: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three files at HEAD, three in the commit that runs."""
    monkeypatch.setattr(commit_files, "MOST_FILES", 6)
    edit(world.folder / "specs")
    world.commit()
    assert told(world) == [("spec.workspace/train.py", TRAIN, TWO)]


def test_a_superseded_run_of_other_code_is_stopped(world: Repository) -> None:
    edit(world.folder / "specs")
    world.commit()
    assert world.apply_asked() == ["submitted", "stopped"]
    git(world.folder, "revert", "--no-edit", "HEAD")
    assert [action.verb for action in world.asked().actions] == [Verb.HOLD]


def test_the_run_of_newer_code_is_never_stopped(world: Repository) -> None:
    """Neither by an old checkout, in whose history it is not, nor by old code on top of the new commit."""
    path = world.folder / "specs" / "x.yaml"
    path.write_text(path.read_text().replace("stop", "keep"))
    old = world.commit()
    edit(world.folder / "specs")
    new = world.commit()
    world.apply()
    assert world.status_of() == ["RUNNING", "RUNNING"]
    git(world.folder, "checkout", "-q", old)
    path.write_text(path.read_text().replace("keep", "stop"))
    (action,) = world.asked().actions
    assert "of another spec is not stopped: it was created after job" in action.notes[-1]
    git(world.folder, "checkout", "-qf", new)
    git(world.folder, "checkout", "-q", old, "--", "specs")
    path.write_text(path.read_text().replace("keep", "stop"))
    (action,) = world.asked().actions
    assert action.verb is Verb.KEEP
    assert "of another spec is not stopped: it was created after job" in action.notes[-1]


def test_a_folder_that_once_was_a_file_is_in_nobodys_way(tmp_path: Path) -> None:
    world = Repository(tmp_path / "work", durations=Durations(running=1e9))
    world.api.embedded = True
    write(world.folder, {"specs": "a file\n"})
    world.commit()
    (world.folder / "specs").unlink()
    write(world.folder / "specs", CODE)
    manifest(world.folder / "specs")
    world.commit()
    world.apply()
    write(world.folder / "specs", {"new.py": "x\n"})
    world.apply()
    (world.folder / "specs" / "new.py").unlink()
    edit(world.folder / "specs")
    world.commit()
    assert only(world).history == CODE_NOT_FOUND


def test_code_that_ran_long_ago_and_is_not_there_is_missing(world: Repository) -> None:
    manifest(world.folder / "specs" / "more", "..", name="y")
    world.commit()
    world.apply()
    for job in world.jobs():
        if job["name"].startswith("x--"):
            world.api._exchange("DELETE", "/v1/training_projects/{}/jobs/{}", job["training_project_id"], job["id"])
    assert [action.doubt for action in world.asked(missing=True).actions] == [None, None]
    world.clock.time += days(8)
    (world.folder / "notes.txt").write_text("x")
    world.commit("something else, lately")
    assert [a.doubt for a in world.asked(missing=True).actions if a.doubt] == [Doubt.MISSING]
    edit(world.folder / "specs")
    world.commit("other code, lately")
    assert not any(action.doubt for action in world.asked(missing=True).actions)


def test_the_run_of_a_deleted_manifest_with_code_is_pruned(world: Repository) -> None:
    manifest(world.folder / "other", "../specs", name="y")
    (world.folder / "specs" / "x.yaml").unlink()
    os.rename(world.folder / "other" / "y.yaml", world.folder / "specs" / "y.yaml")
    manifest(world.folder / "specs", name="y")
    (world.folder / "other").rmdir()
    edit(world.folder / "specs")
    world.commit()
    plan = world.asked(prune=True)
    assert [(orphan.job.identity.name if orphan.job.identity else "") for orphan in plan.orphans] == ["x"]
    assert world.apply_asked(prune=True) == ["submitted", "stopped"]


GIT = ("cat-file", "config", "for-each-ref", "log", "ls-files", "ls-tree", "rev-parse")


def test_code_costs_a_constant_number_of_git_processes(world: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(6):
        write(world.folder / "specs" / f"f{number}", CODE)
        manifest(world.folder / "specs" / f"f{number}", name=f"x{number}", more="policy: {on_change: stop}\n")
    world.commit()
    world.apply()
    for number in range(6):
        edit(world.folder / "specs" / f"f{number}")
    world.commit()
    started: list[str] = []
    begin = subprocess.Popen.__init__

    def counted(self: Any, arguments: Any, *rest: Any, **named: Any) -> None:
        started.append(next(word for word in arguments[3:] if word in GIT))
        begin(self, arguments, *rest, **named)

    compiled = world.compiled()
    monkeypatch.setattr(subprocess.Popen, "__init__", counted)
    monkeypatch.setattr(world, "compiled", lambda: compiled)
    plan = world.asked(missing=True)
    assert len([action for action in plan.actions if action.previous]) == 7
    assert len(plan.of(Verb.STOP)) == 7
    assert sorted(started) == ["cat-file", "config", "for-each-ref", "log", "log", "log", "ls-files", "rev-parse"]


NAMES = st.sampled_from(
    ["a.py", "lib/b.py", "lib/c/d", "data", "more/e.yaml", ".env", "build/x", "ü", "sp ace", "n\nl"]
)


@settings(max_examples=25, deadline=None)
@given(st.dictionaries(NAMES, st.tuples(CONTENTS, st.booleans()), min_size=1))
def test_a_clean_checkout_and_its_commit_have_the_same_content(files: dict[str, tuple[bytes, bool]]) -> None:
    from baseten_jobs.git.repository import Repository as Checkout
    from baseten_jobs.git.repository import open_repository
    from baseten_jobs.job.content import Workspace

    with tempfile.TemporaryDirectory() as name:
        folder = write(Path(os.path.realpath(name)), {path: raw for path, (raw, _) in files.items()})
        for path, (_, executable) in files.items():
            (folder / path).chmod(0o755 if executable else 0o644)
        write(folder, {"run.sh": "x\n"})
        manifest(folder / "here", "..")
        commit(folder)
        checkout = open_repository(str(folder))
        assert isinstance(checkout, Checkout)
        with checkout:
            held = commit_files.Committed(checkout.objects, {}).digest(checkout.head, "", Workspace())
        assert held == content(folder / "here").digest


def test_of_many_changed_files_the_first_are_told_and_all_on_demand(world: Repository) -> None:
    write(world.folder / "specs", {f"f{number:02}\n.py": f"{number}\n" for number in range(25)})
    world.commit()
    plan = world.asked()
    few, all_of_them = (as_text.plan(plan, Look(verbose=verbose)) for verbose in (False, True))
    assert (few.count("spec.workspace/f"), all_of_them.count("spec.workspace/f")) == (20, 25)
    assert "5 more files of the workspace changed; -v tells all\n" in few
    assert "spec.workspace/f00\\n.py: new, +" in few
