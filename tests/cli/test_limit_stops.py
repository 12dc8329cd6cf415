"""Whole commands over runs that are beyond their limits: what git has to bear out, and what `--limits-only` leaves."""

from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from baseten_jobs.emulator.settings import Durations
from baseten_jobs.job.names import owner_of
from tests.cli.test_stops import own
from tests.support.commands import Ran
from tests.support.operating import Desk, Open, open_desk
from tests.support.repository import git
from tests.support.world import START

pytestmark = pytest.mark.slow

__all__ = ["open_desk"]

HOUR = 3600.0
DAY = "policy: {max_duration: 24h}\n"
CHECKPOINTS = "  checkpointing: {enabled: true}\n"
LIMITED = CHECKPOINTS + DAY


class Limits:
    """A clone of a bare repository, whose limited manifests `x` and `y` have run since its first commit."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.folder = desk, desk.folder
        git(desk.folder, "init", "-q", "-b", "main")
        (desk.folder / ".gitignore").write_text("emulator.db*\nremote.git\nelsewhere\n")
        git(desk.folder, "init", "-q", "--bare", "-b", "main", "remote.git")
        git(desk.folder, "remote", "add", "origin", "./remote.git")

    def begin(self, *names: str, more: str = LIMITED) -> dict[str, str]:
        """Committed, pushed and submitted; the ids of the jobs by name."""
        for name in names:
            self.desk.write(name, command=f"train {name}", more=more)
        self.push()
        ran = self.desk("apply", "--yes")
        assert ran.code == 0, ran.err
        return {job["name"].partition("--")[0]: job["id"] for job in self.desk.jobs()}

    def commit(self) -> str:
        self.desk.clock.time += 60
        date = datetime.fromtimestamp(START + self.desk.clock.time, UTC).isoformat()
        git(self.folder, "add", "-A")
        git(self.folder, "commit", "-qm", "change", GIT_COMMITTER_DATE=date, GIT_AUTHOR_DATE=date)
        return git(self.folder, "rev-parse", "HEAD")

    def push(self) -> str:
        head = self.commit()
        git(self.folder, "push", "-q", "origin", "main")
        return head

    def write(self, name: str, more: str = LIMITED, command: str = "") -> None:
        self.desk.write(name, command=command or f"train {name}", more=more)

    def days(self, number: float) -> None:
        self.desk.clock.time += number * 24 * HOUR

    def apply(self, *options: str) -> Ran:
        return self.desk("apply", "--yes", *options)

    @property
    def live(self) -> list[str]:
        return sorted(
            job["name"].partition("--")[0]
            for job in self.desk.jobs()
            if job["current_status"] == "TRAINING_JOB_RUNNING"
        )


@pytest.fixture
def limits(open_desk: Open, monkeypatch: pytest.MonkeyPatch) -> Limits:
    made = open_desk(durations=Durations(created=1, deploying=2, running=1e9, line=3600))
    own(monkeypatch)
    return Limits(made)


def refused(limits: Limits, job: str, why: str, *options: str, told: str = "it has run for 1d1h") -> None:
    """Nothing is stopped, by `apply` nor by `apply --limits-only`, and both say why."""
    because = (
        f"job {job} is over its limit: {told}, and policy.max_duration is 1d, and is not stopped: {why}; "
        f"`baseten-jobs stop --job {job}` stops it"
    )
    before = limits.live
    for only in ((), ("--limits-only",)):
        ran = limits.apply(*only, *options)
        assert because in ran.out, (only, ran)
        assert limits.live == before


ONLY = pytest.mark.parametrize("only", [(), ("--limits-only",)], ids=["apply", "limits-only"])


@ONLY
def test_a_run_over_its_limit_is_stopped_once(limits: Limits, only: tuple[str, ...]) -> None:
    jobs = limits.begin("x", "y")
    limits.days(0.5)
    ran = limits.apply(*only)
    assert (ran.code, limits.live) == (0, ["x", "y"])
    limits.write("y", LIMITED.replace("24h", "48h"))
    limits.push()
    limits.days(25 / 24 - 0.5)
    ran = limits.apply(*only)
    assert (ran.code, limits.live) == (0, ["y"]), ran
    assert "over its limit: it has run for 1d1h, and policy.max_duration is 1d" in ran.out
    assert jobs["x"] in ran.out
    again = limits.apply(*only)
    assert (again.code, limits.live) == (0, ["y"])
    held = limits.desk("plan")
    assert "stopped over its limit: it has run for 1d1h, and policy.max_duration is 1d: raise" in held.out
    assert len(limits.desk.jobs()) == 2


@ONLY
def test_a_run_over_its_cost_is_stopped(limits: Limits, only: tuple[str, ...]) -> None:
    limits.begin("x", more=CHECKPOINTS + "policy: {max_cost: 1000}\n")
    limits.days(0.25)
    assert (limits.apply(*only).code, limits.live) == (0, ["x"])
    limits.days(0.25)
    ran = limits.apply(*only)
    assert (ran.code, limits.live) == (0, []), ran
    assert "it has cost at least $1,24" in ran.out
    assert "and policy.max_cost is $1,000.00" in ran.out


def test_what_git_does_not_have_stops_nothing(limits: Limits) -> None:
    job = limits.begin("x", more=LIMITED.replace("24h", "48h"))["x"]
    limits.days(25 / 24)
    limits.write("x")
    refused(limits, job, "specs/x.yaml is not as HEAD has it")
    limits.write("x", LIMITED.replace("24h", "48h"))
    refused(limits, job, "`--set` is laid over its manifest", "--set", "x:policy.max_duration=24h")
    git(limits.folder, "rm", "-q", "--cached", "specs/x.yaml")
    limits.write("x")
    refused(limits, job, "specs/x.yaml is not as HEAD has it")


def test_a_limit_that_only_this_clone_has_committed_stops_nothing(limits: Limits) -> None:
    """A laptop with an hour does not end what main allows two days."""
    job = limits.begin("x", more=LIMITED.replace("24h", "48h"))["x"]
    limits.days(25 / 24)
    tip = git(limits.folder, "rev-parse", "HEAD")
    limits.write("x")
    head = limits.commit()
    why = f"main is at {tip[:7]}, and this is {head[:7]}, so its own run decides"
    refused(limits, job, why)
    git(limits.folder, "push", "-q", "origin", "main")
    assert (limits.apply("--limits-only").code, limits.live) == (0, [])


def test_an_old_pipeline_stops_nothing(limits: Limits) -> None:
    job = limits.begin("x")["x"]
    old = git(limits.folder, "rev-parse", "HEAD")
    limits.write("x", LIMITED.replace("24h", "48h"))
    tip = limits.push()
    git(limits.folder, "checkout", "-q", old)
    limits.days(25 / 24)
    refused(limits, job, f"main is at {tip[:7]}, and this is {old[:7]}, so its own run decides")
    git(limits.folder, "checkout", "-q", "main")
    assert (limits.apply().code, limits.live) == (0, ["x"])


def test_a_remote_that_cannot_be_asked_stops_nothing(limits: Limits) -> None:
    job = limits.begin("x")["x"]
    limits.days(25 / 24)
    (limits.folder / "remote.git").rename(limits.folder / "elsewhere")
    ran = limits.apply("--limits-only")
    assert (limits.live, f"job {job} is over its limit" in ran.out) == (["x"], True)
    assert "and is not stopped: git can't tell: " in ran.out
    git(limits.folder, "remote", "remove", "origin")
    assert (limits.apply("--limits-only").code, limits.live) == (0, []), "without a remote HEAD decides"


def test_outside_of_a_repository_nothing_is_stopped(open_desk: Open) -> None:
    desk = open_desk(durations=Durations(created=1, deploying=2, running=1e9, line=3600))
    desk.write("x", more=LIMITED)
    assert desk("apply", "--yes").code == 0
    desk.clock.time += 25 * HOUR
    for only in ((), ("--limits-only",)):
        ran = desk("apply", "--yes", *only)
        assert "is over its limit: it has run for 1d1h, and policy.max_duration is 1d, and is not stopped: " in ran.out
    assert [job["current_status"] for job in desk.jobs()] == ["TRAINING_JOB_RUNNING"]


def test_defaults_that_are_not_committed_stop_nothing(limits: Limits) -> None:
    """The file between, which gives a longer limit, says nothing of it in the work tree."""
    for name, text in (("outer", "policy: {max_duration: 24h}\n"), ("inner", "policy: {max_duration: 48h}\n")):
        extends = "extends: outer.yaml\n" if name == "inner" else ""
        (limits.folder / f"{name}.yaml").write_text(
            f"apiVersion: baseten-jobs/v1\nkind: TrainingJobDefaults\n{extends}{text}"
        )
    limits.write("x", CHECKPOINTS)
    path = limits.folder / "specs" / "x.yaml"
    path.write_text(path.read_text().replace("kind: TrainingJob\n", "kind: TrainingJob\nextends: ../inner.yaml\n"))
    limits.push()
    assert limits.apply("specs").code == 0
    job = limits.desk.jobs()[0]["id"]
    limits.days(25 / 24)
    inner = limits.folder / "inner.yaml"
    text = inner.read_text()
    inner.write_text(text.replace("policy: {max_duration: 48h}\n", ""))
    refused(limits, job, "inner.yaml is not as HEAD has it", "specs")
    limits.push()
    assert (limits.apply("--limits-only", "specs").code, limits.live) == (0, [])


@pytest.mark.parametrize("older", ["24h", "48h", ""], ids=["as long", "longer", "without"])
def test_a_run_of_an_older_spec_has_the_limits_that_it_was_made_with_too(limits: Limits, older: str) -> None:
    more = CHECKPOINTS + (f"policy: {{max_duration: {older}}}\n" if older else "")
    job = limits.begin("x", more=more)["x"]
    made_from = git(limits.folder, "rev-parse", "HEAD")
    limits.days(1)
    limits.write("x", command="train better")
    limits.push()
    assert limits.apply().code == 0
    limits.days(1 / 24)
    if older == "24h":
        assert (limits.apply("--limits-only").code, limits.live) == (0, ["x"])
    else:
        refused(limits, job, f"the manifest that it was made from allowed more, in commit {made_from[:10]}")


def test_a_shallow_clone_stops_what_head_has_and_nothing_of_an_older_spec(
    limits: Limits, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = limits.begin("x", "y")["x"]
    limits.write("x", command="train better")
    limits.push()
    assert limits.apply().code == 0
    limits.days(25 / 24)
    git(limits.folder, "clone", "-q", "--depth", "1", f"file://{limits.folder}/remote.git", "elsewhere")
    monkeypatch.chdir(limits.folder / "elsewhere")
    ran = limits.apply("--limits-only")
    assert (ran.code, limits.live) == (0, ["x"]), "the newer one of x, and y, are at HEAD"
    assert f"job {old} is over its limit: " in ran.out
    assert "is not stopped: this clone is shallow; `baseten-jobs stop" in ran.out


def test_a_run_of_another_repository_is_not_stopped(limits: Limits, monkeypatch: pytest.MonkeyPatch) -> None:
    own(monkeypatch, "acme")
    job = limits.begin("x")["x"]
    own(monkeypatch)
    limits.days(25 / 24)
    others = owner_of("github.com/acme/training")
    why = f"it is of another repository, '{others}'; `--owner-too {others}` if that is this one's former address"
    refused(limits, job, why)
    assert (limits.apply("--limits-only", "--owner-too", others).code, limits.live) == (0, [])


def test_a_copy_that_a_person_made_is_never_stopped(limits: Limits) -> None:
    limits.begin("x")
    limits.days(2 / 24)
    (job,) = limits.desk.jobs()
    url = f"{limits.desk.url}/v1/training_projects/{job['training_project_id']}/jobs/{job['id']}/recreate"
    httpx.post(url, json={}, headers={"Authorization": "Bearer k"}, verify=False).raise_for_status()
    limits.days(30)
    assert limits.apply("--limits-only").code == 0
    assert limits.apply().code == 0
    states = [job["current_status"].removeprefix("TRAINING_JOB_") for job in limits.desk.jobs()]
    assert states == ["STOPPED", "RUNNING"]


# With `--limits-only`


def test_other_manifests_may_be_wrong_and_the_exit_code_tells_of_them(limits: Limits) -> None:
    limits.begin("x", "y")
    limits.days(25 / 24)
    (limits.folder / "specs" / "y.yaml").write_text("apiVersion: baseten-jobs/v1\nkind: TrainingJob\nmetadata: {}\n")
    (limits.folder / "specs" / "z.yaml").write_text("apiVersion: baseten-jobs/v1\nkind: [\n")
    limits.push()
    ran = limits.apply("--limits-only")
    assert (ran.code, limits.live) == (1, ["y"]), ran
    assert "specs/y.yaml:" in ran.err
    assert "specs/z.yaml:" in ran.err
    assert limits.apply().code == 1


def test_warnings_that_strict_makes_errors_keep_nothing_from_being_stopped(limits: Limits) -> None:
    limits.begin("x", more=DAY)
    limits.days(25 / 24)
    assert limits.apply("--strict").code == 1
    assert limits.live == ["x"]
    ran = limits.apply("--strict", "--limits-only")
    assert (ran.code, limits.live) == (0, []), ran


def test_one_of_two_manifests_of_a_name_stops_nothing(limits: Limits) -> None:
    limits.begin("x")
    limits.days(25 / 24)
    (limits.folder / "specs" / "twin.yaml").write_text((limits.folder / "specs" / "x.yaml").read_text())
    limits.push()
    assert (limits.apply("--limits-only").code, limits.live) == (1, ["x"])


def test_a_guard_that_refuses_submits_lets_it_stop(limits: Limits) -> None:
    limits.begin("x")
    limits.days(25 / 24)
    for name in "abc":
        limits.write(name)
    limits.push()
    assert (limits.apply("--max-submits", "2").code, limits.live) == (8, ["x"])
    ran = limits.apply("--max-submits", "2", "--limits-only")
    assert (ran.code, limits.live, len(limits.desk.jobs())) == (0, [], 1), ran


def test_nothing_but_runs_over_their_limits_is_touched(limits: Limits) -> None:
    """A changed spec, one that supersedes, a deleted manifest, and one that failed."""
    stop = CHECKPOINTS + "policy: {max_duration: 24h, on_change: stop, retry: {when: [failed], delay: 0s}}\n"
    jobs = limits.begin("over", "failed", "gone", more=stop)
    limits.desk.force(jobs["failed"], "FAILED")
    limits.days(25 / 24)
    limits.write("over", stop, command="train better")
    limits.write("young", stop)
    (limits.folder / "specs" / "gone.yaml").unlink()
    limits.push()
    ran = limits.apply("--limits-only", "--prune")
    assert (ran.code, limits.live, len(limits.desk.jobs())) == (0, ["gone"], 3), ran


def test_nothing_is_asked_of_the_api_where_no_manifest_has_a_limit(limits: Limits) -> None:
    limits.begin("x", more=CHECKPOINTS)
    limits.days(99)
    before = limits.desk.requests()
    ran = limits.apply("--limits-only")
    assert (ran.code, limits.desk.requests()) == (0, before), ran


@pytest.mark.parametrize("option", [["--plan", "p"], ["--wait"]], ids=str)
def test_it_takes_no_plan_and_waits_for_nothing(limits: Limits, option: list[str]) -> None:
    ran = limits.desk("apply", "--limits-only", *option)
    assert (ran.code, "--limits-only submits nothing, and takes no --plan and no --wait" in ran.err) == (64, True)


def test_a_saved_plan_with_a_stop_over_a_limit_is_carried_out(limits: Limits) -> None:
    limits.begin("x")
    limits.days(25 / 24)
    assert limits.desk("plan", "--out", "elsewhere").code == 0
    ran = limits.apply("--plan", "elsewhere")
    assert (ran.code, limits.live) == (0, []), ran
    assert limits.apply("--plan", "elsewhere").code != 0


def test_without_a_yes_nothing_is_stopped(limits: Limits) -> None:
    limits.begin("x")
    limits.days(25 / 24)
    ran = limits.desk("apply", "--limits-only")
    assert (ran.code != 0, limits.live) == (True, ["x"])


def test_reports_tell_of_the_stop_and_its_reason(
    limits: Limits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = limits.begin("x")["x"]
    limits.days(25 / 24)
    for name in ("GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT"):
        monkeypatch.setenv(name, str(tmp_path / "elsewhere" / name))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    reason = "over its limit: it has run for 1d1h, and policy.max_duration is 1d"
    for form in ("text", "markdown", "json"):
        assert reason in limits.desk("plan", "-o", form).out, form
    (stop,) = (a for a in limits.desk("plan", "-o", "json").json["actions"] if a["action"] == "stop")
    assert (stop["reason"], stop["over_limit"]) == (reason, {"seconds": 90_005, "usd_at_most": None})
    ran = limits.apply("--limits-only", "-o", "json")
    (result,) = ran.json["results"]
    assert (result["outcome"], result["job_id"], result["reason"]) == ("stopped", job, reason)
    summary = (tmp_path / "elsewhere" / "GITHUB_STEP_SUMMARY").read_text()
    assert reason in summary
    assert "has_changes<<" in (tmp_path / "elsewhere" / "GITHUB_OUTPUT").read_text()
