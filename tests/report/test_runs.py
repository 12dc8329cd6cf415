"""What is told of runs: in a table at any width, in JSON, in CSV that holds no formula, in a page that is inert."""

import csv
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baseten_jobs.phrases import columns
from baseten_jobs.planning.diff import Change
from baseten_jobs.planning.records.between import Between
from baseten_jobs.planning.records.record import Record, Step, Telling
from baseten_jobs.planning.records.run import Figure
from baseten_jobs.planning.records.sums import BY, by_week, summed, total
from baseten_jobs.report import formats
from baseten_jobs.report.html import run_page
from baseten_jobs.report.run_cells import usd
from baseten_jobs.report.style import Look
from baseten_jobs.secrecy import Values
from tests.report.run_records import a_record, a_run

RECORD = a_record(40)


@pytest.mark.parametrize("width", [80, 120, 200])
@pytest.mark.parametrize("by", ["", *BY])
@pytest.mark.parametrize("hostile", [False, True])
def test_a_table_fits_its_terminal_and_keeps_what_matters(width: int, by: str, hostile: bool) -> None:
    record = a_record(40, hostile=hostile)
    page = formats.RUNS["text"](record, Telling(by, True), Look(width=width))
    table = page.split("\n\n")[0].splitlines()
    assert max(map(columns, table)) <= width
    head = table[0].split("  ")
    assert {"STARTED", "NAME", "STATE", "COST", "COMMIT"} <= {each.strip() for each in head} or by
    assert all(line.isprintable() for line in page.splitlines())


def test_a_wide_table_says_more_than_a_narrow_one() -> None:
    narrow, wide, piped = (formats.RUNS["text"](RECORD, Telling(), Look(width=width)) for width in (80, 200, 0))
    heads = [set(each.splitlines()[0].split()) for each in (narrow, wide, piped)]
    assert heads[0] < heads[1] <= heads[2]
    assert {"SUBJECT", "AUTHOR", "JOB"} <= heads[1]


def test_the_last_lines_say_what_runs_come_to() -> None:
    lines = formats.RUNS["text"](RECORD, Telling()).splitlines()
    assert lines[-2].startswith("40 runs: ")
    assert ", of which $100.00 were billed" in lines[-2]
    assert lines[-1] == ("1 job in the same projects has no manifest in this repository's history; --all lists it.")
    assert formats.RUNS["text"](Record(), Telling()) == "no runs"
    assert "j-other" in formats.RUNS["text"](RECORD, Telling(others=True))


def test_json_has_the_numbers_and_whether_they_are_bounds() -> None:
    told = json.loads(formats.RUNS["json"](RECORD, Telling("week", True)))
    assert told["format_version"] == "1.0"
    assert told["runs"][0]["usd"] == {"value": 12.5, "at_most": False}
    assert told["runs"][1]["usd"]["at_most"] is True
    assert told["runs"][8]["commit"] is None
    assert told["runs"][0]["commit"]["subject"] == "Try step 0 text 3"
    assert [each["key"] for each in told["sums"]] == sorted((each["key"] for each in told["sums"]), reverse=True)
    assert told["others"]["count"] == len(told["others"]["jobs"]) == 1


@pytest.mark.parametrize("by", BY)
def test_sums_leave_nothing_out(by: str) -> None:
    whole, sums = total(RECORD.runs), summed(RECORD.runs, by)
    assert sum(each.usd.value or 0 for each in sums) == pytest.approx(whole.usd.value)
    assert sum(each.billed for each in sums) == pytest.approx(whole.billed)
    if by != "week":
        assert sum(each.runs for each in sums) == whole.runs


def test_a_run_over_a_weeks_end_is_spent_in_both() -> None:
    run = a_run(1)
    assert run.started is not None
    weeks = by_week([run])
    assert sum(each.usd.value or 0 for each in weeks) == pytest.approx(run.usd.value)
    assert {each.runs for each in weeks} == {1}


@pytest.mark.parametrize(
    ("figure", "told"),
    [
        (Figure(12.25), "$12.25"), (Figure(1234.5, False), "≤ $1,234.50"), (Figure(None), "?"), (Figure(0.0), "$0.00"),
        (Figure.sum([Figure(1.0), Figure(None)]), "$1.00 + ?"), (Figure.sum([]), "$0.00"),
        (Figure.sum([Figure(1.0), Figure(2.0, False)]), "≤ $3.00"), (Figure.sum([Figure(None)]), "?"),
    ],
)  # fmt: skip
def test_a_figure_says_what_it_is(figure: Figure, told: str) -> None:
    assert usd(figure) == told


_FORMULAS = st.sampled_from(["=", "+", "-", "@", "\t=", " =", "\uff1d", "\ufeff@", "\r\n-", ""])


@given(st.builds(str.__add__, _FORMULAS, st.text(max_size=30)))
def test_no_cell_of_a_csv_is_a_formula(text: str) -> None:
    run = a_run(2)
    assert run.commit
    job = replace(run.job, user=text, error_message=text)
    record = Record((replace(run, job=job, project=text, commit=replace(run.commit, subject=text)),))
    for telling in (Telling(), Telling("project")):
        head, row = csv.reader(StringIO(formats.RUNS["csv"](record, telling)))
        assert len(head) == len(row)
        for cell in row:
            begin = cell.lstrip().lstrip("\ufeff")[:1]
            assert begin not in ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
            assert cell.isprintable()


class _Read(HTMLParser):
    """Every element with its attributes, and the text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def _shape(page: str) -> set[tuple[str, tuple[str, ...]]]:
    return {(tag, tuple(sorted(attributes))) for tag, attributes in _Read(page).elements}


@given(st.text(max_size=60))
def test_a_text_from_anywhere_adds_no_element_and_no_attribute_to_the_page(text: str) -> None:
    def page(said: str) -> str:
        run, before = a_run(2), a_run(9)
        assert run.commit
        job = replace(run.job, user=said, error_message=said, gpu_type=said, id=f"j{said}")
        revision = replace(run.commit.revision, author=said)
        commit = replace(run.commit, subject=said, revision=revision)
        runs = (replace(run, job=job, project=said, commit=commit), before)
        added = Change(f"spec.workspace/{said}", None, said)
        steps = {job.id: Step(before, Between((Change(f"spec.x.{said}", said, f"{said}2"),), (added,)))}
        return formats.RUNS["html"](Record(runs, title=said, notes=(said,), steps=steps), Telling())

    assert _shape(page(text)) <= _shape(page("plain"))


def test_a_page_holds_no_line_that_a_runner_or_a_terminal_would_act_upon() -> None:
    page = formats.RUNS["html"](a_record(40, hostile=True), Telling())
    own = "\n".join(map(run_page._file, ("page.css", "page.js")))
    assert not re.search(r"^\s*::|##\[", own, re.MULTILINE)
    assert all(line.isprintable() for line in page.splitlines())


def test_the_policy_of_a_page_lets_through_its_own_script_alone() -> None:
    page = formats.RUNS["html"](RECORD, Telling())
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy.replace("&#x27;", "'").startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    for tag in ("style", "script"):
        (content,) = re.findall(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        assert run_page._hash(content) in policy


@pytest.mark.parametrize("width", [80, 200, 0])
def test_two_runs_are_told_side_by_side(width: int) -> None:
    pair = (RECORD.runs[7], RECORD.runs[0])
    lr = Change("spec.runtime.start_commands[0]", "train --lr 1", "train --lr 2")
    env = Change("spec.runtime.environment_variables.API_KEY", "sesame", "open")
    files = tuple(Change(f"spec.workspace/f{number}.py", None, "0123456789ab") for number in range(30))
    between = Between((lr, env), files, ("git can't tell the code of x",))
    told = formats.RUN_DIFF["text"](pair, between, Look(width=width))
    assert "sesame" not in told
    assert "spec: 2 fields differ" in told
    assert "code: 30 files differ" in told
    assert "10 more files; -v tells all" in told
    assert "not compared: git can't tell the code of x" in told
    facts = told.split("\n\n")[0].splitlines()
    assert not width or max(map(columns, facts)) <= width
    document = json.loads(formats.RUN_DIFF["json"](pair, between))
    assert [document[side]["job_id"] for side in "ab"] == ["j00007", "j00000"]
    assert [each["field"] for each in document["spec"]] == [lr.field, env.field]
    assert document["spec"][1]["old"] == "***"
    assert "sesame" in formats.RUN_DIFF["json"](pair, between, Look(values=Values.ALL))
