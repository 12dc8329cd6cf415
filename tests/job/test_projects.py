"""Projects by name: the exact one wins, a near-miss is never a new project, and no answer ends in a traceback."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from baseten_jobs.job.observation import ObservedProject
from baseten_jobs.job.project_resolution import Listed, Unresolved
from baseten_jobs.job.request import ProjectRef
from baseten_jobs.manifest.confusables import apart, likeness
from baseten_jobs.planning.plan import Plan
from baseten_jobs.provider.api.answer import decoded
from baseten_jobs.provider.api.errors import ApiError
from baseten_jobs.report import json as as_json
from baseten_jobs.report import markdown as as_markdown
from baseten_jobs.report import text as as_text
from tests.report.plans import planned, request, submit
from tests.support.world import Fault, World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


NFC, NFD = "M\u00fcller", "Mu\u0308ller"


def row(id: str, name: str, team: Any = "research") -> dict[str, Any]:
    return {"id": id, "name": name, "team_name": team}


LISTED = (
    row("p1", "Qwen SFT"),
    row("p2", "shared", "research"),
    row("p3", "shared", "product"),
    row("p4", "orphaned", "product"),
    row("p5", "orphaned", None),
    row("p6", "None", None),
    row("p7", "twice", "product"),
    row("p7", "twice", None),
    row("p8", NFD),
    row("p9", "SFT v2"),
    row("p10", "exact"),
    row("p11", "Exact"),
    row("p12", "odd team", {"name": "x"}),
    row("p13", "same", "product"),
    row("p14", "same", "product"),
)


@pytest.mark.parametrize(
    ("ref", "expected"),
    [
        (ProjectRef("Qwen SFT"), ("p1", "Qwen SFT", "research")),
        (ProjectRef("Qwen SFT", team="research"), ("p1", "Qwen SFT", "research")),
        (ProjectRef("exact"), ("p10", "exact", "research")),
        (ProjectRef("Exact"), ("p11", "Exact", "research")),
        (ProjectRef("shared", team="product"), ("p3", "shared", "product")),
        (ProjectRef("None"), ("p6", "None", None)),
        (ProjectRef("twice"), ("p7", "twice", "product")),
        (ProjectRef("odd team"), ("p12", "odd team", None)),
        (ProjectRef(id="p2"), ("p2", "shared", "research")),
        (ProjectRef(id="p5", team="product"), ("p5", "orphaned", None)),
    ],
    ids=str,
)
def test_a_project_is_found_by_its_exact_name_or_its_id(ref: ProjectRef, expected: tuple[str, str, str | None]) -> None:
    assert Listed(LISTED).resolved(ref) == ObservedProject(ref, *expected)


@pytest.mark.parametrize(
    ("ref", "message", "hint", "field"),
    [
        (ProjectRef("qwen sft"), "there is no project 'qwen sft'", "did you mean 'Qwen SFT'?", "project"),
        (ProjectRef("Qwen  SFT "), "there is no project 'Qwen  SFT '", "did you mean 'Qwen SFT'?", "project"),
        (ProjectRef("Qwen\u00a0SFT"), r"there is no project 'Qwen\xa0SFT'", "did you mean 'Qwen SFT'?", "project"),
        (ProjectRef("Qwen\u200b SFT"), r"there is no project 'Qwen\u200b SFT'", "did you mean 'Qwen SFT'?", "project"),
        (ProjectRef(NFC), r"there is no project 'M\xfcller'", r"did you mean 'Mu\u0308ller'?", "project"),
        (ProjectRef("EXACT"), "there is no project 'EXACT'", "did you mean 'Exact' or 'exact'?", "project"),
        (ProjectRef("Shared", team="product"), "there is no project 'Shared'", "did you mean 'shared'?", "project"),
        (
            ProjectRef("shared"),
            "several teams have a project 'shared'",
            "give metadata.team: one of 'product', 'research'",
            "project",
        ),
        (
            ProjectRef("orphaned"),
            "several projects have the name 'orphaned'",
            "give metadata.project_id in its place: one of 'p4' (team 'product'), 'p5' (no team)",
            "project",
        ),
        (
            ProjectRef("same", team="product"),
            "several projects have the name 'same'",
            "give metadata.project_id in its place: one of 'p13' (team 'product'), 'p14' (team 'product')",
            "project",
        ),
        (ProjectRef(id="p99"), "there is no project with the id 'p99'", "did you mean 'p9'?", "project_id"),
        (
            ProjectRef(id="p2", team="product"),
            "the project 'p2' belongs to the team 'research'",
            "",
            "project_id",
        ),
    ],
    ids=lambda value: ascii(value) if isinstance(value, ProjectRef) else None,
)
def test_a_project_that_can_not_be_told_is_an_error(ref: ProjectRef, message: str, hint: str, field: str) -> None:
    assert Listed(LISTED).resolved(ref) == Unresolved(ref, message, hint, field)


@pytest.mark.parametrize(
    "second", [row("p1", "B", "research"), row("p1", "A", "product")], ids=["another name", "another team"]
)
@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize(
    "ref", [ProjectRef("A"), ProjectRef("A", team="research"), ProjectRef("A", team="product"), ProjectRef(id="p1")],
    ids=str,
)  # fmt: skip
def test_rows_of_one_project_that_contradict_each_other_are_an_error(
    ref: ProjectRef, backwards: bool, second: dict[str, Any]
) -> None:
    """One of them would be made anew, beside the project whose jobs run."""
    rows = [row("p1", "A", "research"), second]
    found = Listed(rows[::-1] if backwards else rows).resolved(ref)
    assert isinstance(found, Unresolved)
    assert found.message == "the API lists the project 'p1' twice, with another name or team"


def test_a_team_that_is_called_none_is_another_than_no_team() -> None:
    found = Listed([row("p1", "A", "None"), row("p2", "A", None)]).resolved(ProjectRef("A"))
    assert isinstance(found, Unresolved)
    assert found.hint == "give metadata.project_id in its place: one of 'p1' (team 'None'), 'p2' (no team)"


@pytest.mark.parametrize(
    ("ref", "similar"),
    [
        (ProjectRef("SFT v1"), "SFT v2"),
        (ProjectRef("something else"), ""),
        (ProjectRef("qwen SFT", team="product"), "Qwen SFT (team research)"),
        (ProjectRef("SFT v1", team="product"), ""),
    ],
    ids=str,
)
def test_a_project_that_will_be_made_knows_one_that_may_have_been_meant(ref: ProjectRef, similar: str) -> None:
    assert Listed(LISTED).resolved(ref) == ObservedProject(ref, name=ref.name or "", team=ref.team, similar=similar)


def test_many_projects_that_will_be_made_are_looked_up_fast() -> None:
    """Comparing closely stops somewhere: it gains a note alone."""
    listed = Listed([row(f"p{n}", f"project {n:05}") for n in range(9_000)])
    made = [listed.resolved(ProjectRef(f"project {n:05}x")) for n in range(1_000)]
    assert [isinstance(each, ObservedProject) and bool(each.similar) for each in made] == [True] * 2 + [False] * 998


NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
BLANKS = st.sampled_from([" ", "  ", "\t", "\u00a0", "\u3000 "])


@given(NAMES, NAMES, BLANKS, BLANKS)
def test_blanks_and_case_make_no_other_project(one: str, other: str, blank: str, another: str) -> None:
    assert likeness(f"{one}{blank}{other}") == likeness(f" {one}{another}{other}\u200b")
    assert likeness(one.casefold()) == likeness(one)


@given(NAMES, NAMES)
def test_two_names_never_read_the_same_in_a_message(one: str, other: str) -> None:
    assert (apart(one, other)[0] == apart(one, other)[1]) == (one == other)


SIMILAR = ProjectRef("SFT v1")


def made() -> Plan:
    action = submit("new", request=request("new", project="SFT v1"))
    return planned(action, projects={SIMILAR: ObservedProject(SIMILAR, name="SFT v1", similar="SFT v2")})


def test_every_report_says_which_project_may_have_been_meant() -> None:
    sentence = "project 'SFT v1' will be created; there is 'SFT v2', if that is meant"
    assert f"  {sentence}\n" in as_text.plan(made())
    assert sentence in as_markdown.plan(made())
    assert json.loads(as_json.plan(made()))["notes"] == [sentence]


def test_every_report_says_that_a_search_ends_early() -> None:
    ref = request("new").project
    capped = planned(submit("new"), projects={ref: ObservedProject(ref, "p1", "Demo", rows=100, capped=100)})
    sentence = "Demo: the search ends at 100 jobs, so the project's job list alone tells which are not there"
    assert f"  note: {sentence}\n" in as_text.plan(capped)
    assert sentence in as_markdown.plan(capped)
    assert json.loads(as_json.plan(capped))["notes"] == [sentence]


# What the provider shows


def listed(*rows: dict[str, Any]) -> Fault:
    def fault(request: httpx.Request, send: Any) -> httpx.Response:
        text = json.dumps({"training_projects": [*send(request).json()["training_projects"], *rows]})
        return httpx.Response(200, request=request, content=text.encode())

    return fault


def test_a_near_miss_is_told_at_its_place_and_nothing_is_sent(world: World) -> None:
    world.write()
    world.fault("projects", listed(row("p1", "demo /  one", None)))
    made = world.plan()
    (diagnostic,) = made.diagnostics
    assert (diagnostic.rule, diagnostic.field, diagnostic.position.line, diagnostic.position.column) == (
        "project", "metadata.project", 3, 30,
    )  # fmt: skip
    assert diagnostic.hint == "did you mean 'demo /  one'?"
    assert world.between.calls == ["projects"]


@pytest.mark.parametrize("field", ["id", "name", "team_name"])
def test_half_a_character_in_a_project_is_no_traceback(world: World, field: str) -> None:
    world.write()
    world.apply()
    half = {**row("p\u00fcx", "Demo / two"), field: "Demo / one \ud83d"}
    world.fault("projects", listed(half))
    made = world.plan()
    assert made.valid
    as_text.plan(made.plan).encode()
    as_json.plan(made.plan).encode()


def test_the_very_project_with_half_a_character_for_an_id_is_no_traceback(world: World) -> None:
    world.write()
    world.fault("projects", listed(row("p\ud800", "Demo / one")))
    with pytest.raises(ApiError, match=r"GET /v1/training_projects/p%3F/jobs: 404"):
        world.plan()


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (rb'{"a": "x\ud800"}', {"a": "x?"}),
        (rb'{"a\uDFFF": ["\uD83D\ude00"]}', {"a?": ["\U0001f600"]}),
        (b'{"a": "\xed\xa0\x80"}', {"a": "?"}),
        ('{"a": "\ud55c"}'.encode(), {"a": "\ud55c"}),
        (rb'{"a": "\\ud800"}', {"a": r"\ud800"}),
    ],
)
def test_json_holds_no_half_of_a_character(raw: bytes, expected: Any) -> None:
    assert decoded(raw) == expected


def test_a_repeated_project_is_one_project(world: World) -> None:
    world.write()
    world.apply()

    def repeated(request: httpx.Request, send: Any) -> httpx.Response:
        rows = send(request).json()["training_projects"]
        rows += [{**each, "team_name": None} for each in rows]
        return httpx.Response(200, request=request, json={"training_projects": rows})

    world.fault("projects", repeated)
    assert world.plan().plan.summary["keep"] == 1
