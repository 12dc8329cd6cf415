"""`--set`: values laid over manifests, with positions of their own."""

import io
from pathlib import Path
from typing import Any

import pytest

from baseten_jobs import compilation
from baseten_jobs.manifest.document import Document, load
from baseten_jobs.manifest.inputs import Inputs
from baseten_jobs.manifest.overrides import laid_over, parse_override

MANIFEST = """\
apiVersion: baseten-jobs/v1
kind: TrainingJob
metadata: {name: x, project: Demo}
spec:
  image: &image {base_image: "i:1"}
  runtime:
    start_commands: [one, two]
"""


def over(*texts: str, manifest: str = MANIFEST) -> tuple[Document, list[str]]:
    documents = load("x.yaml", manifest).documents
    changed, problems = laid_over(documents, [parse_override(text) for text in texts])
    return changed[0], [f"{problem.position}: {problem.message}; {problem.hint}" for problem in problems]


def get(data: Any, *path: Any) -> Any:
    for part in path:
        data = data[part]
    return data


SET = [
    ("x:spec.image.base_image=repo/app:abc123", ("spec", "image", "base_image"), "repo/app:abc123"),
    ("*:spec.image.base_image=a=b:c", ("spec", "image", "base_image"), "a=b:c"),
    ("x:spec.compute.node_count=4", ("spec", "compute", "node_count"), 4),
    ("x:spec.compute.memory=8", ("spec", "compute", "memory"), "8"),
    ("x:spec.compute.accelerator=H200:8", ("spec", "compute", "accelerator"), "H200:8"),
    ("x:spec.enable_baseten_workdir=true", ("spec", "enable_baseten_workdir"), True),
    ("x:spec.runtime.environment_variables.N=8", ("spec", "runtime", "environment_variables", "N"), "8"),
    ("x:spec.runtime.start_commands[1]=3", ("spec", "runtime", "start_commands", 1), "3"),
    ('x:spec.runtime.start_commands=["a", "b"]', ("spec", "runtime", "start_commands"), ["a", "b"]),
    ("x:spec.runtime.environment_variables.T={name: foo}", ("spec", "runtime", "environment_variables", "T"),
     {"name": "foo"}),
    ("x:spec.runtime.environment_variables.T= {}", ("spec", "runtime", "environment_variables", "T"), " {}"),
    ("x:spec.runtime.environment_variables.T=[a]", ("spec", "runtime", "environment_variables", "T"), "[a]"),
    ("x:spec.runtime.environment_variables.T=a: {b}", ("spec", "runtime", "environment_variables", "T"), "a: {b}"),
    ("x:spec.compute.accelerator={accelerator: H100, count: 8}", ("spec", "compute", "accelerator"),
     {"accelerator": "H100", "count": 8}),
    ("x:spec.workspace={root: .., include: [a]}", ("spec", "workspace"), {"root": "..", "include": ["a"]}),
    ("x:spec.image.base_image={i:1}", ("spec", "image", "base_image"), "{i:1}"),
    ("x:spec.runtime.start_commands[0]=[ -f x ] && train", ("spec", "runtime", "start_commands", 0),
     "[ -f x ] && train"),
    ("x:metadata.attempt=2", ("metadata", "attempt"), 2),
    ("x:policy.suspend=true", ("policy", "suspend"), True),
    ("x:spec.priority=", ("spec", "priority"), None),
    ("x:spec.image.base_image=", ("spec", "image", "base_image"), ""),
]  # fmt: skip


@pytest.mark.parametrize(("text", "path", "value"), SET, ids=[text for text, _, _ in SET])
def test_a_value_is_read_as_its_field_takes_it(text: str, path: tuple[Any, ...], value: Any) -> None:
    document, problems = over(text)
    assert (get(document.data, *path), problems) == (value, [])


def test_a_field_of_one_of_several_kinds_takes_text_too() -> None:
    of_one = MANIFEST + "  checkpointing: {load: {checkpoints: [{typ: loops_checkpoint}]}}\n"
    document, problems = over("x:spec.checkpointing.load.checkpoints[0].run_id=123", manifest=of_one)
    assert problems == []
    assert document.data["spec"]["checkpointing"]["load"]["checkpoints"][0]["run_id"] == "123"


def test_the_last_of_several_wins() -> None:
    document, _ = over("x:spec.image.base_image=a:1", "*:spec.image.base_image=b:2")
    assert document.data["spec"]["image"] == {"base_image": "b:2"}


@pytest.mark.parametrize(("given", "set_of"), [("x*", "x-1 x-2"), ("[!x]*", "y"), ("x-?", "x-1 x-2"), ("x-2", "x-2")])
def test_a_glob_sets_a_value_of_each_manifest_that_it_matches(given: str, set_of: str) -> None:
    text = "---\n".join(MANIFEST.replace("name: x", f"name: {name}") for name in ("x-1", "y", "x-2"))
    override = parse_override(f"{given}:spec.compute.node_count=2")
    changed, problems = laid_over(load("x.yaml", text).documents, [override])
    found = [each.data["metadata"]["name"] for each in changed if "compute" in each.data["spec"]]
    assert (" ".join(found), problems) == (set_of, ())


def test_what_an_alias_shares_stays_as_it_is_elsewhere() -> None:
    two = MANIFEST + "  interactive_session: &s {}\n"
    (before,) = load("x.yaml", two).documents
    over("x:spec.image.base_image=b:2", manifest=two)
    assert before.data["spec"]["image"] == {"base_image": "i:1"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("y:spec.priority=3", "--set y:spec.priority:1:1: no manifest has the name 'y'; "),
        ("xx:spec.priority=3", "--set xx:spec.priority:1:1: no manifest has the name 'xx'; did you mean 'x'?"),
        ("x:spec.weights[0].source=hf://a/b", "--set x:spec.weights[0].source:1:1: there is no element [0]; "),
        ("x:spec.image.base_image.tag=1",
         "--set x:spec.image.base_image.tag:1:1: 'tag' can't be set in what is not a mapping; "),
        ("x:spec.runtime.environment_variables.T={name: foo",
         "--set x:spec.runtime.environment_variables.T:1:11: ',' or '}' was expected, for the '{' at 1:1;"
         " a comma is missing, or a bracket is not closed"),
        ("x:spec.priority=1\n---\n2",
         "--set x:spec.priority:1:1: these are several values, where one is expected; "),
    ],
)  # fmt: skip
def test_an_override_that_fits_nothing_is_told_at_its_own_place(text: str, told: str) -> None:
    assert over(text)[1] == [told]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "x:spec.a",
        "spec.a=1",
        ":spec.a=1",
        "x:=1",
        "x:foo.bar=1",
        "x:metadata.name=y",
        "x:spec..a=1",
        "x:metadata.project=\udcff",
    ],
)
def test_any_other_form_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_override(text)


def diagnosed(tmp_path: Path, *texts: str) -> list[str]:
    path = tmp_path / "x.yaml"
    path.write_text(MANIFEST)
    compiled = compilation.compile_all(Inputs([str(path)], overrides=tuple(map(parse_override, texts))), io.BytesIO())
    return [f"{d.position}: {d.field}: {d.message}" for d in compiled.diagnostics]


def test_what_is_wrong_with_a_value_is_told_at_the_option(tmp_path: Path) -> None:
    assert diagnosed(tmp_path, "x:spec.compute.node_count=0") == [
        "--set x:spec.compute.node_count:1:1: spec.compute.node_count: 0 is less than the minimum of 1"
    ]
    assert diagnosed(tmp_path, "x:spec.compute.memory=16GB") == [
        "--set x:spec.compute.memory:1:1: spec.compute.memory: '16GB' is not a quantity of memory"
    ]
    assert diagnosed(tmp_path, "x:spec.compute.accelerator={accelerator: H100, count: 0}") == [
        "--set x:spec.compute.accelerator:1:28: spec.compute.accelerator.count: 0 is less than the minimum of 1"
    ]
    assert diagnosed(tmp_path, "x:spec.pririty=3")[0].startswith("--set x:spec.pririty:1:1: spec: 'pririty' is not")


def test_an_override_is_part_of_the_digest(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(MANIFEST)
    plain = compilation.compile_all(Inputs([str(path)]), io.BytesIO()).requests[0]
    override = parse_override("x:spec.image.base_image=i:2")
    changed = compilation.compile_all(Inputs([str(path)], overrides=(override,)), io.BytesIO()).requests[0]
    assert changed.digest != plain.digest
    assert changed.training_job["image"] == {"base_image": "i:2"}
    assert changed.overrides == (("spec.image.base_image", "i:2"),)
    path.write_text(MANIFEST.replace("i:1", "i:2"))
    assert compilation.compile_all(Inputs([str(path)]), io.BytesIO()).requests[0].digest == changed.digest
