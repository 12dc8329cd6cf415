"""Saved plans that somebody else has written: whatever they say, no more is sent than a plan made now would show."""

import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baseten_jobs.manifest.overrides import parse_override
from baseten_jobs.planning.plan import Policy
from baseten_jobs.planning.saved_plan import loaded
from baseten_jobs.planning.terms import LIMITS, Terms, differences, narrowed
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.api.connection import Connection, open_api
from baseten_jobs.provider.api.pacing import Clock
from tests.support.commands import Cli, Ran, called, nothing_set

__all__ = ["called", "nothing_set"]

DATABASE = Path(".baseten-jobs/emulator.db")
PLAN = Path("p.json")
Document = dict[str, Any]


def manifest(name: str, more: str = "") -> str:
    return (
        f"apiVersion: baseten-jobs/v1\nkind: TrainingJob\nmetadata: {{name: {name}, project: Demo}}\n"
        "spec:\n  image: {base_image: 'i:1'}\n  compute: {accelerator: 'H100:8'}\n"
        f"  runtime: {{start_commands: [train]}}\n{more}"
    )


def provider() -> Api:
    return open_api(Connection(local_db=str(DATABASE)), Clock())


def names_sent() -> list[str]:
    api = provider()
    try:
        return sorted(job["name"].partition("--")[0] for job in api.search())
    finally:
        api.close()


@pytest.fixture
def cli(tmp_path: Path, nothing_set: None, called: Cli, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """A project with a job that failed, a spec that is new, and a manifest that lies elsewhere."""
    monkeypatch.chdir(tmp_path)
    for folder, name in (("specs", "failed"), ("examples", "huge")):
        Path(folder).mkdir()
        Path(folder, f"{name}.yaml").write_text(manifest(name))
    assert called("apply", "--local", "--yes").code == 0
    api = provider()
    api._exchange("POST", "/_emulator/jobs/{}", api.search()[0]["id"], body={"status": "TRAINING_JOB_FAILED"})
    api.close()
    Path("specs/new.yaml").write_text(manifest("new"))
    return called


def saved(cli: Cli, *options: str) -> Document:
    assert cli("plan", "--local", "--out", str(PLAN), *options).code == 0
    document: Document = json.loads(PLAN.read_text())
    return document


def apply(cli: Cli, *options: str) -> Ran:
    return cli("apply", "--local", "--yes", "--plan", str(PLAN), *options)


def refused(ran: Ran, *codes: int) -> bool:
    """In one line, with nothing on standard output, and nothing sent beside what was there."""
    return ran.code in codes and ran.out == "" and ran.err.count("\n") == 1 and names_sent() == ["failed"]


# The options of a plan


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--retry-failed", "failed"], "--retry-failed is 'failed' in the plan, and not given here"),
        (["--create", "*"], "--create is '*' in the plan, and not given here"),
        (["--prune"], "--prune is given in the plan, and not given here"),
        (["--since", "HEAD~3"], "--since is 'HEAD~3' in the plan, and not given here"),
        (["--history", "7"], "--history is 7 in the plan, and 1000 here"),
        (["--max-submits", "20"], "--max-submits is 20 in the plan, and 10 here"),
        (["--set", "new:spec.priority=7"], "--set is 'new:spec.priority=7' in the plan, and not given here"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)  # fmt: skip
def test_what_the_command_line_does_not_say_is_not_done(cli: Cli, options: list[str], told: str) -> None:
    saved(cli, *options)
    ran = apply(cli)
    assert refused(ran, 8), ran
    assert f": {told}; nothing was sent" in ran.err
    assert apply(cli, *options).code in (0, 8)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--max-gpus", "8"], "--max-gpus is not given in the plan, and 8 here"),
        (["--max-submits", "1"], "--max-submits is 10 in the plan, and 1 here"),
        (["--max-cost-per-hour", "1000.5"], "--max-cost-per-hour is not given in the plan, and 1000.5 here"),
        (["--strict"], "--strict is not given in the plan, and given here"),
        (["--create", "new"], "--create is not given in the plan, and 'new' here"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)  # fmt: skip
def test_a_plan_that_was_made_with_laxer_options_is_refused(cli: Cli, options: list[str], told: str) -> None:
    saved(cli)
    ran = apply(cli, *options)
    assert refused(ran, 8), ran
    assert f": {told}; nothing was sent" in ran.err


@pytest.mark.parametrize("target", ["local:other.db", "https://api.baseten.co", "http://169.254.169.254/x?y", ""])
def test_a_plan_says_not_where_to_send_anything(cli: Cli, target: str) -> None:
    document = saved(cli)
    PLAN.write_text(json.dumps({**document, "target": target}))
    assert refused(apply(cli), 8)
    assert not Path("other.db").exists()


def test_an_embedded_api_has_to_be_named_again(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    saved(cli)
    monkeypatch.setenv("BASETEN_BASE_URL", "https://ada:sesame@127.0.0.1:9")
    ran = cli("apply", "--yes", "--plan", str(PLAN))
    assert refused(ran, 8)
    assert f"it was made against local:{DATABASE}, and this is https://***@127.0.0.1:9" in ran.err
    assert refused(cli("apply", "--yes", "--plan", str(PLAN), "--local-db", "other.db"), 8)
    assert not Path("other.db").exists()


def test_a_value_of_the_environment_is_not_shown(cli: Cli) -> None:
    saved(cli)
    ran = apply(cli, "--set", "new:spec.runtime.environment_variables={A: pr1vate}")
    assert refused(ran, 8)
    assert "--set is not given in the plan, and 'new:spec.runtime.environment_variables=***' here" in ran.err


def test_a_plan_tells_of_which_manifests_it_is(cli: Cli) -> None:
    saved(cli, "examples")
    assert apply(cli, "examples").code == 64
    assert (apply(cli).code, names_sent()) == (0, ["failed", "huge"])


@pytest.mark.parametrize("path", ["-", "..", "/", "../elsewhere", "link"])
def test_a_plan_of_manifests_from_elsewhere_is_refused(cli: Cli, path: str, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path.parent)
    document = saved(cli)
    document["paths"] = [path]
    PLAN.write_text(json.dumps(document))
    ran = cli("apply", "--local", "--yes", "--plan", str(PLAN), given=manifest("huge"))
    assert refused(ran, 1), ran
    assert f"the plan is of '{path}', which is not in this folder" in ran.err


@pytest.mark.parametrize("name", ["\x1b[2J", "a\nerror: b", "\ud800", "\u202eb", "x" * 9000], ids=ascii)
def test_what_a_plan_names_is_shown_in_one_line(cli: Cli, name: str) -> None:
    document = saved(cli)
    changed = deepcopy(document)
    changed["options"]["policy"]["create"] = [name]
    PLAN.write_text(json.dumps(changed))
    ran = apply(cli)
    assert refused(ran, 8)
    assert len(ran.err) < 400
    document["actions"][0]["name"] = name
    PLAN.write_text(json.dumps(document))
    ran = apply(cli)
    assert (ran.code, names_sent()) == (8, ["failed"])
    assert ran.err.isascii() or "…" in ran.err
    assert len(ran.err) < 4000


# Every field, changed in every way


VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 10**9, 10**400, 1.5, float("inf"), float("nan"), "", "x", "*", "submit", "failed", "/",
    "..", "-", "examples", [], ["*"], ["failed"], ["examples"], ["*:metadata.project=EVIL"], [7], [[]], {}, {"a": {}},
)  # fmt: skip


def fields_of(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from fields_of(inner, (*path, key))


def mutants(document: Document) -> Iterator[Document]:
    """The document with each of its fields set to each value, taken away, given a neighbour, and there twice."""
    for path in fields_of(document):
        for change in (*(("set", value) for value in VALUES), ("drop", None), ("beside", None), ("twice", None)):
            mutant = deepcopy(document)
            holder = mutant
            for key in path[:-1]:
                holder = holder[key]  # type: ignore[index]
            _change(holder, path[-1], *change)
            if mutant != document:
                yield mutant


def _change(holder: Any, key: Any, how: str, value: Any) -> None:
    if how == "set":
        holder[key] = value
    elif how == "drop":
        del holder[key]
    elif isinstance(holder, list):
        holder.insert(key, deepcopy(holder[key]))
    elif how == "beside":
        holder["allow_outside"] = ["/"]


def test_no_field_of_a_plan_makes_an_apply_do_more_than_a_plan_made_now(cli: Cli) -> None:
    """The plan that is made now submits `new` and holds `failed`: this, or nothing, is sent."""
    document = saved(cli)
    assert [(action["action"], action["name"]) for action in document["actions"]] == [
        ("hold", "failed"), ("submit", "new"),
    ]  # fmt: skip
    shutil.copy(DATABASE, "before.db")
    found: Counter[int] = Counter()
    every = list(mutants(document))
    unlike = [mutant for mutant in every if not _passes(mutant)]
    like = [mutant for mutant in every if _passes(mutant)]
    assert (len(unlike) > 500, len(like) > 100) == (True, True)
    for mutant in [*unlike[::16], *like[::6]]:
        PLAN.write_text(json.dumps(mutant))
        ran = apply(cli)
        assert (ran.code, names_sent()) in ((0, ["failed", "new"]), (8, ["failed"]), (1, ["failed"])), mutant
        lines = 2 if "no such file or folder" in ran.err else 1
        assert ran.code != 1 or (ran.out, ran.err.count("\n")) == ("", lines)
        found[ran.code] += 1
        if ran.code == 0:
            shutil.copy("before.db", DATABASE)
    assert sorted(found) == [0, 1, 8]


def _passes(mutant: Document) -> bool:
    """Whether these are the terms of an apply without options, so that its actions are looked at."""
    try:
        plan = loaded(json.dumps(mutant))
    except ValueError:
        return False
    return not differences(plan.terms, Terms(f"local:{DATABASE}", ("specs",)))


_NAMES = st.frozensets(st.sampled_from(["a", "b", "a*", "*"]), max_size=2)
_POLICIES = st.builds(
    Policy,
    max_submits=st.none() | st.integers(0, 3), max_gpus=st.none() | st.integers(0, 3),
    max_cost_per_hour=st.none() | st.sampled_from([0.0, 0.5, 9.0]), retry_failed=_NAMES, create=_NAMES,
    since=st.sampled_from(["", "HEAD"]), prune=st.booleans(), history=st.integers(0, 2),
)  # fmt: skip
_TERMS = st.builds(
    Terms,
    target=st.sampled_from(["a", "local:b"]), paths=st.sampled_from([("a",), ("./a/",), ("a", "b")]), policy=_POLICIES,
    strict=st.booleans(), overrides=st.sampled_from([(), (parse_override("*:spec.priority=1"),)]),
    if_tip=st.sampled_from([None, "main", "other"]),
)  # fmt: skip


def loosest(limit: float | None) -> float:
    return float("inf") if limit is None else limit


def held(terms: Terms, **limits: Any) -> Terms:
    """The terms with these limits in the place of theirs."""
    return replace(terms, policy=replace(terms.policy, **limits), strict=False)


@given(_TERMS, _TERMS, st.booleans())
def test_a_plan_changes_nothing_that_is_given_but_for_lower_limits(made: Terms, now: Terms, alike: bool) -> None:
    if alike:
        now = held(made, max_gpus=now.policy.max_gpus, max_submits=now.policy.max_submits)
    if differences(made, now):
        return
    narrow = narrowed(now, made)
    none = dict.fromkeys(LIMITS)
    assert held(narrow, **none) == held(now, **none)
    assert narrow.strict >= max(now.strict, made.strict)
    for name in LIMITS:
        limits = [loosest(getattr(terms.policy, name)) for terms in (narrow, now, made)]
        assert limits[0] == min(limits)


# Files that are none


def deep(kind: str) -> str:
    return f'{{"kind": "baseten-jobs-plan", "actions": {kind * 100_000}'


FILES: dict[str, Callable[[], object]] = {
    "a pipe": lambda: os.mkfifo(PLAN),
    "a link to a device": lambda: PLAN.symlink_to("/dev/zero"),
    "a link to a terminal": lambda: PLAN.symlink_to("/dev/tty"),
    "a link to standard input": lambda: PLAN.symlink_to("/dev/stdin"),
    "a link to itself": lambda: PLAN.symlink_to(PLAN),
    "a link to nowhere": lambda: PLAN.symlink_to("nowhere"),
    "a link to what the kernel tells": lambda: PLAN.symlink_to("/proc/self/environ"),
    "lists in lists": lambda: PLAN.write_text(deep("[")),
    "objects in objects": lambda: PLAN.write_text(deep('{"a":')),
    "no UTF-8": lambda: PLAN.write_bytes(b'{"kind": "\xff"}'),
    "UTF-16": lambda: PLAN.write_bytes('{"kind": "baseten-jobs-plan"}'.encode("utf-16")),
    "a byte order mark": lambda: PLAN.write_bytes(b"\xef\xbb\xbf{}"),
    "a hole of a terabyte": lambda: (PLAN.touch(), os.truncate(PLAN, 2**40)),
    "a number without end": lambda: PLAN.write_text('{"kind": ' + "9" * 100_000 + "}"),
    "a version that is none": lambda: PLAN.write_text('{"kind": "baseten-jobs-plan", "format_version": [1.0]}'),
    "a field that is there twice": lambda: PLAN.write_text(
        PLAN.with_suffix(".good").read_text().replace('"kind"', '"target": "local:x", "kind"')
    ),
    "an action that is there twice": lambda: PLAN.write_text(_twice(PLAN.with_suffix(".good").read_text())),
}


def _twice(text: str) -> str:
    document = json.loads(text)
    document["actions"] += document["actions"][-1:]
    return json.dumps(document)


@pytest.mark.parametrize("make", FILES.values(), ids=FILES)
def test_a_file_that_is_no_plan_is_one_line(
    cli: Cli, make: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "pr1vate")
    saved(cli)
    PLAN.rename(PLAN.with_suffix(".good"))
    make()
    ran = apply(cli)
    assert refused(ran, 1), ran
    assert ran.err.startswith("error: p.json: ")
    assert (len(ran.err) < 200, "pr1vate" in ran.err) == (True, False)
