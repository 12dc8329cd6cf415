"""The document for an issue: how each manifest stands, worst first, in what GitHub accepts, whatever the names say."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baseten_jobs.job.identity import Identity
from baseten_jobs.job.observation import ObservedJob, ObservedProject
from baseten_jobs.job.request import JobRequest
from baseten_jobs.job.run_limits import RunLimits
from baseten_jobs.manifest.diagnostics import Diagnostic, Position
from baseten_jobs.planning.duplicates import duplicate_warning
from baseten_jobs.planning.endings import STOPPED
from baseten_jobs.planning.limits import STOPPED_OVER_LIMIT, Readings, with_limits
from baseten_jobs.planning.plan import Action, Doubt, Orphan, Plan, Verb
from baseten_jobs.planning.runs import runs_of
from baseten_jobs.provider.status import Checkpoints, Status, by_itself
from baseten_jobs.report import issue, issue_json
from baseten_jobs.report.standings import Kind, needs_a_person, standings
from baseten_jobs.report.style import Look
from baseten_jobs.secrecy import Values
from tests.report import plans
from tests.report.plans import NEW, OLD, REVISION, keep, planned, request, submit
from tests.report.reading import parsed, seen, tables
from tests.report.test_formats import FOLDER
from tests.report.test_markdown import GITHUB_LIMIT, HOSTILE, left_out
from tests.report.test_markdown import sound as without_links
from tests.support.golden import Golden

NOW = 1_772_362_800.0
LINKED = Look(dashboard="https://app.baseten.co")


def job(name: str, id: str, status: str, digest: str = NEW, **changes: Any) -> ObservedJob:
    return replace(plans.job(name, id, digest, status), gpu_type="H100", **changes)


def held(name: str, id: str, status: str, **changes: Any) -> Action:
    reason = f"failed before: raise `metadata.attempt`, or `--retry-failed {name}` (job {id} failed)"
    return Action(Verb.HOLD, request(name), reason, job(name, id, status, **changes))


def holding(made: Plan, jobs: Iterable[ObservedJob] = ()) -> Plan:
    """The plan with the jobs of its actions, and more, in its projects."""
    every: dict[str, ObservedJob] = {}
    for action in made.actions:
        every |= {each.id: each for each in (action.job, *action.duplicates, *action.superseded) if each}
    every |= {each.id: each for each in jobs}
    projects = {ref: replace(project, jobs=tuple(every.values())) for ref, project in made.projects.items()}
    return replace(made, projects=projects)


def rows_of(made: Plan, cost: float | None = 53.73, **told: Any) -> tuple[Status, ...]:
    rows = [Status(run.request, run.job) if run.request else by_itself(run.job) for run in runs_of(made)]
    return tuple(replace(row, cost=cost, age=3720.0, **told) for row in rows)


def told_of(made: Plan, alerts: Sequence[str] = (), look: Look = LINKED, **told: Any) -> str:
    return issue.report(made, rows_of(made, **told), alerts, look, NOW)


def sound(told: str) -> None:
    """What GitHub renders as it is meant: the only links are those to the jobs' pages."""
    links = [child for token in parsed(told) for child in token.children or () if child.type == "link_open"]
    assert all(str(link.attrs["href"]).startswith("https://app.baseten.co/training/") for link in links)
    without_links(re.sub(r"\[(<code>[^\]]*</code>)\]\(https://app\.baseten\.co/[\w/%.~-]*\)", r"\1", told))


def duplicated(name: str) -> Action:
    twins = (job(name, f"{name}1", "RUNNING"), job(name, f"{name}2", "RUNNING"))
    warning = duplicate_warning(twins, NOW)
    return Action(Verb.KEEP, request(name), "duplicate", twins[0], duplicates=twins, warnings=(warning,))


def everything() -> Plan:
    """One of everything that can be told."""
    retried = ObservedJob("r1", f"{Identity('again', NEW).job_name}-r1", "TRAINING_JOB_RUNNING", "", "p1", 16, "H100")
    before = job("again", "r0", "PREEMPTED")
    made = planned(
        held("oom", "f1", "FAILED", error_message="CUDA out of memory"),
        held("spot", "f2", "PREEMPTED"),
        held("theirs", "f3", "STOPPED"),
        Action(Verb.HOLD, request("long"), f"{STOPPED_OVER_LIMIT}: it has run for 13h, and policy.max_duration is 12h",
               job("long", "f5", "STOPPED")),
        Action(Verb.HOLD, request("moved"), "renamed? job f4 runs this very spec as 'was'", job("was", "f4", "RUNNING"),
               doubt=Doubt.RENAMED),
        duplicated("twice"),
        keep("odd", job=job("odd", "u1", "TELEPORTED")),
        keep("idle", job=job("idle", "i1", "RUNNING"), idle=True),
        keep("eval", job=job("eval", "k1", "RUNNING"), error="eval: job k2 still runs, which is not what git says"),
        keep("run", job=job("run", "k3", "RUNNING")),
        keep("again", job=retried),
        keep("queue", job=job("queue", "q1", "PENDING")),
        keep("done", job=job("done", "d1", "COMPLETED"), reason="unchanged: job d1 completed"),
        submit("new", reason="new"),
        Action(Verb.UPDATE, request("up"), "priority 0 → 10", job("up", "q2", "PENDING")),
        Action(Verb.STOP, request("new"), f"superseded by new--{NEW}", job("new", "s1", "RUNNING", OLD)),
        Action(Verb.HOLD, request("later", suspended=True), "suspended"),
        *plans.chain().actions[:2],
        orphans=(Orphan(job("gone", "o1", "RUNNING", OLD), "Qwen3 8B / SFT", REVISION),),
        notes=("capacity can't be read",),
    )  # fmt: skip
    return holding(made, (before,))


def test_everything_is_told(golden: Golden) -> None:
    told = told_of(everything(), ("`apply` refuses all of it: 300 jobs to submit",), checkpoints=Checkpoints(3))
    sound(told)
    golden.text(FOLDER / "issue.markdown", told)
    data = issue_json.report(everything(), rows_of(everything(), checkpoints=Checkpoints(3)), ("no",), LINKED, NOW)
    golden.text(FOLDER / "issue.json", data)


def test_every_manifest_and_job_stands_somewhere_and_the_worst_come_first() -> None:
    made = everything()
    found = standings(made, rows_of(made))
    assert {each.kind for each in found} == set(Kind)
    assert [each.kind.rank for each in found] == sorted(each.kind.rank for each in found)
    needy = {each.name for each in found if each.kind.needs_a_person}
    assert needy == {"oom", "spot", "theirs", "long", "moved", "twice", "odd", "idle", "eval", "gone"}


KINDS: dict[str, tuple[Action, Kind]] = {
    "a job that runs": (keep("a", job=job("a", "j", "RUNNING")), Kind.RUNS),
    "a job in the queue": (keep("a", job=job("a", "j", "QUEUED")), Kind.WAITS),
    "a job that is done": (keep("a", job=job("a", "j", "COMPLETED")), Kind.COMPLETED),
    "an attempt that ran later": (keep("a", reason="ran already as attempt 2"), Kind.RUNS),
    "a warning on a submit": (submit("a", warnings=("job j9 runs on",)), Kind.WARNING),
    "a warning on a job that runs": (keep("a", warnings=("job j9 runs on",)), Kind.WARNING),
    "idle GPUs": (keep("a", idle=True), Kind.WARNING),
    "an error on a job that runs": (keep("a", error="a: no"), Kind.WRONG),
    "a failed job": (held("a", "j", "FAILED"), Kind.FAILED),
    "a failed deployment": (held("a", "j", "DEPLOY_FAILED"), Kind.FAILED),
    "a stopped job": (held("a", "j", "STOPPED"), Kind.STOPPED),
    "a preempted job": (held("a", "j", "PREEMPTED"), Kind.PREEMPTED),
    "a failed job with an error": (replace(held("a", "j", "FAILED"), error="a: used up"), Kind.FAILED),
    "a hold for a person": (submit("a", verb=Verb.HOLD, doubt=Doubt.MISSING), Kind.HELD),
    "a hold for a look-alike that ended": (
        submit("a", verb=Verb.HOLD, doubt=Doubt.RENAMED, job=job("b", "j", "FAILED")), Kind.HELD,
    ),
    "a suspended manifest": (Action(Verb.HOLD, request("a", suspended=True), "suspended"), Kind.SUSPENDED),
    "a suspended manifest whose job runs": (
        Action(Verb.HOLD, request("a", suspended=True), "suspended", job("a", "j", "RUNNING")), Kind.RUNS,
    ),
    "a stage that waits": (plans.chain().actions[1], Kind.WAITS),
    "a stage that waits while an older one runs": (plans.chain().actions[2], Kind.WARNING),
    "a stage that waits in vain": (plans.chain().actions[4], Kind.HELD),
    "a retry that is due": (plans.retries().actions[0], Kind.SUBMIT),
    "a retry that waits": (plans.retries().actions[1], Kind.WAITS),
    "retries that are used up": (plans.retries().actions[2], Kind.PREEMPTED),
    "a status that is not known": (keep("a", job=job("a", "j", "TELEPORTED")), Kind.UNKNOWN),
    "duplicates": (duplicated("a"), Kind.DUPLICATE),
}  # fmt: skip


@pytest.mark.parametrize("case", KINDS)
def test_how_a_manifest_stands(case: str) -> None:
    action, kind = KINDS[case]
    made = holding(planned(action))
    (found,) = [each for each in standings(made, rows_of(made)) if each.request]
    assert (found.kind, found.name) == (kind, action.request.name)
    assert needs_a_person([found]) == kind.needs_a_person
    sound(told_of(made))


def test_a_run_of_another_spec_and_a_copy_are_told_beside_the_manifests_own() -> None:
    own = ObservedJob("n1", f"a--{NEW}-bcdfghj", "TRAINING_JOB_RUNNING", "2026-03-01T10:00:00Z", "p1", 16)
    copied = replace(own, id="n2", created_at="2026-03-01T11:00:00Z")
    other, odd = job("a", "n3", "RUNNING", OLD), job("a", "n4", "TELEPORTED", OLD)
    made = holding(planned(keep("a", job=own)), (own, copied, other, odd))
    found = {each.rows[0].job.id: each for each in standings(made, rows_of(made)) if each.rows[0].job}
    assert {id: (each.kind, each.said) for id, each in found.items()} == {
        "n1": (Kind.RUNS, ()),
        "n3": (Kind.RUNS, ("another spec of a",)),
        "n4": (Kind.UNKNOWN, ("another spec of a",)),
    }


def test_a_run_that_was_stopped_over_its_limit_is_told_as_one() -> None:
    stopped = replace(job("a", "j", "STOPPED"), updated_at="2026-03-01T23:00:00Z")
    action = Action(Verb.HOLD, request("a", limits=RunLimits(seconds=43_200)), f"{STOPPED}: raise it", stopped)
    readings = Readings(NOW + 86_400, tuple, lambda jobs, now: {"j": NOW - 3600}, lambda jobs, now: {})
    made = with_limits(holding(planned(action)), readings)
    (found,) = standings(made, rows_of(made))
    assert found.kind is Kind.OVER_LIMIT
    stop = Action(Verb.STOP, request("a"), "over its limit", job("a", "j", "RUNNING"), over_limit=True)
    assert {each.kind for each in standings(holding(planned(stop)), ())} == {Kind.OVER_LIMIT}
    assert found.said[0].startswith("stopped over its limit: it has run for 13h")


def test_an_orphan_that_is_pruned_is_only_to_be_stopped() -> None:
    gone = job("gone", "o1", "RUNNING", OLD)
    stop = Action(Verb.STOP, request("gone"), "its manifest was deleted in 01234567", gone, pruned=True)
    made = holding(planned(keep("a"), stop, orphans=(Orphan(gone, "P", REVISION),)))
    assert [each.kind for each in standings(made, rows_of(made))] == [Kind.RUNS, Kind.STOP]


def test_what_a_manifest_cost_counts_its_retries() -> None:
    made = everything()
    (again,) = [each for each in standings(made, rows_of(made, 10.0)) if each.name == "again"]
    assert (again.runs, again.cost) == (2, 20.0)
    told = told_of(made, cost=10.0)
    row = next(row for table in tables(told) for row in table.rows if "again" in row)
    assert ("running, retry 1" in row, "≤ $20.00" in row) == (True, True)
    assert "1 retried, ≤ $190.00 so far." in told.replace("&#36;", "$")
    (again,) = [each for each in standings(made, rows_of(made, None)) if each.name == "again"]
    assert again.cost is None
    assert "without those not known, ≤ $0.00 so far" in told_of(made, cost=None).replace("&#36;", "$")


def test_where_nothing_needs_a_person_the_heading_says_so() -> None:
    made = planned(keep("a"), submit("b"))
    assert told_of(made).splitlines()[:2] == ["<!-- baseten-jobs:issue -->", "### Nothing needs a person"]
    assert told_of(made, ("no",)).splitlines()[1] == "### A person is needed"
    assert told_of(planned(held("a", "j", "FAILED"))).splitlines()[1] == "### 1 job needs a person"
    assert (
        told_of(planned(*(held(name, name, "FAILED") for name in "ab"))).splitlines()[1].startswith("### 2 jobs need ")
    )
    assert "no manifests." in told_of(Plan())


def test_other_paths_have_another_marker() -> None:
    told = issue.report(Plan(), (), look=Look(target="specs/prod"))
    assert told.splitlines()[0] == "<!-- baseten-jobs:issue:specs/prod -->"


def test_a_jobs_page_is_linked_where_it_is_known() -> None:
    made = planned(keep("a", job=job("a", "w mm/j?#", "RUNNING", project_id="p/1)")))
    assert "[<code>w mm/j?&#35;</code>](https://app.baseten.co/training/p%2F1%29/logs/w%20mm%2Fj%3F%23)" in told_of(
        made
    )
    assert "](" not in told_of(made, look=Look())
    assert "](" not in told_of(planned(keep("a", job=job("a", "j", "RUNNING", project_id=""))))


def test_an_error_of_a_job_shows_no_value_of_its_environment() -> None:
    spec = {"runtime": {"environment_variables": {"API_KEY": "hunter2-and-more"}}}
    failed = held("a", "j", "FAILED", error_message="KeyError: 'hunter2-and-more'")
    made = holding(planned(replace(failed, request=request("a", manifest={"spec": spec}))))
    assert "hunter2" not in told_of(made)
    assert "hunter2-and-more" in told_of(made, look=Look(values=Values.ALL))


def test_without_a_plan_it_says_why() -> None:
    found = (Diagnostic("minimum", "0 is less than the minimum of 1 <b>@team</b>", Position("specs/x.yaml", 1, 1)),)
    told = issue.no_report("1 error in the manifests; nothing was sent", found)
    sound(told)
    assert told.splitlines()[:2] == ["<!-- baseten-jobs:issue -->", "### A person is needed"]
    assert [row[:2] for table in tables(told) for row in table.rows] == [["error", "specs/x.yaml:1:1"]]


def many(number: int, text: str = "CUDA out of memory") -> Plan:
    """So many failed jobs, and as many that run and wait."""
    failed = (held(f"failed-{i:03}", f"f{i}", "FAILED", error_message=text) for i in range(number))
    run = (keep(f"run-{i:03}", job=job(f"run-{i:03}", f"r{i}", "RUNNING")) for i in range(number))
    queued = (keep(f"queue-{i:03}", job=job(f"queue-{i:03}", f"q{i}", "PENDING")) for i in range(number))
    return holding(planned(*failed, *run, *queued))


@pytest.mark.parametrize("text", ["CUDA out of memory", "@team <b>|`#1" * 100], ids=["plain", "hostile and long"])
@pytest.mark.parametrize("number", [1, 100, 300])
def test_any_number_of_jobs_fits_and_what_is_left_out_is_counted(number: int, text: str) -> None:
    made = many(number, text)
    told = told_of(made)
    sound(told)
    assert len(told) < GITHUB_LIMIT
    shown = [row for table in tables(told) for row in table.rows]
    assert len(shown) + left_out(told, "left out.") == 3 * number
    assert f"### {number} job" in told
    failed = [row for row in shown if row[0] == "failed"]
    assert len(failed) >= min(number, 60)
    assert len({table.head[0] for table in tables(told)} & {"", "manifest"}) == 2, "every group is told of"


def test_300_failed_jobs_with_short_errors_are_mostly_shown() -> None:
    made = holding(planned(*(held(f"lr-{i:03}", f"f{i}", "FAILED", error_message="OOM") for i in range(300))))
    (table,) = tables(told_of(made))
    assert len(table.rows) > 150


def infested(text: str) -> Plan:
    """A plan in which every text is this one."""
    own: JobRequest = request(text, project=text, path=text)
    failed = job(text, text, "FAILED", error_message=text, project_id=text)
    odd = replace(failed, status=text, name=text)
    made = (
        Action(Verb.HOLD, own, text, failed, error=text, warnings=(text,)),
        Action(Verb.STOP, own, text, odd),
    )
    projects = {own.project: ObservedProject(own.project, text, text, jobs=(failed, odd), notes=(text,))}
    return Plan(made, projects, (Orphan(replace(odd, id=f"{text}2"), text, REVISION, text),), (text,))


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_nothing_that_a_name_or_an_error_says_breaks_out(text: str) -> None:
    sound(told_of(infested(text), (text,), replace(LINKED, target=text)))


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=60))
def test_no_text_at_all_breaks_out(text: str) -> None:
    sound(told_of(infested(text), (text,), replace(LINKED, target=text)))


@pytest.mark.parametrize("text", ["@acme/team", "#12", "acme/training#12", "GH-12", "me@example.com", "![x](//a.b/c)"])
def test_nobody_is_mentioned_and_nothing_is_closed(text: str) -> None:
    told = told_of(infested(f"see {text}, closes {text}"), (text,))
    outside = parsed(re.sub("<code>.*?</code>", "", told))
    assert not any(re.search(r"[@#]\w|gh-\d", seen(token), re.IGNORECASE) for token in outside)
