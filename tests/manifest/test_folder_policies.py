"""Policies of folders: what is an error above is never less below, limits only tighten, and none is passed over."""

import io
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baseten_jobs.compilation import Checked, validate
from baseten_jobs.emulator.server import serving
from baseten_jobs.emulator.settings import Settings
from baseten_jobs.manifest.diagnostics import Severity
from baseten_jobs.manifest.folder_policies.written import settable
from baseten_jobs.manifest.inputs import Inputs
from baseten_jobs.manifest.rules.registry import rules
from baseten_jobs.manifest.schema.fields import POLICY, SUPPORTED, schema_of, shape_of
from tests.support.commands import Cli, called, nothing_set
from tests.support.repository import git
from tests.support.trees import write
from tests.support.world import StandingClock

__all__ = ["called", "nothing_set"]

HEAD = "apiVersion: baseten-jobs/v1\nkind: Policy\n"
BREAKS = ("mutable-image", "mutable-weights", "no-start-command")
"""The rules that the manifest breaks."""


def manifest(allow: Sequence[str] = (), accelerator: str = "H100:1", nodes: int = 1, name: str = "train") -> str:
    return (
        f"apiVersion: baseten-jobs/v1\nkind: TrainingJob\nmetadata: {{name: {name}, project: demo}}\nspec:\n"
        "  image: {base_image: i}\n  runtime: {start_commands: []}\n"
        "  weights: [{source: 'hf://a/b', mount_location: /m}]\n"
        f"  compute: {{node_count: {nodes}, accelerator: '{accelerator}'}}\npolicy: {{allow: {list(allow)}}}\n"
    )


@contextmanager
def checkout(files: Mapping[str, str]) -> Iterator[Path]:
    """A folder that is taken for the root of a checkout."""
    with TemporaryDirectory() as name:
        (Path(name) / ".git").mkdir()
        write(Path(name), files)
        yield Path(name)


def checked(files: Mapping[str, str], path: str, *, strict: bool = False) -> Checked:
    with checkout(files) as root:
        return validate(Inputs([str(root / path)], strict=strict), io.BytesIO())


# Rules

LEVELS = st.sampled_from(["error", "warning", "ignore"])
RULES = st.dictionaries(st.sampled_from(BREAKS), LEVELS)
FOLDERS = ("", "a/", "a/b/")


def _expected(levels: Sequence[str], *, allowed: bool) -> str:
    """The severity of a rule that Policies set to these levels, from the root down; empty where it is ignored."""
    if "error" in levels:
        return "error"
    if allowed:
        return "note"
    return {"ignore": "", "warning": "warning"}[levels[-1] if levels else "warning"]


@given(st.tuples(RULES, RULES, RULES), st.sets(st.sampled_from(BREAKS)), st.booleans())
def test_the_nearest_policy_decides_but_an_error_above_stays_one(
    written: tuple[Mapping[str, str], ...], allow: set[str], strict: bool
) -> None:
    files = {
        f"{folder}p.yaml": f"{HEAD}rules: {json.dumps(each)}\n" for folder, each in zip(FOLDERS, written, strict=True)
    }
    found = checked({**files, "a/b/train.yaml": manifest(sorted(allow))}, "a/b/train.yaml", strict=strict)
    lowered = 0
    for rule in BREAKS:
        levels = [each[rule] for each in written if rule in each]
        severity = _expected(levels, allowed=rule in allow)
        told = [d.severity.value for d in found.diagnostics if d.rule == rule]
        assert told == ([] if not severity else ["error"] if severity == "warning" and strict else [severity])
        below = levels[levels.index("error") :] if "error" in levels else []
        lowered += sum(level != "error" for level in below) + (bool(below) and rule in allow)
    assert sum(d.rule == "policy-lowered" for d in found.diagnostics) == lowered


def test_a_policy_can_set_each_rule_that_warns_of_manifests_and_files() -> None:
    of_imports = {"workspace", "artifacts"}
    warning = {rule.id for rule in rules().values() if rule.severity is Severity.WARNING}
    assert set(settable()) == warning - of_imports
    allow = shape_of(SUPPORTED[-1]).properties["policy"].properties["allow"].items
    assert allow
    assert set(allow.schema["enum"]) == set(settable()) - {"unused-defaults"}


def test_the_schema_describes_a_rule_as_the_registry_does() -> None:
    described = schema_of(SUPPORTED[-1], POLICY)["properties"]["rules"]["properties"]
    assert {rule: field["description"] for rule, field in described.items()} == {
        rule: rules()[rule].what for rule in settable()
    }


def test_a_tree_that_two_manifests_share_is_judged_for_each() -> None:
    job = manifest().replace("spec:\n", "spec:\n  workspace: {root: ../code, include: [none.bin]}\n")
    files = {
        "lax/p.yaml": HEAD + "rules: {workspace-include: ignore}\n",
        "lax/a.yaml": job,
        "strict/p.yaml": HEAD + "rules: {workspace-include: error}\n",
        "strict/b.yaml": job.replace("train", "eval"),
        "code/train.py": "go()\n",
    }
    with checkout(files) as root:
        (root / ".git").rmdir()
        found = validate(Inputs([str(root)]), io.BytesIO(b""))
    told = {d.severity.value for d in found.diagnostics if d.rule == "workspace-include"}
    assert told <= {"error"}


# Limits

LIMIT = st.none() | st.integers(0, 40)
TYPES = st.none() | st.sets(st.sampled_from(["H100", "H200", "B200"]))


@given(
    st.lists(st.tuples(LIMIT, TYPES, st.booleans()), min_size=3, max_size=3),
    st.sampled_from(["H100", "H200"]),
    st.integers(1, 8),
    st.integers(1, 4),
)
def test_all_limits_above_hold_together(
    written: Sequence[tuple[int | None, set[str] | None, bool]], gpu: str, count: int, nodes: int
) -> None:
    files = {}
    for folder, (most, types, required) in zip(FOLDERS, written, strict=True):
        limits = {
            "gpus_per_job": most,
            "accelerators": None if types is None else sorted(types),
            "checkpointing": "required" if required else None,
        }
        files[f"{folder}p.yaml"] = f"{HEAD}limits: {json.dumps(limits)}\n"
    job = manifest(BREAKS, f"{gpu}:{count}", nodes)
    found = checked({**files, "a/b/train.yaml": job}, "a/b/train.yaml", strict=True)
    beyond = {d.message.rpartition(" ")[2] for d in found.diagnostics if d.rule == "policy-limit"}
    expected = [
        any(most is not None and count * nodes > most for most, _, _ in written),
        any(types is not None and gpu not in types for _, types, _ in written),
        any(required for _, _, required in written),
    ]
    assert sum(d.rule == "policy-limit" for d in found.diagnostics) == sum(expected), beyond


@pytest.mark.parametrize("written", ["A100-80GB", "a100_80gb"])
def test_a_type_of_gpu_is_known_by_all_its_spellings(written: str) -> None:
    files = {"p.yaml": f"{HEAD}limits: {{accelerators: [{written}]}}\n", "a.yaml": manifest(BREAKS, "A100_80GB:1")}
    assert "policy-limit" not in {d.rule for d in checked(files, ".").diagnostics}


def test_a_job_without_a_gpu_is_of_no_type() -> None:
    plain = manifest(BREAKS).replace(", accelerator: 'H100:1'", "")
    files = {"p.yaml": HEAD + "limits: {accelerators: [], gpus_per_job: 0}\n", "a.yaml": plain}
    assert [d.rule for d in checked(files, ".").diagnostics if d.severity is Severity.ERROR] == []


# Which Policies hold

LIMITED = HEAD + "limits: {gpus_per_job: 0}\n"


@pytest.mark.parametrize("path", ["a/b/train.yaml", "a/b", "a", "."])
@pytest.mark.parametrize("name", ["p.yaml", "a/.hidden.yml", "a/b/p.yaml"])
def test_a_policy_above_holds_whatever_paths_are_given(path: str, name: str) -> None:
    found = checked({name: LIMITED, "a/b/train.yaml": manifest()}, path)
    assert "policy-limit" in {d.rule for d in found.diagnostics}


@pytest.mark.parametrize("name", ["c/p.yaml", "a/b/c/p.yaml", "../p.yaml"])
def test_a_policy_of_another_folder_or_above_the_checkout_does_not_hold(name: str, tmp_path: Path) -> None:
    write(tmp_path / "root", {name: LIMITED, "a/b/train.yaml": manifest()})
    (tmp_path / "root" / ".git").mkdir()
    found = validate(Inputs([str(tmp_path / "root")]), io.BytesIO())
    assert "policy-limit" not in {d.rule for d in found.diagnostics}


def test_outside_of_git_the_highest_folder_given_is_the_root(tmp_path: Path) -> None:
    write(tmp_path, {"p.yaml": LIMITED, "a/p.yaml": LIMITED, "a/b/train.yaml": manifest()})

    def beyond(*paths: str) -> int:
        found = validate(Inputs([str(tmp_path / path) for path in paths]), io.BytesIO())
        return sum(d.rule == "policy-limit" for d in found.diagnostics)

    assert (beyond("a/b"), beyond("a/b", "a"), beyond("a/b", ".")) == (0, 1, 1)


def test_a_manifest_on_standard_input_is_of_the_current_folder(
    called: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, {"p.yaml": LIMITED})
    ran = called("validate", "-", given=manifest())
    assert (ran.code, "a limit of p.yaml:3:24 [policy-limit]" in ran.out) == (1, True)
    alone = called("validate", "-", given=LIMITED)
    assert (alone.code, "[policy-place]" in alone.out) == (1, True)


def test_a_policy_stands_among_manifests_too() -> None:
    found = checked({"all.yaml": f"{manifest()}---\n{LIMITED}---\n{manifest(name='b')}"}, "all.yaml")
    assert len(found.manifests) == 2
    assert sum(d.rule == "policy-limit" for d in found.diagnostics) == 2


BROKEN = {
    "that is no YAML": HEAD + "limits: {gpus_per_job: [}\n",
    "that is not UTF-8": HEAD.encode() + b"rules: {}  # \xff\n",
    "in UTF-16": HEAD.encode("utf-16"),
    "that is misspelt": "apiVersion: baseten-jobs/v1\nkind: policy\n",
    "of a later version": "apiVersion: baseten-jobs/v2\nkind: Policy\n",
    "without a version": "# of baseten\nkind: Policy\n",
    "with a key twice": HEAD + "rules: {}\nrules: {}\n",
    "with an unknown field": HEAD + "limit: {gpus_per_job: 1}\n",
    "that is too large": HEAD.encode() + b"#" * (1 << 20),
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_a_policy_above_that_can_not_be_read_stops_everything(content: str | bytes) -> None:
    with checkout({"a/train.yaml": manifest()}) as root:
        (root / "p.yaml").write_bytes(content.encode() if isinstance(content, str) else content)
        found = validate(Inputs([str(root / "a")]), io.BytesIO())
    assert not found.valid
    assert {d.position.path.rpartition("/")[2] for d in found.diagnostics if d.severity is Severity.ERROR} == {"p.yaml"}


OTHERS = {
    "of another group": "apiVersion: kyverno.io/v1\nkind: Policy\nspec: {of: baseten}\n",
    "that is a manifest": "apiVersion: baseten-jobs/v1\nkind: TrainingJob\nmetadata: {name: [}\n# no Policy\n",
    "that is no YAML at all": "{{ baseten }}: Policy\n",
    "that is a large file of data": "- 1\n" * (1 << 19),
    "that names one in a comment": "# kind: Policy of baseten-jobs/v1\n- 1\n",
}


@pytest.mark.parametrize("content", OTHERS.values(), ids=OTHERS)
def test_another_file_above_is_nobodys_business(content: str) -> None:
    found = checked({"other.yaml": content, "a/train.yaml": manifest()}, "a")
    assert found.valid


def test_a_link_that_leads_out_is_an_error_and_one_that_stays_holds(tmp_path: Path) -> None:
    write(tmp_path, {"out.yaml": LIMITED, "root/in/p.yaml": LIMITED, "root/a/b/train.yaml": manifest()})
    (tmp_path / "root" / ".git").mkdir()
    (tmp_path / "root" / "a" / "p.yaml").symlink_to("../in/p.yaml")
    (tmp_path / "root" / "gone.yaml").symlink_to("nowhere")

    def told() -> set[str]:
        found = validate(Inputs([str(tmp_path / "root" / "a" / "b")]), io.BytesIO())
        return {d.rule for d in found.diagnostics if d.severity is Severity.ERROR}

    assert told() == {"policy-limit"}
    (tmp_path / "root" / "q.yaml").symlink_to("../out.yaml")
    assert told() == {"policy-limit", "policy-place"}


def test_of_the_files_above_only_those_that_mention_a_policy_are_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    from baseten_jobs.manifest import document, own_sources

    load, parsed = document.load, []
    for reader in (document, own_sources):
        monkeypatch.setattr(
            reader, "load", lambda path, text: parsed.append(os.path.basename(path)) or load(path, text)
        )
    files = {"values.yaml": "kind: x\n", "q.yml": manifest(), "p.yaml": HEAD, "a/train.yaml": manifest()}
    assert checked(files, "a").valid
    assert sorted(parsed) == ["p.yaml", "train.yaml"]


def test_a_working_folder_that_is_gone_is_no_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").mkdir()
    write(tmp_path, {"a/train.yaml": manifest(), "a/p.yaml": LIMITED})
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    found = validate(Inputs([str(tmp_path / "a"), "-"]), io.BytesIO(manifest().encode()))
    assert "policy-limit" in {d.rule for d in found.diagnostics}


# Commands


@pytest.fixture
def here(tmp_path: Path, nothing_set: None, monkeypatch: pytest.MonkeyPatch) -> Path:
    git(tmp_path, "init", "-q")
    (tmp_path / "specs").mkdir()
    monkeypatch.chdir(tmp_path / "specs")
    return tmp_path


GOOD = manifest(accelerator="H100:8").replace("base_image: i", "base_image: 'i:1'").replace("[]}\n  w", "[go]}\n  w")


@pytest.mark.parametrize(("limit", "code"), [(52, 0), (51, 8)])
def test_a_job_that_costs_more_than_a_policy_permits_is_refused(limit: int, code: int, here: Path, called: Cli) -> None:
    write(here, {"p.yaml": f"{HEAD}limits: {{cost_per_hour_per_job: {limit}}}\n", "specs/a.yaml": GOOD})
    planned = called("plan", ".", "--local", "--max-cost-per-hour", "1000", "-o", "json")
    applied = called("apply", ".", "--local", "--yes", "--max-cost-per-hour", "1000", "--create", "*")
    told = "train costs $52.00/h, and a job may cost $51.00/h by ../p.yaml:3:33"
    assert (planned.code, applied.code) == (0, code)
    assert (told in " ".join(planned.json["notes"]), told in applied.err) == (code == 8, code == 8)


def test_a_job_without_a_known_price_is_refused_where_a_policy_limits_it(here: Path, called: Cli) -> None:
    write(
        here, {"p.yaml": HEAD + "limits: {cost_per_hour_per_job: 300}\n", "specs/a.yaml": GOOD.replace("H100", "X100")}
    )
    ran = called("apply", ".", "--local", "--yes")
    assert (ran.code, "train has no known price, and a job may cost $300.00/h by" in ran.err) == (8, True)


def test_a_saved_plan_does_not_outlive_the_policy_that_permitted_it(
    here: Path, called: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(here, {"specs/a.yaml": GOOD})
    with serving(Settings(here / "e.db")) as url:
        monkeypatch.setenv("BASETEN_BASE_URL", url)
        monkeypatch.setenv("BASETEN_API_KEY", "k")
        assert called("plan", ".", "--out", "plan.json").code == 0
        write(here, {"p.yaml": HEAD + "limits: {cost_per_hour_per_job: 10}\n"})
        assert called("apply", "--plan", "plan.json", "--yes").code == 8
        write(here, {"p.yaml": LIMITED})
        assert called("apply", "--plan", "plan.json", "--yes").code == 1
        (here / "p.yaml").unlink()
        assert called("apply", "--plan", "plan.json", "--yes", clock=StandingClock()).code == 0


def test_a_job_that_a_policy_forbids_by_now_can_be_looked_at_and_stopped(here: Path, called: Cli) -> None:
    write(here, {"specs/a.yaml": GOOD})
    assert called("apply", ".", "--local", "--yes").code == 0
    write(here, {"p.yaml": LIMITED})
    assert called("plan", ".", "--local").code == 1
    assert called("status", "-f", ".", "--local").code == 0
    assert called("stop", "-f", ".", "--local", "--yes", "train").code == 0


def test_the_report_says_what_is_allowed_and_the_digest_does_not_move(here: Path, called: Cli) -> None:
    write(here, {"specs/a.yaml": GOOD})
    (before,) = called("render", ".", "-o", "json").json
    write(here, {"specs/a.yaml": GOOD.replace("allow: []", "allow: [mutable-weights, long-name]")})
    ran = called("validate", "--strict", ".")
    assert ran.code == 0
    assert ran.out.splitlines()[-1] == "1 manifest: no problems, 1 allowed"
    assert [d["severity"] for d in called("validate", ".", "-o", "json").json["diagnostics"]] == ["note"]
    assert called("validate", ".", "-o", "github").out.startswith("::notice ")
    (after,) = called("render", ".", "-o", "json").json
    assert after == before
    notes = called("plan", ".", "--local", "-o", "json").json["notes"]
    assert [note.rpartition(": ")[2] for note in notes if "allowed here" in note] == ["mutable-weights"]


def test_a_policy_alone_is_valid_and_no_manifest(here: Path, called: Cli) -> None:
    write(here, {"specs/p.yaml": LIMITED})
    for arguments in (["p.yaml"], ["--only-ours", "p.yaml"], ["."]):
        ran = called("validate", *arguments)
        assert (ran.code, ran.out) == (0, "0 manifests: no problems\n")
    assert called("apply", ".", "--local", "--yes").code == 0


def test_a_policys_fields_are_explained_below_its_kind(called: Cli) -> None:
    told = called("explain", "Policy.limits.gpus_per_job")
    assert (told.code, told.out.splitlines()[0]) == (0, "Policy.limits.gpus_per_job")
    tree = called("explain", "Policy").out
    assert all(rule in tree for rule in settable())
    assert called("explain", "policy.allow").code == 0
    assert "did you mean 'Policy.limits.gpus_per_job'?" in called("explain", "Policy.limits.gpu_per_job").err
    assert called("explain", "mutable-image").out.splitlines()[0].endswith("; a Policy may set it)")
    assert "Policy" not in called("explain", "minimum").out.splitlines()[0]


def test_the_schema_of_a_policy_is_printed_for_editors(called: Cli) -> None:
    assert called("schema", "--kind", "Policy").json["title"] == "Policy"
