"""A variable that nothing fills in, in every text that the schema has: told, or left out for a reason."""

from collections.abc import Iterator
from typing import Any

import pytest

from baseten_jobs.manifest.rules.unexpanded import unexpanded_variable
from baseten_jobs.manifest.schema.fields import SUPPORTED, Shape, shape_of

WHOLE = shape_of(SUPPORTED[-1])
LEFT_OUT = {
    "spec.runtime.start_commands.0": "a shell runs it",
    "spec.runtime.environment_variables.x": "judged by the name of the variable",
    "spec.image.base_image": "told by image-reference",
    "spec.compute.memory": "told by memory-quantity",
    "spec.workspace": "a folder that is not there is an error",
    "spec.workspace.root": "a folder that is not there is an error",
    "spec.workspace.external.0": "a folder that is not there is an error",
}


def texts(shape: Shape, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The path of every field that may be a text of the user's own choice, in a document of one field."""
    kinds = shape.schema.get("type", ())
    if "string" in ([kinds] if isinstance(kinds, str) else kinds) and not {"enum", "const"} & set(shape.schema):
        yield path
    for name, child in shape.properties.items():
        yield from texts(child, (*path, name))
    for child, part in ((shape.items, 0), (shape.values, "x")):
        if child is not None:
            yield from texts(child, (*path, part))
    for variant in shape.variants.values():
        yield from texts(variant, path)


def holding(path: tuple[str | int, ...], text: str) -> Any:
    """A document that has nothing but this text at its path."""
    value: Any = text
    for part in reversed(path):
        value = [value] if part == 0 else {part: value}
    return value


FIELDS = {".".join(map(str, path)): path for path in texts(WHOLE)}


def test_every_exception_is_a_field() -> None:
    assert set(LEFT_OUT) <= set(FIELDS)
    assert len(FIELDS) > 50


@pytest.mark.parametrize("text", ["${PROJECT}", "a/$MODEL_NAME/b", "${{ vars.PROJECT }}", "${project}"])
@pytest.mark.parametrize("field", FIELDS)
def test_a_variable_is_told_wherever_nothing_fills_it_in(field: str, text: str) -> None:
    found = [path for path, _, _ in unexpanded_variable(holding(FIELDS[field], text))]
    judged = field.endswith("environment_variables.x") and text in ("${PROJECT}", "a/$MODEL_NAME/b")
    assert found == ([] if field in LEFT_OUT and not judged else [FIELDS[field]])


@pytest.mark.parametrize("text", ["US$", "$5", "*.bin$", "a$b", "$", "${}", "$$", "${1}", "cash-$-flow"])
@pytest.mark.parametrize("field", FIELDS)
def test_a_dollar_that_begins_no_variable_is_text(field: str, text: str) -> None:
    assert list(unexpanded_variable(holding(FIELDS[field], text))) == []


SECRETS = {
    "${HF_TOKEN}": "${HF_TOKEN}", "$HF_TOKEN": "$HF_TOKEN", "${HF_TOKEN:?}": "${HF_TOKEN:?}", " $OTHER_1 ": "$OTHER_1",
    "${{ secrets.HF }}": "${{ secrets.HF }}", "{{ hf }}": "{{ hf }}", "$(cat token)": "$(cat token)",
    "horse$BATTERY": None, "$BT_TOKEN": None, "${BT_TOKEN}": None, "$1": None, "${A}${B}": None, "${A:-hunter2}": None,
    "https://$HOST_NAME/x": None, "hf_abcdefghijklmnopqrstuvwxyz$HF_TOKEN": None,
}  # fmt: skip
"""Values of a variable that is named as a secret -> the reference that is told; None for those that are left alone."""


@pytest.mark.parametrize("value", SECRETS)
def test_a_secret_that_is_nothing_but_a_reference_is_told_with_what_to_write(value: str) -> None:
    path = ("spec", "runtime", "environment_variables", "HF_TOKEN")
    found = list(unexpanded_variable(holding(path, value)))
    wanted = SECRETS[value]
    assert [where for where, _, _ in found] == ([] if wanted is None else [path])
    for _, message, hint in found:
        assert message.startswith(f"'{(wanted or '').strip()}' is not filled in here")
        assert hint == "refer to a secret of Baseten: `HF_TOKEN: {name: SECRET}`"


@pytest.mark.parametrize("command", ['eval "export HF_TOKEN=$HF_TOKEN"', "envsubst < a > b", "$HF_TOKEN train"])
def test_a_value_that_a_command_expands_is_left_alone(command: str) -> None:
    runtime = {"start_commands": [command], "environment_variables": {"HF_TOKEN": "${OTHER}"}}
    assert list(unexpanded_variable({"spec": {"runtime": runtime}})) == []
