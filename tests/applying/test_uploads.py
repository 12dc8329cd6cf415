"""Archives and their way to the object store: the bytes, the faults, and what is never left behind."""

import io
import json
import os
import re
import sqlite3
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import httpx
import pytest
from werkzeug import Request, Response

from baseten_jobs.applying import object_store
from baseten_jobs.applying.carry_out import carry_out
from baseten_jobs.applying.execute import Conflict, Execution, Ledger, execute
from baseten_jobs.applying.settle import Windows
from baseten_jobs.applying.upload import UploadFailed
from baseten_jobs.cli.main import run
from baseten_jobs.emulator.app import App
from baseten_jobs.emulator.server import serving
from baseten_jobs.emulator.settings import Settings
from baseten_jobs.job.names import parse_job_name
from baseten_jobs.manifest import document as manifests
from baseten_jobs.pipeline import make
from baseten_jobs.planning.plan import Plan, Policy
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.api.errors import ApiError
from baseten_jobs.provider.api.pacing import Clock
from baseten_jobs.workspace.archive import Archive, Changed, archive_size
from tests.support.copies import copied
from tests.support.trees import CODE, compiled, content, manifest, unpacked, write
from tests.support.world import World, answered

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def own_settings(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's AWS settings lead elsewhere: nothing of them may be heeded."""
    home = tmp_path_factory.mktemp("home")
    write(home, {".aws/config": "[default]\nregion = nowhere-1\nendpoint_url = http://127.0.0.1:9\n[broken"})
    for name, value in {
        "HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"), "AWS_PROFILE": "nobody", "AWS_ACCESS_KEY_ID": "AKIA",
        "AWS_SECRET_ACCESS_KEY": "wrong", "AWS_SESSION_TOKEN": "wrong", "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9", "AWS_DEFAULT_REGION": "nowhere-1", "AWS_CA_BUNDLE": "/nowhere",
        "AWS_MAX_ATTEMPTS": "0", "AWS_CONFIG_FILE": str(home / ".aws" / "config"),
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = write(
        tmp_path / "specs", {**CODE, "empty": "", "long/" + "a" * 120 + "/" + "ü" * 60: "x", "exact": "y" * 512}
    )
    (folder / "latest.py").symlink_to("train.py")
    manifest(folder)
    return folder


# The archive


def test_an_archive_holds_the_tree_for_any_tar(tree: Path, tmp_path: Path) -> None:
    held = content(tree)
    raw = Archive(held).read()
    assert len(raw) == archive_size(held)
    (tmp_path / "a.tar").write_bytes(raw)
    out = unpacked(tmp_path / "a.tar", tmp_path / "out")
    for file in held.files:
        copy = out / file.path
        if file.target is not None:
            assert os.readlink(copy) == file.target
        else:
            assert copy.read_bytes() == Path(file.source).read_bytes()
            assert os.access(copy, os.X_OK) == file.executable
    with tarfile.open(fileobj=io.BytesIO(raw)) as archive:
        assert archive.getnames() == [file.path for file in held.files]
        assert {(m.uid, m.gid, m.uname, m.gname, m.mtime) for m in archive} == {(0, 0, "", "", 946_684_800)}


def test_an_archive_is_the_same_wherever_and_however_it_is_read(tree: Path, tmp_path: Path) -> None:
    whole = Archive(content(tree)).read()
    stream, pieces = Archive(content(tree)), []
    while piece := stream.read(777):
        pieces.append(piece)
    assert b"".join(pieces) == whole
    (tmp_path / "elsewhere").mkdir()
    (tree / "train.py").touch()
    moved = tree.rename(tmp_path / "elsewhere" / "copy")
    assert Archive(content(moved)).read() == whole


_SINCE: dict[str, Callable[[Path], object]] = {
    "rewritten": lambda path: path.write_text("LR = 2\n"),
    "longer": lambda path: path.write_text("LR = 1\n\n"),
    "shorter": lambda path: path.write_text("LR"),
    "gone": lambda path: path.unlink(),
    "a folder now": lambda path: (path.unlink(), path.mkdir()),
}


@pytest.mark.parametrize("change", _SINCE.values(), ids=_SINCE.keys())
def test_a_file_that_is_not_what_was_planned_ends_the_archive(change: Callable[[Path], object], tree: Path) -> None:
    held = content(tree)
    change(tree / "train.py")
    with pytest.raises(Changed, match=r"train\.py (changed|can't be read any more)"):
        Archive(held).read()


# In process


@pytest.fixture
def world(tree: Path, tmp_path: Path) -> World:
    world = World(tmp_path)
    world.api.embedded = True
    return world


def _downloaded(api: Api, job: dict[str, Any], path: Path) -> Path:
    http = api._http
    answer = http.get(f"/v1/training_projects/{job['training_project_id']}/jobs/{job['id']}/download")
    (url,) = answer.json()["artifact_presigned_urls"]
    request = http.build_request("GET", url)
    del request.headers["Authorization"]  # a store refuses a link that comes with a key
    path.write_bytes(http.send(request).content)
    return path


def test_what_is_applied_in_process_comes_back_by_download(world: World, tree: Path, tmp_path: Path) -> None:
    world.apply()
    (job,) = world.jobs()
    assert _downloaded(world.api, job, tmp_path / "a.tar").read_bytes() == Archive(content(tree)).read()


def test_an_archive_of_several_parts_comes_back_whole(
    world: World, tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("baseten_jobs.applying.upload.PART", 4096)
    write(tree, {"data.bin": bytes(range(256)) * 100})
    world.apply()
    assert _downloaded(world.api, world.jobs()[0], tmp_path / "a.tar").read_bytes() == Archive(content(tree)).read()


def _puts(world: World) -> list[str]:
    return [call for call in world.between.calls if call.startswith(("/_emulator/s3/", "/v1/blobs"))]


def test_manifests_of_one_content_upload_it_once_and_before_the_first_create(world: World, tree: Path) -> None:
    for name in ("y", "z"):
        manifest(tree, name=name)
    manifest(write(tree / "own", {"other.py": ""}), name="w")
    result = world.apply()
    assert [outcome.fate.value for outcome in result.outcomes] == ["submitted"] * 4
    assert len(_puts(world)) == 2 * 2
    calls = world.between.calls
    last_put = max(at for at, call in enumerate(calls) if call in _puts(world))
    assert last_put < min(at for at, call in enumerate(calls) if call in ("upsert", "create"))


@pytest.mark.parametrize("hand_on", [lambda plan: plan, copied], ids=["as it is", "copied"])
def test_a_plan_is_uploaded_and_carried_out_the_same_though_all_its_values_were_copied(
    world: World, tree: Path, hand_on: Callable[[Plan], Plan]
) -> None:
    """Two manifests share a workspace, a third has its own, and each has a run that is to be stopped after it."""
    own = write(tree / "own", {"other.py": ""})
    for command in ("./run.sh", "./run.sh again"):
        for folder, name in ((tree, "x"), (tree, "y"), (own, "w")):
            manifest(folder, name=name, more="policy: {on_change: stop}\n")
            path = folder / f"{name}.yaml"
            path.write_text(path.read_text().replace("./run.sh", command))
        planned = world.plan()
        world.between.calls.clear()
        result = world.carry_out(replace(planned, plan=hand_on(planned.plan)))
    assert [outcome.fate.value for outcome in result.outcomes] == ["submitted", "stopped"] * 3
    assert len(_puts(world)) == 2 * 2
    artifacts = {
        outcome.action.request.name: outcome.action.request.training_job["runtime"]["artifacts"]
        for outcome in result.outcomes
    }
    assert artifacts["x"] == artifacts["y"] != artifacts["w"]


def test_two_actions_of_one_key_are_refused_before_the_first_call(world: World) -> None:
    planned = world.plan()
    (submit,) = planned.plan.actions
    twice = replace(planned.plan, actions=(submit, replace(submit, request=replace(submit.request, path="y.yaml"))))
    world.between.calls.clear()
    with pytest.raises(Conflict, match=r"x\.yaml:1 and y\.yaml:1 both name 'x' of one project"):
        execute(world.api, twice, world.policy, Execution(), world.ledger)
    assert world.between.calls == []


def test_nothing_is_uploaded_for_what_is_not_submitted(world: World, tree: Path) -> None:
    world.apply()
    manifest(tree, name="held", more="policy: {suspend: true}\n")
    world.apply()
    assert _puts(world) == []
    (tree / "train.py").write_text("LR = 2\n")
    plan = world.plan().plan
    assert _puts(world) == []
    assert plan.summary["submit"] == 1


def test_a_saved_body_names_the_artifact_and_the_digest_stays(world: World, tree: Path) -> None:
    world.apply()
    (body,) = [
        b
        for c, b in zip(world.between.calls, world.between.bodies[-len(world.between.calls) :], strict=True)
        if c == "create"
    ]
    job = json.loads(body)["training_job"]
    (artifact,) = job["runtime"]["artifacts"]
    assert artifact.keys() == {"s3_bucket", "s3_key"}
    assert parse_job_name(job["name"]) == compiled(tree).requests[0].identity
    assert "workspace" not in job


def test_a_failed_upload_leaves_nothing_behind_and_the_next_apply_completes(world: World, tree: Path) -> None:
    planned = world.plan()
    before = (tree / "train.py").read_text()
    (tree / "train.py").write_text("LR = 3\n")
    with pytest.raises(UploadFailed, match=r"train\.py changed after it was planned"):
        world.carry_out(planned)
    assert world.jobs() == []
    assert world.api.projects() == []
    (tree / "train.py").write_text(before)
    assert [outcome.fate.value for outcome in world.apply().outcomes] == ["submitted"]


def test_no_credentials_no_create(world: World) -> None:
    planned = world.plan()
    world.fault("/v1/blobs/credentials/train", answered(403, {"message": "no"}))
    with pytest.raises(ApiError, match="403"):
        world.carry_out(planned)
    assert world.jobs() == []
    assert world.api.projects() == []


def test_nothing_is_uploaded_for_a_project_that_turned_up_since_and_holds_the_job(world: World, tree: Path) -> None:
    manifest(tree, name="other")
    planned = world.plan()
    (tree / "other.yaml").unlink()
    world.apply()
    manifest(write(tree / "own", {"other.py": ""}), name="own")
    world.between.calls.clear()
    result = world.carry_out(planned)
    assert [outcome.fate.value for outcome in result.outcomes] == ["submitted", "kept"]
    assert len(_puts(world)) == 2
    assert world.between.calls.count("create") == 1

    world.between.calls.clear()
    assert [outcome.fate.value for outcome in world.carry_out(planned).outcomes] == ["kept", "kept"]
    assert _puts(world) == []


@pytest.mark.parametrize("missing", ["aws_access_key_id", "aws_secret_access_key", "aws_session_token"])
def test_credentials_with_a_part_missing_are_refused(world: World, missing: str) -> None:
    """botocore would take the user's own in its place."""
    planned = world.plan()
    creds = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "aws_session_token": "c"} | {missing: ""}
    world.fault("/v1/blobs/credentials/train", answered(200, {"s3_bucket": "b", "s3_key": "k", "creds": creds}))
    with pytest.raises(ApiError, match="the answer holds no credentials"):
        world.carry_out(planned)
    assert world.jobs() == []


def test_an_upload_in_process_that_ends_half_way_leaves_no_parts(
    world: World, tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("baseten_jobs.applying.upload.PART", 4096)
    write(tree, {"data.bin": bytes(50_000)})
    planned = world.plan()
    (tree / "train.py").write_text("LR = 3\n")
    with pytest.raises(UploadFailed):
        world.carry_out(planned)
    with closing(sqlite3.connect(next(tmp_path.glob("*.db")))) as database:
        assert [database.execute(f"SELECT count(*) FROM {t}").fetchone() for t in ("uploads", "parts", "blobs")] == [
            (0,)
        ] * 3


def test_an_interrupt_before_the_upload_submits_nothing(world: World) -> None:
    planned = world.plan()
    world.clock.interrupted.set()
    result = world.carry_out(planned)
    assert [outcome.fate.value for outcome in result.outcomes] == ["skipped"]
    assert world.api.projects() == []


# By the real S3 client


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"  # or nobody answers `Expect: 100-continue`, and the client waits

    def log_message(self, format: str, *arguments: Any) -> None:
        pass


Strike = Callable[[Request], Response | None]


@dataclass
class Store:
    """An embedded API over HTTP whose object store meets faults, one after the other; `url` is its address."""

    url: str
    faults: list[Strike] = field(default_factory=list)
    credentials: list[Strike] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    opened: list[httpx.Client] = field(default_factory=list)

    def api(self, clock: Clock | None = None) -> Api:
        self.opened.append(httpx.Client(base_url=self.url, headers={"Authorization": "Bearer k"}, verify=False))
        return Api(self.opened[-1], clock or Clock())


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    app = App(Settings(database=tmp_path / "store.db"))
    store = Store("")

    def faulty(environ: Any, start: Any) -> Any:
        request = Request(environ)
        if request.path.startswith("/v1/blobs/") and store.credentials:
            return (store.credentials.pop(0)(request) or app)(environ, start)
        if request.path.startswith("/_emulator/s3/"):
            store.asked.append(f"{request.method} {request.headers.get('x-amz-security-token', '')[:6]}")
            strike = store.faults.pop(0) if store.faults else None
            if strike and (response := strike(request)):
                return response(environ, start)
        return app(environ, start)

    with make_server("127.0.0.1", 0, faulty, handler_class=_Quiet) as server:
        store.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield store
        for client in store.opened:
            client.close()
        server.shutdown()
        thread.join()
    app.close()


def refused(status: int, code: str) -> Strike:
    def strike(request: Request) -> Response:
        request.get_data()
        return Response(
            f"<Error><Code>{code}</Code><Message>{code}</Message></Error>", status, mimetype="application/xml"
        )

    return strike


def cut(request: Request) -> Response | None:
    """The connection ends without an answer."""
    request.environ["wsgi.input"].raw._sock.shutdown(2)
    raise ConnectionResetError


class Quick(Clock):
    def pause(self, seconds: float) -> bool:
        return self.interrupted.is_set()

    def sleep(self, seconds: float) -> None:
        pass


def _carried_out(store: Store, tree: Path) -> list[str]:
    api = store.api(Quick())
    planned = make(api, compiled(tree), Policy())
    result = carry_out(api, planned.plan, Policy(), Execution(1, Windows(1.0, 0.0)), Ledger())
    return [outcome.fate.value for outcome in result.outcomes]


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """botocore waits between attempts by a clock of its own."""
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0)


def test_the_real_client_uploads_what_download_gives_back(store: Store, tree: Path, tmp_path: Path) -> None:
    assert _carried_out(store, tree) == ["submitted"]
    (job,) = store.api().search()
    assert _downloaded(store.api(), job, tmp_path / "a.tar").read_bytes() == Archive(content(tree)).read()
    assert {asked for asked in store.asked if asked.startswith("PUT")} != {"PUT wrong"}


def test_the_real_client_uploads_in_parts(
    store: Store, tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(object_store, "PART", 5 << 20)
    write(tree, {"data.bin": os.urandom(12 << 20)})
    assert _carried_out(store, tree) == ["submitted"]
    (job,) = store.api().search()
    assert _downloaded(store.api(), job, tmp_path / "a.tar").read_bytes() == Archive(content(tree)).read()
    assert sum(asked.startswith("POST") for asked in store.asked) == 2


def test_an_interrupt_half_way_leaves_no_object_and_submits_nothing(
    store: Store, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(object_store, "PART", 5 << 20)
    write(tree, {"data.bin": os.urandom(40 << 20)})
    api = store.api(Quick())

    def interrupts(request: Request) -> None:
        api.clock.interrupted.set()

    store.faults += [interrupts] * 2
    planned = make(api, compiled(tree), Policy())
    result = carry_out(api, planned.plan, Policy(), Execution(1, Windows(1.0, 0.0)), Ledger())
    assert (result.interrupted, [outcome.fate.value for outcome in result.outcomes]) == (True, ["skipped"])
    assert store.asked[-1].startswith("DELETE")
    assert (store.api().search(), store.api().projects()) == ([], [])


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_failed_upload_is_told_on_a_line_of_its_own_with_nothing_submitted(
    store: Store, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BASETEN_BASE_URL", store.url)
    monkeypatch.setenv("BASETEN_API_KEY", "k")
    monkeypatch.setattr(object_store, "PART", 5 << 20)
    write(tree, {"data.bin": os.urandom(12 << 20)})
    store.faults += [lambda request: None, lambda request: None, *[refused(403, "AccessDenied")] * 3]
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO()))
    assert run(["apply", "--yes", str(tree)]) == 1
    told = terminal.getvalue()
    plain = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", told)
    bar, _, end = plain.partition("\nerror: ")
    assert "uploading the workspace of x" in bar
    assert "AccessDenied" in end
    assert " ".join(end.split()).endswith("; nothing was submitted")


@pytest.mark.parametrize(("status", "code"), [(400, 1), (403, 3)])
def test_without_credentials_it_is_said_that_nothing_was_submitted(
    status: int,
    code: int,
    store: Store,
    tree: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("BASETEN_BASE_URL", store.url)
    monkeypatch.setenv("BASETEN_API_KEY", "k")
    store.credentials.append(refused(status, "No"))
    assert run(["apply", "--yes", str(tree)]) == code
    assert capsys.readouterr().err.endswith("; nothing was submitted\n")
    assert store.asked == []


_PASSING = {
    "500s": [refused(500, "InternalError")] * 3,
    "slow down": [refused(503, "SlowDown")] * 2,
    "a cut connection": [cut],
    "expired credentials": [refused(400, "ExpiredToken")],
    "expired twice": [refused(400, "ExpiredToken")] * 2,
}


@pytest.mark.parametrize("faults", _PASSING.values(), ids=_PASSING.keys())
def test_an_upload_is_tried_again_after(faults: list[Strike], store: Store, tree: Path) -> None:
    store.faults += faults
    assert _carried_out(store, tree) == ["submitted"]
    assert len(store.asked) == len(faults) + 1


_LASTING = {
    "denied": ([refused(403, "AccessDenied")], "AccessDenied", 1),
    "expired for ever": ([refused(400, "ExpiredToken")] * 50, "ExpiredToken", 3),
    "500s for ever": ([refused(500, "InternalError")] * 50, "InternalError", 15),
    "cut for ever": ([cut] * 50, "", 15),
}


@pytest.mark.parametrize(("faults", "words", "asked"), _LASTING.values(), ids=_LASTING.keys())
def test_an_upload_fails_for_good_with_nothing_submitted_and_the_next_apply_completes(
    faults: list[Strike], words: str, asked: int, store: Store, tree: Path
) -> None:
    store.faults += faults
    with pytest.raises(UploadFailed, match=f"the workspace of x could not be uploaded: .*{words}"):
        _carried_out(store, tree)
    assert len(store.asked) == asked
    assert (store.api().search(), store.api().projects()) == ([], [])
    store.faults.clear()
    assert _carried_out(store, tree) == ["submitted"]


def test_no_aws_setting_of_the_environment_reaches_the_client(monkeypatch: pytest.MonkeyPatch) -> None:
    from botocore import configprovider

    def built() -> tuple[str, dict[str, Any]]:
        client, _ = object_store._client(object_store.Destination("b", "k", dict.fromkeys(CREDENTIALS, "x")))
        return client.meta.endpoint_url, client.meta.config.__dict__

    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    plain = built()
    rules = {**configprovider.BOTOCORE_DEFAUT_SESSION_VARIABLES, **configprovider.DEFAULT_S3_CONFIG_VARS}.values()
    names = [name for rule in rules for name in (rule[1] if isinstance(rule[1], list) else [rule[1]]) if name]
    assert len(names) > 30
    for name in names:
        monkeypatch.setenv(name, "true")
    assert built() == plain


CREDENTIALS = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")


def test_another_endpoint_is_heeded_on_this_machine_alone(tmp_path: Path) -> None:
    def at(url: str) -> bool:
        return Api(httpx.Client(base_url=url), Clock()).is_loopback

    assert [at(url) for url in ("http://127.0.0.1:1", "http://localhost:8787", "http://[::1]:2")] == [True] * 3
    assert [at(url) for url in ("https://api.baseten.co", "http://10.0.0.1", "http://localhost.example.com")] == [
        False
    ] * 3


@pytest.mark.slow
def test_it_works_against_another_s3_too(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """moto checks what the embedded API lets pass, such as the order and the tags of the parts."""
    from moto.server import ThreadedMotoServer

    for name in [name for name in os.environ if name.startswith("AWS_")]:  # moto heeds them, in this process
        monkeypatch.delenv(name)

    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    try:
        _, port = server.get_host_and_port()
        url = f"http://127.0.0.1:{port}"
        httpx.put(f"{url}/code", verify=False)
        credentials = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "aws_session_token": "c"}
        write(tree, {"data.bin": os.urandom(9 << 20)})
        sent: list[int] = []
        place = object_store.Destination("code", "a/b.tgz", credentials, url)
        object_store.put(Archive(content(tree)), place, sent.append)
        whole = Archive(content(tree)).read()
        assert httpx.get(f"{url}/code/a/b.tgz", verify=False).content == whole
        assert sum(sent) == len(whole)
    finally:
        server.stop()


@pytest.mark.parametrize("command", [["plan"], ["apply", "--yes"]], ids=["plan", "apply"])
def test_without_its_client_a_plan_says_what_to_install(
    command: list[str], tree: Path, store: Store, tmp_path: Path
) -> None:
    write(tmp_path, {"hidden/sitecustomize.py": "import sys\nsys.modules['boto3'] = None\n"})
    environment = {
        **os.environ,
        "PYTHONPATH": str(tmp_path / "hidden"),
        "BASETEN_BASE_URL": store.url,
        "BASETEN_API_KEY": "k",
    }
    ran = subprocess.run(
        [sys.executable, "-m", "baseten_jobs", *command, str(tree)],
        capture_output=True,
        text=True,
        env=environment,
    )
    assert ran.returncode == 1
    assert "error: code is uploaded with boto3, which this installation lacks: pip install boto3\n" in ran.stderr
    assert store.api().projects() == []


def test_boto3_is_imported_only_for_an_upload(tree: Path, tmp_path: Path) -> None:
    code = "import sys; from baseten_jobs.cli.main import run; run(sys.argv[1:]); sys.exit('boto3' in sys.modules)"
    arguments = ["apply", "--yes", "--local-db", str(tmp_path / "l.db"), str(tree)]
    ran = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)
    assert (ran.returncode, ran.stdout.count("submitted  x--")) == (0, 1)


# The example


@pytest.mark.slow
def test_the_example_is_applied_downloaded_and_trains(tmp_path: Path) -> None:
    from baseten.client import ManagementClient  # takes longer to import than most test modules to run

    path = ROOT / "specs" / "two-moons" / "two-moons.yaml"
    with (
        serving(Settings(database=tmp_path / "e.db")) as url,
        httpx.Client(base_url=url, headers={"Authorization": "Bearer k"}, verify=False) as http,
    ):
        planned = make(Api(http, Clock()), compiled(path), Policy())
        result = carry_out(Api(http, Clock()), planned.plan, Policy(), Execution(1, Windows(5.0, 0.0)), Ledger())
        assert [outcome.fate.value for outcome in result.outcomes] == ["submitted"]
        sdk = ManagementClient(api_key="k", base_url_override=url, http_client_override=http)
        (job,) = Api(http, Clock()).search()
        ids = {"training_project_id": job["training_project_id"], "training_job_id": job["id"]}
        (address,) = sdk.api.get_training_projects_jobs_download(**ids).artifact_presigned_urls
        archive = tmp_path / "code.tgz"
        archive.write_bytes(httpx.get(address, verify=False).content)
    folder = unpacked(archive, tmp_path / "workspace")
    assert sorted(each.name for each in folder.iterdir()) == ["run.sh", "train.py"]
    (document,) = manifests.load("x", path.read_text()).documents
    (start,) = document.data["spec"]["runtime"]["start_commands"]
    environment = {"PATH": os.environ["PATH"], "BT_CHECKPOINT_DIR": str(tmp_path / "checkpoints"), "EPOCHS": "10"}
    ran = subprocess.run(["sh", "-c", start], cwd=folder, env=environment, capture_output=True, text=True, check=True)
    losses = [row["loss"] for row in map(json.loads, ran.stdout.splitlines()) if "loss" in row]
    assert len(losses) == 10
    assert losses[-1] < losses[0] / 2
    assert (tmp_path / "checkpoints" / "weights.json").stat().st_size > 0
