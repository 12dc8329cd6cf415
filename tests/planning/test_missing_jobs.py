"""A job that should be there and is not: what is held as missing, what is not, and what lifts the hold."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from baseten_jobs.applying.outcome import Applied, Fate, Outcome
from baseten_jobs.cli.exit_rules import exit_of_apply
from baseten_jobs.cli.exits import Exit
from baseten_jobs.emulator.settings import Durations
from baseten_jobs.git import repository as asking
from baseten_jobs.planning.plan import Doubt, Plan, Policy, Verb
from tests.support.repository import Repository, cloned, days, git
from tests.support.world import Send

LONG = Durations(running=1e9)


@pytest.fixture
def world(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "work", durations=LONG)


def held(plan: Plan) -> dict[str, str]:
    """The names of the manifests that are held as missing, each with the first words of the reason."""
    return {a.request.name: a.reason.partition(":")[0] for a in plan.actions if a.doubt is Doubt.MISSING}


def asked(world: Repository, **policy: Any) -> Plan:
    return world.asked(missing=True, policy=Policy(**policy))


def three_that_ran(world: Repository) -> None:
    for name in ("x", "y", "z"):
        world.write(name, command=f"train {name}")
    world.commit()
    world.apply()
    world.clock.time += days(8)


def nothing(name: str) -> Any:
    """An answer whose list is empty."""

    def fault(request: httpx.Request, send: Send) -> httpx.Response:
        return httpx.Response(200, request=request, json={**send(request).json(), name: []})

    return fault


def delete(world: Repository, *names: str) -> None:
    for job in world.jobs():
        if job["name"].partition("--")[0] in names:
            world.api._exchange("DELETE", "/v1/training_projects/{}/jobs/{}", job["training_project_id"], job["id"])


@pytest.mark.parametrize("gone", ["its jobs are hidden", "the list of projects is empty once", "it was deleted"])
def test_a_project_that_lost_all_its_jobs_buys_nothing_again(world: Repository, gone: str) -> None:
    three_that_ran(world)
    if gone == "its jobs are hidden":
        for call in ("search", "search", "list", "list"):
            world.fault(call, nothing("training_jobs"))
    elif gone == "it was deleted":
        world.api._exchange("DELETE", "/v1/training_projects/{}", world.api.projects()[0]["id"])
    else:
        world.fault("projects", nothing("training_projects"))
    plan = asked(world)
    assert {action.verb for action in plan.actions} == {Verb.HOLD}
    assert held(plan) == dict.fromkeys("xyz", "missing")
    assert plan.has_changes is False
    assert "was it renamed or deleted at the provider, is the key another team's" in plan.actions[0].reason


def test_what_is_new_is_held_too_where_a_project_lost_all_that_is_old(world: Repository) -> None:
    three_that_ran(world)
    delete(world, "x", "y", "z")
    world.write("new", command="new")
    world.commit()
    assert set(held(asked(world))) == {"new", "x", "y", "z"}


def test_what_is_new_goes_on_beside_old_jobs_that_are_there(world: Repository) -> None:
    three_that_ran(world)
    delete(world, "x")
    world.write("new", command="new")
    world.commit()
    plan = asked(world)
    assert set(held(plan)) == {"x"}
    assert [action.request.name for action in plan.of(Verb.SUBMIT)] == ["new"]


def test_other_projects_go_on(world: Repository) -> None:
    three_that_ran(world)
    delete(world, "x", "y", "z")
    world.write("w", command="other")
    path = world.folder / "specs" / "w.yaml"
    path.write_text(path.read_text().replace("Demo / one", "Another"))
    world.commit()
    plan = asked(world)
    assert set(held(plan)) == {"x", "y", "z"}
    assert [action.request.name for action in plan.of(Verb.SUBMIT)] == ["w"]


def test_a_person_answers_for_one_or_for_all(world: Repository) -> None:
    three_that_ran(world)
    delete(world, "x", "y", "z")
    assert set(held(asked(world, create=frozenset({"x"})))) == {"y", "z"}
    assert held(asked(world, create=frozenset({"*"}))) == {}
    assert [a.verb for a in asked(world, create=frozenset("xyz")).actions] == [Verb.SUBMIT] * 3


def test_a_new_manifest_goes_on_once_a_person_answered_for_the_old_ones(world: Repository) -> None:
    three_that_ran(world)
    delete(world, "x", "y", "z")
    world.write("new", command="new")
    world.commit()
    assert held(asked(world, create=frozenset("xyz"))) == {}


def test_a_held_submit_stops_nothing(world: Repository) -> None:
    world.write("x", command="v1")
    world.commit()
    world.apply()
    world.write("x", command="v2", more="policy: {on_change: stop}\n")
    world.commit()
    assert [a.verb for a in world.asked().actions] == [Verb.SUBMIT, Verb.STOP]
    world.clock.time += days(8)
    assert [(a.verb, a.doubt) for a in asked(world).actions] == [(Verb.HOLD, Doubt.MISSING)]


# What is old


def reviewed_for_long(world: Repository) -> str:
    """A manifest that was written nine days ago, and came to the branch by fast-forward just now; the old tip."""
    world.write("base", command="base")
    old = world.commit()
    world.apply()
    git(world.folder, "checkout", "-qb", "feature")
    world.write("late", command="late")
    world.commit()
    world.clock.time += days(9)
    git(world.folder, "checkout", "-q", "main")
    git(world.folder, "merge", "-q", "--ff-only", "feature")
    return old


def test_what_is_new_since_a_commit_is_not_missing_whatever_its_date(world: Repository) -> None:
    old = reviewed_for_long(world)
    assert set(held(asked(world))) == {"late"}
    plan = asked(world, since=old)
    assert (held(plan), plan.notes) == ({}, ())


def test_what_was_there_before_that_commit_is_missing(world: Repository) -> None:
    reviewed_for_long(world)
    assert set(held(asked(world, since="HEAD"))) == {"late"}


@pytest.mark.parametrize("since", ["0" * 40, "no-such-branch", "--all", "elsewhere", "HEAD:specs", "a\0b"])
def test_a_commit_that_says_nothing_is_ignored_with_a_note(world: Repository, since: str) -> None:
    reviewed_for_long(world)
    git(world.folder, "branch", "elsewhere", git(world.folder, "commit-tree", "HEAD^{tree}", "-m", "no parent"))
    plan = asked(world, since=since)
    assert set(held(plan)) == {"late"}
    assert [note.partition(" is not in ")[2] for note in plan.notes] == ["HEAD's history, so it is ignored"]


def test_the_first_job_of_an_old_manifest_is_asked_for_by_name(world: Repository) -> None:
    """A key that was bad for eight days, and the first apply of an old repository."""
    world.write()
    world.commit()
    world.clock.time += days(30)
    assert set(held(asked(world))) == {"x"}
    assert [a.reason for a in asked(world, create=frozenset({"x"})).actions] == ["new"]


# Where nobody knows an age


def test_a_shallow_clone_buys_nothing_into_a_project_without_a_managed_job(world: Repository, tmp_path: Path) -> None:
    three_that_ran(world)
    (world.folder / "notes").write_text("something else")
    world.commit()
    shallow = cloned(world, tmp_path / "shallow", "--depth", "1")
    assert held(asked(shallow)) == {}
    delete(world, "x")
    assert held(asked(shallow)) == {}
    delete(world, "y", "z")
    plan = asked(shallow)
    assert held(plan) == dict.fromkeys("xyz", "missing? the project shows no managed job, and this clone is shallow")
    assert "clone with `fetch-depth: 0`" in plan.actions[0].reason
    assert held(asked(shallow, create=frozenset({"*"}))) == {}


def test_what_a_shallow_clone_has_not_committed_is_new(world: Repository, tmp_path: Path) -> None:
    world.write("y", command="other")
    world.commit()
    shallow = cloned(world, tmp_path / "shallow", "--depth", "1")
    (shallow.folder / "specs" / "y.yaml").unlink()
    shallow.write("x")
    assert [action.verb for action in asked(shallow).actions] == [Verb.SUBMIT]


@pytest.mark.parametrize("trouble", ["another owner", "no git", "a broken repository"])
def test_a_checkout_that_can_not_be_asked_buys_nothing_into_an_empty_project(
    world: Repository, trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    three_that_ran(world)
    if trouble == "another owner":
        monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    elif trouble == "no git":
        monkeypatch.setenv("PATH", "")
    else:
        (world.folder / ".git" / "HEAD").write_text("nonsense")
    world.write("new", command="new")
    assert (held(asked(world)), len(asked(world).of(Verb.SUBMIT))) == ({}, 1)
    delete(world, "x", "y", "z")
    plan = asked(world)
    assert set(held(plan)) == {"new", "x", "y", "z"}
    assert held(asked(world, create=frozenset({"*"}))) == {}


def test_outside_of_any_repository_nothing_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = Repository(tmp_path / "work", durations=LONG)
    world.write()
    git(world.folder, "rev-parse", "--git-dir")
    (world.folder / ".git").rename(tmp_path / "elsewhere")
    assert [action.verb for action in asked(world).actions] == [Verb.SUBMIT]
    assert isinstance(asking.open_repository(str(world.folder)), asking.NotInGit)


def test_a_repository_without_a_commit_has_nothing_that_is_old(world: Repository) -> None:
    world.write()
    assert [action.verb for action in asked(world).actions] == [Verb.SUBMIT]


# Exit codes


def test_a_hold_of_a_doubt_is_a_failure_and_a_refusal_where_nothing_else_was_to_do(world: Repository) -> None:
    three_that_ran(world)
    delete(world, "x")
    alone = asked(world)
    outcomes = tuple(Outcome(action, Fate.HELD if action.doubt else Fate.KEPT) for action in alone.actions)
    assert exit_of_apply(Applied(outcomes)) is Exit.REFUSED
    world.write("new", command="new")
    world.commit()
    beside = asked(world)
    fates = {Verb.SUBMIT: Fate.SUBMITTED, Verb.HOLD: Fate.HELD, Verb.KEEP: Fate.KEPT}
    assert exit_of_apply(Applied(tuple(Outcome(a, fates[a.verb]) for a in beside.actions))) is Exit.FAILED


# The same spec under several names


def test_a_spec_of_two_manifests_is_submitted_twice_whichever_paths_are_given(world: Repository) -> None:
    """Two manifests mean the same and have their own names: neither is the other renamed."""
    world.write("x")
    world.write("y")
    world.commit()
    (world.folder / "elsewhere").mkdir()
    (world.folder / "specs" / "x.yaml").rename(world.folder / "elsewhere" / "x.yaml")
    world.commit()
    (world.folder / "elsewhere" / "x.yaml").rename(world.folder / "specs" / "x.yaml")
    (world.folder / "specs" / "y.yaml").rename(world.folder / "elsewhere" / "y.yaml")
    world.apply()
    (world.folder / "specs" / "x.yaml").rename(world.folder / "elsewhere" / "x.yaml")
    (world.folder / "elsewhere" / "y.yaml").rename(world.folder / "specs" / "y.yaml")
    plan = world.asked()
    assert [(a.request.name, a.verb, a.doubt) for a in plan.actions] == [("y", Verb.SUBMIT, None)]
    assert plan.cost.usd_per_hour == 52.0


def test_a_renaming_that_is_not_committed_yet_is_held_too(world: Repository) -> None:
    world.write("x")
    world.commit()
    world.apply()
    (world.folder / "specs" / "x.yaml").unlink()
    world.write("renamed")
    assert [action.doubt for action in world.asked().actions] == [Doubt.RENAMED]
