"""Broken set-ups: each names itself and what mends it, nothing else is amiss, and what mends it does."""

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from baseten_jobs import __version__
from baseten_jobs.distribution import OURS
from baseten_jobs.doctor.checks import CHECKS
from baseten_jobs.emulator.faults import KINDS
from tests.cli.test_command_line import terminal
from tests.doctor.bench import GITHUB, GITLAB, KEY, Bench, opened_bench
from tests.support import warm
from tests.support.commands import nothing_set
from tests.support.operating import Open, open_desk

pytestmark = pytest.mark.slow

__all__ = ["nothing_set", "open_desk"]


@dataclass(frozen=True)
class Case:
    """How to break a bench; the check and the words that name the fault; what mends it.

    `mended` is None where the remedy is a command that can be run here, as it is told.
    """

    name: str
    break_it: Callable[[Bench], object]
    check: str
    level: str
    told: str
    remedy: str
    mended: Callable[[Bench], object] | None = None
    ahead: float = 0.0
    beside: frozenset[str] = frozenset()


def by_hand(bench: Bench) -> None:
    """Nothing that a test could do."""


def shallow(bench: Bench) -> None:
    bench.write("x", ("echo x", "echo x"))
    bench.shell("git commit -q --allow-empty -m more && git push -q origin main")
    bench.shell("cd .. && rm -rf work && git clone -q --depth 1 file://$PWD/origin.git work")


def partial(bench: Bench) -> None:
    bench.shell("git -C ../origin.git config uploadpack.allowFilter true")
    bench.shell("cd .. && rm -rf work && git clone -q --filter=blob:none file://$PWD/origin.git work")


def filtered(bench: Bench) -> None:
    (bench.work / "data.bin").write_text("data")
    (bench.work / ".gitattributes").write_text("*.bin filter=shrink\n")
    bench.commit()


def unfiltered(bench: Bench) -> None:
    bench.shell("git rm -q data.bin && git commit -qm without")


def set_key(key: str) -> Callable[[Bench], None]:
    def change(bench: Bench) -> None:
        bench.environment["BASETEN_API_KEY"] = key

    return change


def at(url: str) -> Callable[[Bench], None]:
    def change(bench: Bench) -> None:
        bench.environment["BASETEN_BASE_URL"] = url

    return change


def answering(path: str, status: int, body: bytes) -> Callable[[Bench], None]:
    def change(bench: Bench) -> None:
        bench.app.always[path] = (status, body)

    return change


def as_ever(bench: Bench) -> None:
    bench.app.always.clear()


def written(name: str, *change: str) -> Callable[[Bench], None]:
    def write(bench: Bench) -> None:
        bench.write(name, (change[0], change[1]))
        bench.commit()

    return write


def removed(path: str) -> Callable[[Bench], None]:
    def remove(bench: Bench) -> None:
        bench.shell(f"git rm -rq {path} && git commit -qm without")

    return remove


def piped(old: str, new: str) -> Callable[[Bench], None]:
    def change(bench: Bench) -> None:
        text = re.sub(old, new, GITHUB, flags=re.DOTALL)
        assert text != GITHUB
        bench.pipe(text)

    return change


def sound_pipe(bench: Bench) -> None:
    bench.pipe(GITHUB)


INSTALLED = replace(OURS, owner="acme").requirement()
WRITTEN = OURS.owner if OURS.home else "OWNER"
BY_NAME = ("warn", "and here is") if OURS.on_index else ("fail", "from the package index")


def by_git(owner: str, ref: str = f"@v{__version__}") -> str:
    return f'"baseten-jobs @ git+https://github.com/{owner}/baseten-jobs{ref}"'


def on_gitlab(old: str, new: str) -> Callable[[Bench], None]:
    def change(bench: Bench) -> None:
        assert old in GITLAB
        bench.pipeline.unlink()
        (bench.work / ".gitlab-ci.yml").write_text(GITLAB.replace(old, new))

    return change


def sound_gitlab(bench: Bench) -> None:
    (bench.work / ".gitlab-ci.yml").write_text(GITLAB)


def twin(bench: Bench) -> None:
    name = str(bench.jobs()[0]["name"])
    bench.create(f"{name[:-4]}{'bcdf' if not name.endswith('bcdf') else 'fdcb'}")


def overtaken(bench: Bench) -> None:
    """The manifest's own job is done, and a younger one of another spec runs."""
    (own,) = bench.jobs()
    bench.force(own["id"], "TRAINING_JOB_COMPLETED")
    bench.create(f"x--000000000000{own['name'][-8:]}")


def failed(bench: Bench) -> None:
    bench.force(bench.jobs()[0]["id"], "TRAINING_JOB_FAILED")


def orphan(bench: Bench) -> None:
    bench.write("y")
    bench.commit()
    bench.start("y")
    later = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
    bench.environment |= {"GIT_COMMITTER_DATE": later, "GIT_AUTHOR_DATE": later}
    removed("specs/y.yaml")(bench)


def unmanaged(bench: Bench) -> None:
    bench.create("theirs")


def stopped_by_hand(bench: Bench) -> None:
    bench.force(bench.jobs()[-1]["id"], "TRAINING_JOB_STOPPED")


def strange_status(bench: Bench) -> None:
    bench.force(bench.jobs()[0]["id"], "TRAINING_JOB_WARMING")


def running(bench: Bench) -> None:
    bench.force(bench.jobs()[0]["id"], "TRAINING_JOB_RUNNING")


def busy(bench: Bench) -> None:
    bench.app.answers["/v1/teams"] = [429]


PLANNED = frozenset({"plan"})
UNAUTHORISED = "export BASETEN_API_KEY=KEY"
CASES = [
    Case("a shallow clone", shallow, "git-history", "fail", "shallow", "git fetch --unshallow"),
    Case("a partial clone", partial, "git-history", "warn", "partial", "git fetch --refetch --no-filter", by_hand),
    Case("no origin", lambda b: b.shell("git remote remove origin"), "git-origin", "warn", "no remote 'origin'",
         "git remote add origin URL"),
    Case("an origin of another name", lambda b: b.shell("git remote rename origin up"), "git-origin", "warn",
         "the remote is called 'up'", "git remote rename up origin"),
    Case("a checkout of another user", lambda b: b.environment.update(GIT_TEST_ASSUME_DIFFERENT_OWNER="1"), "git",
         "fail", "another user owns", "git config --global --add safe.directory",
         beside=frozenset({"git-origin"})),
    Case("core.autocrlf", lambda b: b.shell("git config --global core.autocrlf true"), "git-filters", "warn",
         "core.autocrlf", "git config core.autocrlf false"),
    Case("core.fileMode", lambda b: b.shell("git config core.fileMode false"), "git-modes", "warn", "core.fileMode",
         "git config core.fileMode true"),
    Case("a filter", filtered, "git-filters", "warn", "the filter 'shrink' is for 1 file, such as data.bin",
         "leave them out", unfiltered),
    Case("no repository", lambda b: b.shell("rm -rf .git"), "git", "warn", "not in a git repository", "git init",
         beside=frozenset({"git-origin"})),
    Case("no commit", lambda b: b.shell("git update-ref -d HEAD"), "git", "warn", "no commit yet", "git add -A"),
    Case("a wrong key", set_key("another"), "key", "fail", "does not accept this key", UNAUTHORISED),
    Case("no key", set_key(""), "key", "fail", "BASETEN_API_KEY is not set", UNAUTHORISED),
    Case("a key that is none", set_key("two words"), "key", "fail", "can't be in a key", UNAUTHORISED),
    Case("a closed port", at("http://127.0.0.1:1"), "base-url", "fail", "could not connect", "unset BASETEN_BASE_URL",
         by_hand, beside=frozenset({"key"})),
    Case("no address", at("api.baseten.co"), "base-url", "fail", "not an http:// or https:// address",
         "unset BASETEN_BASE_URL", by_hand, beside=frozenset({"key"})),
    Case("another web site", answering("", 200, b"<html>a portal</html>"), "base-url", "fail", "not a JSON object",
         "unset BASETEN_BASE_URL", as_ever, beside=frozenset({"key"})),
    Case("a key without the right to read bills", answering("/v1/billing/usage_summary", 403, b'{"message": "no"}'),
         "billing", "warn", "403", UNAUTHORISED, as_ever),
    Case("prices that can't be read", answering("/v1/instance_type_prices", 404, b"{}"), "prices", "warn", "404",
         "baseten-jobs doctor", as_ever),
    Case("capacity that can't be read", answering("/v1/training/capacity", 404, b"{}"), "capacity", "warn", "404",
         "baseten-jobs doctor", as_ever),
    Case("a busy key", busy, "rate-limit", "warn", "met 429", UNAUTHORISED),
    Case("a skewed clock", by_hand, "clock", "warn", "behind the server's", "timedatectl", by_hand, ahead=300.0),
    Case("a clock that is far behind", by_hand, "clock", "fail", "behind the server's", "timedatectl", by_hand,
         ahead=3600.0),
    Case("a team that is not there", written("y", "project: Demo", "project: Demo, team: Nobody"), "projects", "fail",
         "there is no team 'Nobody'", "there are default", removed("specs/y.yaml")),
    Case("a team that the key does not see", answering("/v1/teams", 200, b'{"teams": [{"id": "t", "name": "b"}]}'),
         "teams", "fail", "of the team 'default', which this key does not see", UNAUTHORISED, as_ever),
    Case("a missing project", written("y", "project: Demo", "project: Elsewhere"), "projects", "warn",
         "there is no project 'Elsewhere' yet", "baseten-jobs apply"),
    Case("a missing secret", written("y", "hf_access_token", "wandb_key"), "secrets", "fail",
         "'wandb_key' is not a secret", "make it in Baseten", removed("specs/y.yaml")),
    Case("no manifests", removed("specs"), "manifests", "fail", "no such file or folder", "baseten-jobs init",
         beside=frozenset({"orphans"})),
    Case("a broken manifest", written("y", "spec:", "spc:"), "manifests", "fail", "specs/y.yaml",
         "baseten-jobs validate", removed("specs/y.yaml")),
    Case("no pipeline", removed(".github"), "pipeline", "warn", "no pipeline", "baseten-jobs init --ci github",
         sound_pipe),
    Case("a pipeline that was never finished", piped("acme", "<owner>"), "pipeline", "fail", "<owner>",
         f"sed -i.bak 's/<owner>/{WRITTEN}/' .github/workflows/training.yml"),
    Case("a pipeline of an older release that was never finished", piped("acme", "__OWNER__"), "pipeline", "fail",
         "__OWNER__", f"sed -i.bak 's/__OWNER__/{WRITTEN}/' .github/workflows/training.yml"),
    Case("an install of nobody's at GitLab", on_gitlab(INSTALLED, by_git("<owner>")), "pipeline", "fail", "<owner>",
         f"sed -i.bak 's/<owner>/{WRITTEN}/' .gitlab-ci.yml"),
    Case("an old pipeline", piped(f"@v{__version__}", "@v0.0.1"), "pipeline-version", "warn", "@v0.0.1, and here is",
         "sed -E -i.bak"),
    Case("an unpinned action", piped(f"@v{__version__}", "@main"), "pipeline-version", "warn", "@main, whatever",
         "sed -E -i.bak"),
    Case("an unpinned install", on_gitlab(INSTALLED, by_git("acme", "")), "pipeline-version", "warn",
         "/acme/baseten-jobs, whatever", "sed -E -i.bak"),
    Case("an install of a branch", on_gitlab(INSTALLED, by_git("acme", ".git@main")), "pipeline-version", "warn",
         "/acme/baseten-jobs.git@main, whatever", "sed -E -i.bak"),
    Case("an old install", on_gitlab(INSTALLED, by_git("acme", "@v0.0.1")), "pipeline-version", "warn",
         "/acme/baseten-jobs@v0.0.1, and here is", "sed -E -i.bak"),
    Case("an install by a name that anybody may take", on_gitlab(INSTALLED, '"baseten-jobs==0.0.1"'),
         "pipeline-version", *BY_NAME, "install", sound_gitlab),
    Case("a pipeline that clones one commit", piped("fetch-depth: 0, ", ""), "pipeline-depth", "fail",
         "says no fetch-depth", "fetch-depth: 0", sound_pipe),
    Case("a pipeline that clones some commits", on_gitlab('GIT_DEPTH: "0"', 'GIT_DEPTH: "20"'), "pipeline-depth",
         "fail", "clones 20 commits", 'GIT_DEPTH: "0"', sound_gitlab),
    Case("applies side by side", piped(r"    concurrency: +# one apply.*?queue: max[^\n]*\n", ""),
         "pipeline-concurrency", "warn", "two of it may apply at once", "concurrency:", sound_pipe),
    Case("applies side by side at GitLab", on_gitlab("resource_group", "tags"), "pipeline-concurrency", "warn",
         "two of it may apply at once", "resource_group", sound_gitlab),
    Case("an apply that is cancelled", piped("cancel-in-progress: false", "cancel-in-progress: true"),
         "pipeline-concurrency", "fail", "cancels an apply", "cancel-in-progress: false", sound_pipe),
    Case("an apply of an old commit", on_gitlab('--if-tip "$CI_DEFAULT_BRANCH" ', ""), "pipeline-concurrency", "warn",
         "an old commit", "--if-tip", sound_gitlab),
    Case("a token that may too little", piped("pull-requests: write", "issues: write"), "pipeline-permissions", "warn",
         "can't write the plan as a comment", "pull-requests: write", sound_pipe),
    Case("a token whose rights nothing tells", piped(r"    permissions:\n      contents: read\n    env", "    env"),
         "pipeline-permissions", "fail", "can't read the checkout", "contents: read", sound_pipe),
    Case("secrets for strangers", piped("  pull_request:\n", "  pull_request_target:\n"), "pipeline-permissions",
         "fail", "pull_request_target", "on: pull_request", sound_pipe),
    Case("a run of an old spec beside the new one", overtaken, "plan", "warn", "still runs", "baseten-jobs plan",
         stopped_by_hand),
    Case("a live duplicate", twin, "duplicates", "fail", "duplicate: ", "baseten-jobs stop --job "),
    Case("a live orphan", orphan, "orphans", "warn", "its manifest was deleted in", "baseten-jobs stop --orphans"),
    Case("a failed job that is held", failed, "held", "warn", "x: ", "baseten-jobs apply --retry-failed x"),
    Case("a job of nobody", unmanaged, "unmanaged", "warn", "1 live job of no manifest", "baseten-jobs adopt NAME",
         stopped_by_hand),
    Case("an unknown status", strange_status, "statuses", "warn", "the status warming", "pip install --upgrade",
         running, beside=PLANNED),
]  # fmt: skip
"""`beside` are checks that the same fault makes speak, too."""


def test_each_check_that_can_fail_is_broken_here() -> None:
    assert {case.check for case in CASES} == {check.id for check in CHECKS} - {"version"}


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a sound set-up, to be copied."""
    folder = tmp_path_factory.mktemp("sound")
    with opened_bench(folder):
        pass
    return folder


@pytest.fixture
def folder(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound, tmp_path / "sound", symlinks=True))


def test_a_sound_set_up_is_well(folder: Path) -> None:
    with opened_bench(folder) as bench:
        assert [each for each in bench.findings() if each["level"] != "ok"] == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_broken_set_up_names_itself_and_what_mends_it(case: Case, folder: Path) -> None:
    with opened_bench(folder, ahead=case.ahead) as bench:
        case.break_it(bench)
        amiss = [each for each in bench.findings() if each["level"] != "ok"]
        read = {each["check"] for each in amiss if each["read"]} | {case.check}
        assert read <= {case.check, *case.beside}
        found = next(each for each in amiss if each["check"] == case.check)
        assert (found["level"], case.told in found["told"], case.remedy in found["remedy"]) == (
            case.level,
            True,
            True,
        ), found
        assert found["means"]
        if case.mended is by_hand:
            return
        remedy = found["remedy"].replace("KEY=KEY", f"KEY={KEY}").replace("/OWNER/", "/acme/")
        remedy = remedy.replace("URL", "file://$PWD/../origin.git")
        if case.mended is not None:
            case.mended(bench)
            remedy = ""
        after = bench.findings(before=remedy)
        assert case.check not in {each["check"] for each in after if each["level"] != "ok"}, remedy


@pytest.mark.parametrize("fault", [kind.name for kind in KINDS])
def test_under_each_fault_of_the_api_every_check_is_told(fault: str, open_desk: Open) -> None:
    desk = open_desk(f"{fault}=0.5")
    desk.write()
    ran = desk("doctor", "-o", "json")
    assert ran.code in (0, 1), ran.err
    told = {each["check"] for each in ran.json["findings"]}
    assert told >= {check.id for check in CHECKS if not check.of}
    assert (ran.err, written(desk.requests())) == ("", [])


def written(requests: dict[str, int]) -> list[str]:
    """The calls that change something."""
    return [call for call in requests if not call.startswith("GET ") and "search" not in call]


@pytest.mark.parametrize("columns", ["80", "200"])
@pytest.mark.parametrize("environment", [{}, {"NO_COLOR": "1"}], ids=["colours", "NO_COLOR"])
def test_it_fits_a_terminal(
    columns: str, environment: dict[str, str], tmp_path: Path, nothing_set: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    with terminal("doctor", "--local", start=warm.command(), COLUMNS=columns, **environment) as shown:
        assert shown.ends() == 1
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line).rstrip("\r") for line in shown.shown.split("\n")]
    assert "Traceback" not in shown.shown
    assert ("\x1b[" in shown.shown) is not bool(environment)
    assert 60 < max(len(line) for line in lines if "→" not in line) <= int(columns)
