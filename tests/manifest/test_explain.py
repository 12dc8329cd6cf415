"""What a field means, from the schema alone: every field can be asked for, and a near miss leads to it."""

import json
from collections.abc import Iterator

import pytest

from baseten_jobs.cli.main import run
from baseten_jobs.manifest.rules.registry import rules
from baseten_jobs.manifest.schema.explain import Explanation, NoSuchField, explain
from baseten_jobs.manifest.schema.fields import KINDS, SUPPORTED, shape_of
from baseten_jobs.report import field_help, rule_help
from baseten_jobs.report.style import Look
from tests.support.commands import Cli, called

__all__ = ["called"]

SHAPE = shape_of(SUPPORTED[-1])


def explained(path: str) -> Explanation:
    found = explain(SHAPE, path)
    assert isinstance(found, Explanation)
    return found


def below(field: Explanation) -> Iterator[Explanation]:
    for child in field.fields:
        yield child
        yield from below(child)


def test_every_field_of_the_tree_can_be_asked_for_by_its_path() -> None:
    every = list(below(explained("")))
    assert len(every) > 80
    for field in every:
        asked = explained(field.path)
        assert (asked.path, asked.identity, asked.fields) == (field.path, field.identity, field.fields)
        assert asked.description


def test_a_field_is_told_whole() -> None:
    assert (
        field_help.text(explained("spec.compute.availability_model")).splitlines()[0]
        == "spec.compute.availability_model"
    )
    assert (
        field_help.text(explained("spec.compute.memory"))
        == """\
spec.compute.memory
  Memory per node: a number and a unit (k M G T P E, Ki Mi Gi Ti Pi Ei), or plain bytes.

  type:      string
  default:   2Gi
  expected:  a number and a unit, such as "256Gi"
  a change:  starts a new run
  example:   256Gi"""
    )


@pytest.mark.parametrize(
    ("path", "change"),
    [
        ("spec.compute.node_count", "starts a new run"),
        ("spec.priority", "starts no new run: it is changed in place while the job waits"),
        ("policy.on_change", "starts no new run"),
    ],
)
def test_it_is_told_whether_a_change_starts_a_new_run(path: str, change: str) -> None:
    assert f"a change:  {change}" in field_help.text(explained(path)).replace("  a change", "a change").splitlines()


@pytest.mark.parametrize(
    "path", ["spec.weights.source", "spec.weights[].source", "spec.weights[0].source", "spec.weights[12].source"]
)
def test_the_steps_of_a_list_may_be_written_or_not(path: str) -> None:
    assert explained(path).path == "spec.weights[].source"


def test_fields_of_variants_and_of_free_names_are_found() -> None:
    assert explained("spec.checkpointing.load.checkpoints.run_id").required
    assert explained("spec.checkpointing.load.checkpoints.typ").choices == (
        "baseten_latest_checkpoint", "baseten_named_checkpoint", "loops_checkpoint",
    )  # fmt: skip
    assert explained("spec.runtime.environment_variables.HF_TOKEN.name").path.endswith(".*.name")


@pytest.mark.parametrize(
    ("path", "unknown"),
    [
        ("spec.compute.memry", NoSuchField("spec.compute", "memry", "spec.compute.memory")),
        ("memory", NoSuchField("", "memory", "spec.compute.memory")),
        ("spec.acelerator", NoSuchField("spec", "acelerator", "spec.compute.accelerator")),
        ("spec.image[0]", NoSuchField("spec.image", "[0]", "")),
        ("spec.image.base_image.x", NoSuchField("spec.image.base_image", "x", "")),
        ("[", NoSuchField("", "[", "")),
        ("spec..image", NoSuchField("", "spec..image", "")),
        ("spec.weights[x]", NoSuchField("", "spec.weights[x]", "")),
        ("nothing", NoSuchField("", "nothing", "")),
    ],
)
def test_a_path_that_is_not_there_suggests_the_nearest(path: str, unknown: NoSuchField) -> None:
    assert explain(SHAPE, path) == unknown


@pytest.mark.parametrize("width", [60, 80, 200])
def test_the_tree_fits_its_terminal_and_is_whole(width: int) -> None:
    lines = field_help.tree(explained(""), Look(width=width)).splitlines()
    said = "".join("".join(lines).split())
    told = ("".join(field.description.split()) for field in below(explained("")) if not field.fields)
    assert [each for each in told if each not in said] == []
    assert max(map(len, lines)) <= max(width, 64)
    assert "  compute" in [line[:9] for line in lines]


def test_a_shorthand_names_the_types_of_gpus() -> None:
    assert "  known:     T4, L4" in field_help.text(explained("spec.compute.accelerator"))


def test_the_command_tells_text_and_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain"]) == 0
    assert capsys.readouterr().out.splitlines()[0].startswith("apiVersion*")
    assert run(["explain", "spec.compute.memory", "-o", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["path"], document["default"], document["change"]) == ("spec.compute.memory", "2Gi", "run")
    assert run(["explain", "spec.compute.memry"]) == 1
    assert capsys.readouterr().err == (
        "error: 'memry' is no field of 'spec.compute'; did you mean 'spec.compute.memory'?\n"
    )


def test_each_kind_and_what_no_merged_manifest_has_is_explained(called: Cli) -> None:
    for kind in KINDS:
        assert called("explain", kind).out.splitlines()[0] == kind
    for field in (
        "extends",
        "matrix.attempts.attempt",
        "matrix.adopts.adopts.digest",
        "TrainingJobDefaults.extends",
        "TrainingJobDefaults.spec.image",
    ):
        assert called("explain", field, "-o", "json").json["path"].replace("[]", "") == field
    assert (
        called("explain", "TrainingJob.spec.image").out.splitlines()[1:]
        == (called("explain", "spec.image").out.replace("spec.image", "TrainingJob.spec.image").splitlines()[1:])
    )
    assert called("explain", "TrainingJobDefaults.metadata.name").code == 1
    assert called("explain", "TrainingJobDefaults.matrix").code == 1
    assert called("explain", "TrainingJobDefault.spec").err == (
        "error: 'TrainingJobDefault' is no field of a manifest; did you mean 'TrainingJobDefaults'?\n"
    )
    assert "did you mean 'TrainingJobDefaults'?" in called("explain", "trainingjobdefaults").err


@pytest.mark.parametrize(
    ("field", "types"),
    [
        ("matrix", "mapping of name to list of strings or numbers or booleans"),
        ("matrix.include", "list of mappings of name to string or number or boolean"),
        ("spec.runtime.start_commands", "list of strings"),
        ("spec.weights", "list of mappings"),
    ],
)
def test_what_lists_hold_is_told_in_the_plural(field: str, types: str, called: Cli) -> None:
    assert called("explain", field, "-o", "json").json["type"] == types


# Rules


def test_a_rule_is_explained_with_a_wrong_and_a_right_line(called: Cli) -> None:
    assert (
        called("explain", "spot-without-checkpointing").out
        == """\
spot-without-checkpointing (warning; an error with --strict; a Policy may set it)
  A job uses spot capacity, and does not keep checkpoints.

  Spot capacity may be taken away at any time, and all that was computed would be lost.

  Enable checkpointing, and let the job resume from its last checkpoint.

  wrong:
    spec:
      compute:
        availability_model: spot

  right:
    spec:
      compute:
        availability_model: spot
      checkpointing:
        enabled: true
"""
    )
    first = called("explain", "[too-large]").out.splitlines()[0]
    assert first == "too-large (error; a warning in a folder that `import truss` searches)"


def test_a_program_is_given_the_same(called: Cli) -> None:
    rule = rules()["enum"]
    told = called("explain", "enum", "-o", "json").json
    assert told == {"format_version": "1.0", **rule_help.data(rule)}
    assert (told["rule"], told["severity"], told["wrong"]) == ("enum", "error", rule.wrong)
    assert [each["rule"] for each in called("explain", "--rules", "-o", "json").json["rules"]] == list(rules())


def test_all_rules_are_listed_a_line_each_with_their_severities(called: Cli) -> None:
    lines = called("explain", "--rules").out.splitlines()
    assert [line.split()[:2] for line in lines] == [[rule.id, rule.severity.value] for rule in rules().values()]
    narrow = rule_help.table(rules().values(), Look(width=70)).splitlines()
    assert max(map(len, narrow)) <= 70


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mutable-imag", "'mutable-imag' is neither a field nor a rule; did you mean 'mutable-image'?"),
        ("memory-quantty", "'memory-quantty' is neither a field nor a rule; did you mean 'memory-quantity'?"),
        ("memry", "'memry' is neither a field nor a rule; did you mean 'spec.compute.memory'?"),
        ("qqqqq", "'qqqqq' is neither a field nor a rule"),
        ("spec.memry", "'memry' is no field of 'spec'; did you mean 'spec.compute.memory'?"),
    ],
)
def test_a_name_that_is_neither_leads_to_the_nearest_of_both(name: str, message: str, called: Cli) -> None:
    ran = called("explain", name)
    assert (ran.code, ran.out, ran.err) == (1, "", f"error: {message}\n")


def test_a_name_and_the_list_of_all_rules_can_not_both_be_asked_for(called: Cli) -> None:
    assert called("explain", "enum", "--rules").code == 64
