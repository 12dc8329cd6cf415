"""The comment of a pull request: it fits, its tables hold, and nothing in a manifest can break out of it."""

import re
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baseten_jobs.applying.outcome import Applied, Fate, Outcome
from baseten_jobs.git.log import Revision
from baseten_jobs.job.cost import Cost
from baseten_jobs.job.observation import ObservedProject
from baseten_jobs.job.request import JobRequest
from baseten_jobs.manifest.document import Cell
from baseten_jobs.phrases import one_line
from baseten_jobs.planning.diff import Change
from baseten_jobs.planning.plan import Action, Beside, Orphan, Plan, Verb
from baseten_jobs.report import markdown, text
from baseten_jobs.report.markdown_escape import code, in_comment, prose
from baseten_jobs.report.new_job import parts_of_new
from baseten_jobs.report.size_limit import Section, fitted
from baseten_jobs.report.style import Look
from tests.report import plans
from tests.report.reading import PARSER as READER
from tests.report.reading import elements, inline_kinds, raw_rows, seen, tables

GITHUB_LIMIT = 65_536
ZERO_WIDTH_SPACE = "\u200b"


def sound(told: str) -> None:
    """What GitHub accepts, and renders without a broken table or block."""
    assert len(told) < GITHUB_LIMIT
    assert len(told.encode()) < GITHUB_LIMIT
    found, raw = tables(told), raw_rows(told)
    assert set(raw) <= {len(table.head) for table in found}
    assert all(len(row) == len(table.head) for table in found for row in table.rows)
    assert sum(len(table.rows) + 2 for table in found) == len(raw)
    counted = Counter(elements(told))
    for element in ("details", "summary", "code", "b", "del", "ins"):
        assert counted[f"<{element}>"] == counted[f"</{element}>"]
    assert {name for name in counted if not name.startswith("<!--")} <= {
        f"<{slash}{name}>" for name in ("details", "summary", "code", "b", "del", "ins") for slash in ("", "/")
    }
    assert inline_kinds(told) <= {"text", "html_inline", "code_inline", "strong_open", "strong_close", "softbreak"}


def test_a_plan_of_everything_is_sound() -> None:
    sound(markdown.plan(plans.every_kind()))


def test_the_marker_comes_first_and_tells_targets_apart() -> None:
    made = plans.every_kind()
    assert markdown.plan(made).splitlines()[0] == "<!-- baseten-jobs:plan -->"
    assert markdown.plan(made, Look(target="specs/a")).splitlines()[0] == "<!-- baseten-jobs:plan:specs/a -->"


def test_the_summary_is_the_heading() -> None:
    told = markdown.plan(plans.every_kind()).splitlines()[1]
    assert told == (
        "### 1 error, 4 jobs start, 1 job is stopped (16 GPUs), 16 GPUs run on beside them, 1 job is updated, "
        "1 job is held back, 2 orphans run on (32 GPUs) · at least &#36;312/h new, at least &#36;416/h in all"
    )


def test_errors_come_first_then_what_happens_then_warnings_and_details() -> None:
    told = markdown.plan(plans.every_kind())
    parts = ("**error:**", "| job |", "**start**", "**stop**", "**update**", "runs on", "2 warnings<", "<summary>start")
    places = [told.index(part, told.index("\n- ")) for part in parts]
    assert places == sorted(places)


def noisy(i: int) -> tuple[str, ...]:
    return (
        f"job j{i} (16 GPUs) of another spec runs on; `policy.on_change: stop` would stop it",
        "the revision that runs is not known",
        f"renamed? job z{i} runs this spec as 'old-{i}'",
    )


def changed(
    number: int, changes: tuple[Change, ...] = plans.CHANGES, warnings: Callable[[int], tuple[str, ...]] = noisy
) -> Plan:
    """So many changed jobs; by default each with as many changes and warnings as people see."""
    names = [f"job-{i:03}" for i in range(number)]
    return plans.planned(
        *(
            plans.submit(
                name, changes=changes, previous=plans.REVISION, older=plans.job(name, f"j{i}"), warnings=warnings(i)
            )
            for i, name in enumerate(names)
        )
    )


COMMAND = " ".join(f"--flag{i} {i}" for i in range(8000))[:100_000]


def commanded(old: str, new: str) -> Plan:
    return changed(1, (Change("spec.runtime.start_commands[0]", old, new),))


def stopped(number: int) -> Plan:
    pairs = [
        (action, Action(Verb.STOP, action.request, f"superseded by {action.request.job_name}", action.older))
        for action in changed(number, warnings=lambda i: ()).actions
    ]
    return plans.planned(*(action for pair in pairs for action in pair))


SHAPES: dict[str, tuple[Callable[[], Plan], int, int]] = {
    "500 jobs": (lambda: changed(500), 500, 25),
    "500 jobs without a warning": (lambda: changed(500, warnings=lambda i: ()), 500, 30),
    "500 jobs with 20 changes each": (
        lambda: changed(500, tuple(Change(f"spec.field_{i}", i, i + 1) for i in range(20))), 500, 20,
    ),
    "500 jobs with 20 long changes each": (
        lambda: changed(500, tuple(Change(f"spec.field_{i}", COMMAND[:9000], COMMAND[8999::-1]) for i in range(20))),
        500, 6,
    ),
    "500 jobs with warnings of their own": (
        lambda: changed(500, warnings=lambda i: tuple(f"{k} {'x' * (i % 97)} of {i} " * 5 for k in range(3))), 500, 7,
    ),
    "500 jobs that are stopped": (lambda: stopped(500), 1000, 50),
    "500 jobs with names of markup": (
        lambda: changed(500, (Change("a|b`c`", "<td>\n", "|`"),), lambda i: (f"a|b`c`<x>\n#{i}",)), 500, 25,
    ),
    "2,000 jobs": (lambda: changed(2000), 2000, 25),
    "a command with one other word": (lambda: commanded(COMMAND, COMMAND.replace("--flag700 ", "--flagX ")), 1, 1),
    "a command with nothing in common": (lambda: commanded(COMMAND, COMMAND[::-1]), 1, 1),
    "a command that is one word": (lambda: commanded("A" * 99_999 + "B", "A" * 99_999 + "C"), 1, 1),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
def test_any_plan_fits_with_whole_blocks_and_what_is_left_out_is_counted(shape: str) -> None:
    build, actions, least = SHAPES[shape]
    made = build()
    began = time.process_time()
    told = markdown.plan(made)
    assert time.process_time() - began < 3
    sound(told)
    (table,) = tables(told)
    details = blocks(told)
    assert len(table.rows) + left_out(told, "more actions are left out") == actions
    assert details + left_out(told, "left out;") == actions
    assert details >= least
    assert len(table.rows) > min(actions - 1, 100)  # each tells what changes


def test_the_room_is_used() -> None:
    assert len(markdown.plan(changed(500)).encode()) > markdown.LIMIT - 3000


def test_the_word_that_changed_in_a_long_command_is_shown() -> None:
    assert "<del>--flag700</del> <ins>--flagX</ins>" in markdown.plan(SHAPES["a command with one other word"][0]())
    told = markdown.plan(SHAPES["a command that is one word"][0]())
    assert f"<del>{'A' * 20}B</del><ins>{'A' * 20}C</ins>" in told


def test_what_is_said_of_many_jobs_is_said_once() -> None:
    lines = [line for line in markdown.plan(changed(500)).splitlines() if re.match("- (?!<code>spec|.*error)", line)]
    names = ", ".join(f"<code>job-{i:03}</code>" for i in range(10))
    assert lines == [
        f"- 500 jobs ({names} and 490 more): {said}"
        for said in (
            "job … (16 GPUs) of another spec runs on; <code>policy.on_change: stop</code> would stop it",
            "the revision that runs is not known",
            "renamed? job … runs this spec as '…'",
        )
    ]


def test_stops_of_many_jobs_are_added_up() -> None:
    assert "2 jobs are stopped (32 GPUs)" in markdown.plan(stopped(2)).splitlines()[1]


def test_a_stop_stands_right_below_the_start_that_it_follows() -> None:
    (table,) = tables(markdown.plan(stopped(2)))
    assert [row[:2] for row in table.rows] == [
        ["start", "job-000"], ["stop", "job-000, job j0"], ["start", "job-001"], ["stop", "job-001, job j1"],
    ]  # fmt: skip


def test_what_differs_in_more_than_the_job_is_said_apart() -> None:
    made = plans.planned(
        plans.submit("a", warnings=("job j1 (8 GPUs) runs on", "priority 1 → 2 has no effect")),
        plans.submit("b", warnings=("job j2 (16 GPUs) runs on", "job j3 (16 GPUs) runs on", "a is not b")),
        plans.submit("c", warnings=("job j4 (16 GPUs) runs on",)),
    )
    lines = [line for line in markdown.plan(made).splitlines() if re.match("- (?!<code>spec|.*error)", line)]
    assert lines == [
        "- <code>a</code>: job j1 (8 GPUs) runs on",
        "- <code>a</code>: priority 1 → 2 has no effect",
        "- 2 jobs (<code>b</code>, <code>c</code>): job … (16 GPUs) runs on",
        "- <code>b</code>: job j3 (16 GPUs) runs on",
        "- <code>b</code>: a is not b",
    ]


def blocks(told: str) -> int:
    """How many actions have a block of details."""
    return len(re.findall(r"<summary>(?:start|stop|update) ", told))


def left_out(told: str, words: str) -> int:
    """The number in front of these words, or none."""
    lines = [line for line in told.splitlines() if words in line]
    return sum(int(line.strip("*").split()[0]) for line in lines)


@pytest.mark.parametrize("number", [1, 30, 100, 200])
def test_details_are_left_out_before_a_row_is(number: int) -> None:
    told = markdown.plan(changed(number))
    sound(told)
    (table,) = tables(told)
    assert len(table.rows) == number
    assert blocks(told) + left_out(told, "left out;") == number


def test_one_huge_job_does_not_crowd_out_the_others() -> None:
    huge = tuple(Change(f"spec.runtime.environment_variables.V{i}", {"name": "x" * 300}, None) for i in range(500))
    made = plans.planned(plans.submit("huge", changes=huge), *changed(20).actions)
    told = markdown.plan(made)
    sound(told)
    assert blocks(told) == 21
    shown = told.count("environment&#95;variables.V") + told.count("environment_variables.V")
    assert 0 < shown < 500
    assert shown + left_out(told, "more changes are left out") == 500


def test_thousands_of_warnings_orphans_and_notes_leave_room_for_the_table() -> None:
    orphans = tuple(Orphan(plans.job(f"o-{i}"), "P" * 300, plans.REVISION) for i in range(2000))
    noisy = tuple(f"warning {i} " + "w" * 500 for i in range(2000))
    made = plans.planned(plans.submit("x", warnings=noisy), *changed(20).actions, orphans=orphans, notes=noisy)
    told = markdown.plan(made)
    sound(told)
    assert len(tables(told)[0].rows) == 21


def test_unchanged_jobs_are_one_line() -> None:
    changed = plans.submit(changes=plans.CHANGES)
    told = markdown.plan(plans.planned(changed, *(plans.keep(f"k{i}") for i in range(300))))
    assert "300 unchanged · the whole diff of each job, below" in told.splitlines()
    assert len(tables(told)[0].rows) == 1


def test_what_apply_would_refuse_is_said_in_the_heading_and_right_below() -> None:
    made = plans.planned(plans.submit(), plans.submit("other"), refusals=("2 jobs to submit, and --max-submits is 1",))
    heading, below = [line for line in markdown.plan(made).splitlines() if line][1:3]
    assert heading.startswith("### apply would refuse this · 2 jobs start")
    assert below == "- **apply would refuse this: 2 jobs to submit, and --max-submits is 1**"
    assert text.plan(made).splitlines()[-1] == "Apply would refuse this: 2 jobs to submit, and --max-submits is 1."


def test_orphans_are_what_there_is_to_say_with_their_price() -> None:
    job, cost = replace(plans.job("gone", "j7"), gpus=8, gpu_type="H100"), Cost(1, 8, "H100", 0, 52.0)
    orphan = Orphan(job, "P", plans.REVISION, cost=cost)
    told = markdown.plan(plans.planned(plans.keep("a"), orphans=(orphan,)))
    assert "### 1 orphan runs on (8 H100) · &#36;52/h for the orphan" in told.splitlines()
    assert "| 8 H100 | $52/h |" in told
    assert "8 H100 · $52.00/h · `apply --prune` stops it" in text.plan(plans.planned(orphans=(orphan,)))


RUNS = {
    ("python train.py --lr 1e-5",): "python train.py --lr 1e-5",
    ("pip install -r r.txt", "torchrun --nnodes $BT_GROUP_SIZE --node-rank $BT_NODE_RANK \\\n  train.py --lr 1e-5"):
        "train.py --lr 1e-5",
    ("set -e\npip install -r requirements.txt\npython -u recipes/sft.py --model Qwen/Qwen3-8B\necho done",):
        "recipes/sft.py --model Qwen/Qwen3-8B echo done",
    ("axolotl train config.yaml",): "axolotl train config.yaml",
}  # fmt: skip


@pytest.mark.parametrize("commands", RUNS)
def test_a_new_job_is_told_by_the_script_that_it_runs(commands: tuple[str, ...]) -> None:
    request = plans.request(training_job={"runtime": {"start_commands": list(commands)}})
    assert parts_of_new(request, Look()) == [RUNS[commands]]


def test_a_run_that_waits_does_not_run_on() -> None:
    runs, waits = (replace(plans.job(id=each), gpus=8, gpu_type="H100") for each in ("j1", "j2"))
    waits = replace(waits, status="TRAINING_JOB_PENDING")
    told = markdown.plan(plans.planned(plans.submit(beside=(Beside(runs), Beside(waits)))))
    assert "8 H100 run on and 8 H100 wait beside it" in told
    assert [row[0] for row in tables(told)[0].rows] == ["start", "runs on", "waits"]


def test_an_unchanged_job_with_a_warning_is_listed() -> None:
    warned = plans.keep("warned", warnings=("duplicate: j1, j2 run the same spec",))
    told = markdown.plan(plans.planned(warned, *(plans.keep(f"k{i}") for i in range(300))))
    assert [row[1] for row in tables(told)[0].rows] == ["warned, job j1"]


def test_a_plan_without_changes_says_so() -> None:
    told = markdown.plan(plans.planned(plans.keep("a")))
    sound(told)
    assert "### Nothing to do: 1 job is as git says" in told
    assert "<details>" not in told


HOSTILE = [
    "a | b", "a \\| b", "a \\\\| b", "`code`", "``", "`", "a`|`b", "<script>alert(1)</script>", "</details>", "<!-- x",
    "-->", "@octocat", "#1", "org/repo#1", "a@example.com", "https://example.com", "www.example.com",
    "[link](https://example.com)", "![image](x)", "**bold**", "_it_", "~~x~~", "a\nb", "a\r\n| x |", "$x$", ":tada:",
    "&lt;", "&#124;", "\u202eabc", "\x1b[31mred", "\ud800", "- item", "1. item", "# heading", "> quote", "---", "```",
    "a_b_c", "__init__", "![a]", "[^1]", "grüße 你好", "", " ", "x" * 5000, "|" * 3000,
]  # fmt: skip


def infested(text: str) -> Plan:
    """A plan in which every text is this one."""
    revision = Revision(text, text, text, text)
    changes = (Change(text, text, text + "x"), Change("f", text * 20, f"{text} {text}"), Change("g", [text], {text: 1}))
    request = plans.request(text, project=text, path=text, overrides=((text, text),))
    action = plans.submit(
        request=request, changes=changes, previous=revision, history=text, reason=text, warnings=(text,), error=text
    )
    stop = Action(Verb.STOP, request, text, plans.job(text, text))
    projects = {request.project: ObservedProject(request.project, None, text, notes=(text,))}
    orphans = (Orphan(plans.job(text, f"{text}o"), text, revision),)
    return Plan((action, stop), projects, orphans, (text,))


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_nothing_that_a_manifest_says_breaks_out(text: str) -> None:
    told = markdown.plan(infested(text), Look(target=text))
    sound(told)
    assert [len(table.rows) for table in tables(told)] == [2, 1]
    assert blocks(told) + left_out(told, "left out;") == 2


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=60))
def test_no_text_at_all_breaks_out(text: str) -> None:
    sound(markdown.plan(infested(text), Look(target=text)))


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_outcomes_hold_hostile_text_too(text: str) -> None:
    action = infested(text).actions[0]
    outcomes = (Outcome(action, Fate.FAILED, text, error=text, unclear=text),)
    sound(markdown.applied(Applied(outcomes, interrupted=True, unauthorised=text, notes=(text,))))


@given(st.text(max_size=80))
def test_a_person_reads_just_the_text(text: str) -> None:
    (cell,) = tables(f"| {code(text)} |\n| --- |")[0].head
    assert cell.strip() == one_line(text, 200).strip()


@given(st.text(st.characters(exclude_characters="`"), max_size=80))
def test_a_person_reads_just_the_words(text: str) -> None:
    (cell,) = tables(f"| {prose(text)} |\n| --- |")[0].head
    assert cell.replace(ZERO_WIDTH_SPACE, "").strip() == one_line(text, 300).strip()


@pytest.mark.parametrize("text", ["@octocat", "ask @octocat now", "#12", "org/repo#12", "me@example.com"])
def test_nobody_is_mentioned(text: str) -> None:
    """GitHub looks for mentions in what was rendered, outside of code: there the name stands apart from its sign."""
    (token,) = [token for token in READER.parse(prose(text)) if token.type == "inline"]
    assert not any(sign + after in seen(token) for sign in "@#" for after in ("o", "1", "e"))


def test_what_stands_between_backticks_is_code() -> None:
    assert prose("raise `metadata.attempt`, or |") == "raise <code>metadata.attempt</code>, or &#124;"


@given(st.text(max_size=300))
def test_a_target_never_ends_the_comment_that_it_is_in(text: str) -> None:
    told = in_comment(text)
    assert "--" not in told
    assert "\n" not in told
    assert not set("<>") & set(told)


SECTIONS = st.lists(
    st.builds(
        Section,
        head=st.text("ab", max_size=10),
        further=st.integers(0, 3),
        items=st.lists(st.text("cdé€", min_size=1, max_size=60), max_size=30).map(tuple),
        rank=st.integers(0, 3),
        share=st.floats(0.1, 1.0),
    ),
    max_size=6,
)


@given(SECTIONS, st.integers(400, 3000))
def test_any_sections_fit(sections: list[Section], limit: int) -> None:
    assert len(fitted(sections, limit).encode()) <= limit


@given(SECTIONS)
def test_nothing_is_left_out_where_everything_fits(sections: list[Section]) -> None:
    whole = [Section(s.head, s.items, rank=s.rank) for s in sections]
    told = fitted(whole, 1_000_000)
    assert "left out" not in told
    assert all(item in told for section in whole for item in section.items)


def test_a_lower_rank_gets_room_first_and_a_large_item_makes_way() -> None:
    late = Section("late", tuple("x" * 10 for _ in range(50)), rank=2)
    first = Section("first", ("a" * 500, "b" * 100, "c" * 100), rank=1)
    told = fitted([late, first], 400)
    assert "b" * 100 in told
    assert "c" * 100 in told
    assert "a" * 500 not in told
    assert 0 < told.count("x" * 10) < 50


def test_room_that_nobody_took_is_shared_out_again() -> None:
    large = Section("large", ("x" * 50,) * 20, rank=1, share=0.2)
    told = fitted([large, Section("small", ("y",), rank=2)], 900)
    assert told.count("x" * 50) > 10
    assert "y" in told


def test_a_project_is_told_with_its_team() -> None:
    made = plans.planned(plans.submit(request=plans.request(project="P", team="research")))
    assert "In P (team research)" in markdown.plan(made)


def what_changes(*changes: Change, **more: Any) -> str:
    (table,) = tables(markdown.plan(plans.planned(plans.submit(changes=changes, **more))))
    return table.rows[0][2]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ([Change("spec.compute.node_count", 2, 4)], "node_count 2 → 4"),
        ([Change("spec.priority", None, 10)], "priority unset → 10"),
        ([Change("spec.image.base_image", "a:1", "a:2")], "image.base_image a:1 → a:2"),
        ([Change("spec.weights[1].source", "x", None)], "weights[1].source x → unset"),
        ([Change(f"spec.f{i}", i, i + 1) for i in range(6)], "f0 0 → 1 · f1 1 → 2 · f2 2 → 3 · and 3 more"),
        (
            [Change("spec.workspace/train.py", "1", "2"), *(Change(f"spec.f{i}", i, i + 1) for i in range(6))],
            "f0 0 → 1 · f1 1 → 2 · train.py changed · and 4 more",
        ),
        ([Change("spec.workspace/new.py", None, "2"), Change("spec.workspace/old.py", "1", None)],
         "new.py added · old.py removed"),
        ([Change("spec.a", "x" * 500, 1)], f"a {'x' * 47}… → 1"),
        ([Change("spec.runtime.start_commands[0]", "python train.py --lr 1e-5 " + "--on " * 20,
                 "python train.py --lr 2e-5 " + "--on " * 20)], "start_commands[0] --lr 1e-5 2e-5"),
    ],
)  # fmt: skip
def test_the_table_says_what_changed(changes: list[Change], told: str) -> None:
    assert what_changes(*changes) == told


def test_a_new_job_says_what_it_is() -> None:
    body = {"image": {"base_image": "a/b:1"}, "runtime": {"start_commands": ["python train.py"]}}
    assert what_changes(reason="new", request=plans.request(training_job=body)) == "new · python train.py · a/b:1"


def test_cells_of_a_matrix_are_one_row_and_what_they_share_is_told_once() -> None:
    def cell(number: int) -> JobRequest:
        return plans.request(f"s-{number}", path="s.yaml", cell=Cell(number, (("lr", number),), (), 1, ()))

    shared = Change("spec.compute.memory", "1Gi", "2Gi")
    made = plans.planned(
        *(plans.submit(request=cell(i), changes=(Change("spec.lr", 0, i % 2), shared)) for i in range(4))
    )
    (table,) = tables(markdown.plan(made))
    what = "memory 1Gi → 2Gi · lr 0 → 0 in 2 cells · lr 0 → 1 in 2 cells"
    assert table.rows == [["start", "s.yaml:2, 4 cells", what, "4 times 2 x 8 H100", "$416/h, 4 start now"]]


def test_some_cells_of_a_matrix_are_told_by_their_values() -> None:
    cells = [
        plans.request(f"s-{i}", path="s.yaml", cell=Cell(i, (("lr", i // 2), ("seed", i % 2)), (), 1, ()))
        for i in range(4)
    ]
    made = plans.planned(
        *(plans.submit(request=cell, reason="new") if i < 2 else plans.keep("k", request=cell)
          for i, cell in enumerate(cells))
    )  # fmt: skip
    (table,) = tables(markdown.plan(made))
    assert [row[1:3] for row in table.rows] == [["s.yaml:2, 2 of 4 cells", "2 new · lr 0 · seed 0, 1"]]


def test_jobs_link_to_their_pages() -> None:
    told = markdown.plan(stopped(1), Look(dashboard="https://app.baseten.co"))
    assert "job [<code>j0</code>](https://app.baseten.co/training/p1/logs/j0)" in told
