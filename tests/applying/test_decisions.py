"""What decides whether a plan is carried out: guards, a saved plan, the person who is asked, and a look after that."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from baseten_jobs import pipeline
from baseten_jobs.applying.execute import Execution
from baseten_jobs.applying.in_flight import Ledger
from baseten_jobs.applying.intent import Done, Failed, Intent, Invalid, NotApplied, Planned
from baseten_jobs.applying.upload import Sent
from baseten_jobs.manifest.overrides import parse_override
from baseten_jobs.planning.plan import Policy
from baseten_jobs.planning.saved_plan import SavedPlan, planned
from baseten_jobs.planning.terms import Terms
from tests.support.world import World, answered

READS = {"projects", "search", "list", "job", "/v1/instance_type_prices", "/v1/training/capacity", "/v1/teams"}
"""As `kind_of` names them, and the secrets of a team. Whatever else is called may change something."""
TERMS = Terms("https://api.baseten.co", ("specs",), Policy(max_submits=None))

Ended = Invalid | NotApplied | Failed | Done


@dataclass
class Person:
    """Shown a plan, and asked; what happens while they think is `meanwhile`."""

    answer: bool = True
    meanwhile: Callable[[], object] = lambda: None
    met: list[str] = field(default_factory=list)

    def show(self, planned: Planned) -> None:
        self.met.append("shown")

    def confirm(self) -> bool:
        self.met.append("asked")
        self.meanwhile()
        return self.answer

    @contextmanager
    def watch(self) -> Iterator[tuple[Ledger, Sent]]:
        self.met.append("watching")
        yield Ledger(), lambda done, total, text: None


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path)
    made.write("x")
    made.write("y")
    return made


def applied(world: World, person: Person, intent: Intent) -> Ended:
    world.between.calls.clear()
    intent = replace(intent, how=Execution(1, world.windows))
    return pipeline.apply(world.api, world.compiled(), intent, person)


def only_read(world: World) -> bool:
    return all(call in READS or call.endswith("/secrets") for call in world.between.calls)


def saved(world: World) -> SavedPlan:
    return SavedPlan(TERMS, planned(world.plan().plan))


def on(**policy: Any) -> Intent:
    return Intent(replace(TERMS, policy=replace(TERMS.policy, **policy)))


def unpriced(world: World) -> None:
    world.habit(answered(403), "/v1/instance_type_prices")


def twice(world: World) -> None:
    """A warning: two jobs run one spec."""
    world.apply()
    world.create_behind()


def as_it_is(world: World) -> None:
    """Nothing is changed."""


Case = tuple[Callable[[World], object], Intent, str]

_GUARDED: dict[str, Case] = {
    "more submits than permitted": (as_it_is, on(max_submits=1), "2 jobs to submit, and --max-submits is 1"),
    "more GPUs than permitted": (as_it_is, on(max_gpus=15), "16 GPUs to submit, and --max-gpus is 15"),
    "dearer than permitted": (as_it_is, on(max_cost_per_hour=1.0), "--max-cost-per-hour is $1.00/h"),
    "a price that is not known": (unpriced, on(max_cost_per_hour=1e6), "so --max-cost-per-hour can't be checked"),
    "a warning under --strict": (twice, Intent(replace(TERMS, strict=True)), "--strict makes a warning an error"),
}


@pytest.mark.parametrize(("before", "intent", "told"), _GUARDED.values(), ids=_GUARDED.keys())
@pytest.mark.parametrize("confirmed", [False, True], ids=["asking", "with --yes"])
def test_a_guard_refuses_before_anybody_is_asked(
    before: Callable[[World], object], intent: Intent, told: str, confirmed: bool, world: World
) -> None:
    before(world)
    person = Person()
    ended = applied(world, person, replace(intent, confirmed=confirmed))
    assert isinstance(ended, NotApplied)
    assert told in ended.reason
    assert (ended.reason.startswith("refused: "), ended.reason.endswith("; nothing was sent")) == (True, True)
    assert (person.met, only_read(world)) == (["shown"], True)


def test_a_plan_says_what_apply_would_refuse(world: World) -> None:
    made = pipeline.plan(world.api, world.compiled(), on(max_submits=1, max_gpus=15))
    assert made.refusals == (
        "2 jobs to submit, and --max-submits is 1", "16 GPUs to submit, and --max-gpus is 15",
    )  # fmt: skip
    assert only_read(world)


_STALE: dict[str, tuple[Callable[[World], object], str]] = {
    "another command": (lambda world: world.write("x", command="other"), "submit x in Demo / one differs"),
    "a manifest more": (lambda world: world.write("z"), "submit z in Demo / one is planned now"),
    "a manifest less": (
        lambda world: (world.folder / "specs" / "y.yaml").unlink(), "submit y in Demo / one is no longer planned",
    ),
    "applied meanwhile": (lambda world: world.apply(), "submit x in Demo / one is no longer planned"),
}  # fmt: skip


@pytest.mark.parametrize(("meanwhile", "told"), _STALE.values(), ids=_STALE.keys())
@pytest.mark.parametrize("confirmed", [False, True], ids=["asking", "with --yes"])
def test_a_stale_plan_is_refused_before_anybody_is_asked(
    meanwhile: Callable[[World], object], told: str, confirmed: bool, world: World
) -> None:
    before = saved(world)
    meanwhile(world)
    person = Person()
    ended = applied(world, person, Intent(TERMS, saved=before, confirmed=confirmed))
    assert isinstance(ended, NotApplied)
    assert ended.reason.startswith("the plan is stale: ")
    assert told in ended.reason
    assert (person.met, only_read(world)) == (["shown"], True)


def test_a_saved_plan_that_still_holds_is_applied(world: World) -> None:
    ended = applied(world, Person(), Intent(TERMS, saved=saved(world)))
    assert isinstance(ended, Done)
    assert [outcome.fate.value for outcome in ended.applied.outcomes] == ["submitted", "submitted"]


_OTHERWISE: dict[str, tuple[Terms, str]] = {
    "another API": (replace(TERMS, target="https://elsewhere"), "it was made against https://api.baseten.co"),
    "a value that is set": (replace(TERMS, overrides=(parse_override("x:spec.priority=1"),)), "--set is not given"),
    "a lower limit": (replace(TERMS, policy=Policy(max_submits=None, max_gpus=8)), "--max-gpus is not given"),
    "a retry": (replace(TERMS, policy=Policy(None, retry_failed=frozenset({"x"}))), "--retry-failed is not given"),
    "a create": (replace(TERMS, policy=Policy(None, create=frozenset({"*"}))), "--create is not given"),
    "a glob": (replace(TERMS, policy=Policy(None, create=frozenset({"x*"}))), "--create is not given"),
    "pruning": (replace(TERMS, policy=Policy(None, prune=True)), "--prune is not given"),
    "warnings as errors": (replace(TERMS, strict=True), "--strict is not given"),
}


@pytest.mark.parametrize(("given", "told"), _OTHERWISE.values(), ids=_OTHERWISE.keys())
def test_a_plan_that_was_saved_on_other_terms_is_refused_unread(given: Terms, told: str) -> None:
    refused = pipeline.agreed(given, SavedPlan(TERMS, ()))
    assert isinstance(refused, NotApplied)
    assert refused.reason.startswith(f"the plan was made with other options: {told}")
    assert refused.reason.endswith("; nothing was sent, give the same or plan again")


def test_a_saved_plan_narrows_what_is_given_and_never_widens_it(world: World) -> None:
    theirs = replace(TERMS, strict=True, policy=Policy(max_submits=None, max_gpus=8))
    terms = pipeline.agreed(TERMS, SavedPlan(theirs, saved(world).actions))
    assert isinstance(terms, Terms)
    assert (terms.strict, terms.policy.max_gpus) == (True, 8)
    ended = applied(world, Person(), Intent(terms, saved=saved(world), confirmed=True))
    assert isinstance(ended, NotApplied)
    assert ended.reason == "refused: 16 GPUs to submit, and --max-gpus is 8; nothing was sent"
    assert only_read(world)


@pytest.mark.parametrize("policy", [{"retry_failed": frozenset({"z"})}, {"create": frozenset({"z"})}], ids=str)
def test_what_no_manifest_is_called_forbids_to_plan(policy: dict[str, Any], world: World) -> None:
    person = Person()
    ended = applied(world, person, on(**policy))
    assert isinstance(ended, Invalid)
    assert [found.rule for found in ended.diagnostics] == ["unknown-name"]
    assert (person.met, world.between.calls) == ([], [])


GLOB = replace(TERMS, policy=Policy(None, retry_failed=frozenset({"[wx]*"}), create=frozenset({"*"})))


def test_a_plan_lists_what_a_glob_means_before_anybody_is_asked(world: World) -> None:
    made = pipeline.plan(world.api, world.compiled(), Intent(GLOB))
    assert made.plan.notes[:2] == ("--retry-failed '[wx]*' means x", "--create '*' means x, y")
    assert only_read(world)


@pytest.mark.parametrize("given", ["x", "x*", "*", "[wxy]*"])
def test_a_glob_that_means_more_or_less_than_the_saved_one_is_refused(given: str) -> None:
    now = replace(GLOB, policy=replace(GLOB.policy, retry_failed=frozenset({given})))
    refused = pipeline.agreed(now, SavedPlan(GLOB, ()))
    assert isinstance(refused, NotApplied)
    assert refused.reason.startswith("the plan was made with other options: --retry-failed is '[wx]*' in the plan")


@pytest.mark.parametrize("which", ["x", "w"], ids=["failed since", "written since"])
def test_a_glob_that_retries_more_than_when_it_was_saved_is_stale(which: str, world: World) -> None:
    world.apply()
    before = SavedPlan(GLOB, planned(pipeline.plan(world.api, world.compiled(), Intent(GLOB)).plan))
    world.write(which)
    for job in world.jobs():
        world.api.stop(job["training_project_id"], job["id"])
    person = Person()
    ended = applied(world, person, Intent(GLOB, saved=before, confirmed=True))
    assert isinstance(ended, NotApplied)
    assert f"submit {which} in Demo / one is planned now" in ended.reason
    assert (person.met, only_read(world)) == (["shown"], True)


def test_a_secret_that_is_missing_forbids_to_plan(world: World) -> None:
    weights = '  weights: [{source: "hf://a/b@1", mount_location: /a, auth_secret_name: not_there}]\n'
    world.write("x", more=weights)
    person = Person()
    ended = applied(world, person, Intent(TERMS, confirmed=True))
    assert isinstance(ended, Invalid)
    assert [found.rule for found in ended.diagnostics] == ["secret"]
    assert (person.met, only_read(world)) == ([], True)


def test_what_is_not_confirmed_is_not_sent(world: World) -> None:
    person = Person(answer=False)
    ended = applied(world, person, Intent(TERMS))
    assert isinstance(ended, NotApplied)
    assert ended.reason == "not confirmed, so nothing was sent; --yes confirms where there is no terminal"
    assert (person.met, only_read(world)) == (["shown", "asked"], True)


def test_nobody_is_asked_where_there_is_nothing_to_do(world: World) -> None:
    world.apply()
    person = Person(answer=False)
    ended = applied(world, person, Intent(TERMS))
    assert isinstance(ended, Done)
    assert [outcome.fate.value for outcome in ended.applied.outcomes] == ["kept", "kept"]
    assert (person.met, only_read(world)) == (["shown", "watching"], True)


def test_after_the_answer_the_provider_is_looked_at_again(world: World) -> None:
    person = Person(meanwhile=lambda: (world.carry_out(world.plan()), world.between.calls.clear()))
    ended = applied(world, person, Intent(TERMS))
    assert isinstance(ended, Done)
    assert ended.applied.notes == tuple(f"{name} is not submitted any more: unchanged" for name in ("x", "y"))
    assert (person.met, only_read(world), len(world.jobs())) == (["shown", "asked", "watching"], True, 2)


def test_with_yes_there_is_no_wait_and_no_second_look(world: World) -> None:
    person = Person()
    assert isinstance(applied(world, person, Intent(TERMS, confirmed=True)), Done)
    assert (person.met, len(world.jobs())) == (["shown", "watching"], 2)


def test_a_second_look_that_fails_submits_nothing(world: World) -> None:
    person = Person(meanwhile=lambda: world.habit(answered(401), "projects"))
    ended = applied(world, person, Intent(TERMS))
    assert isinstance(ended, Failed)
    assert (ended.unauthorised, ended.reason.endswith("; nothing was submitted")) == (True, True)
    assert (only_read(world), world.jobs()) == (True, [])
