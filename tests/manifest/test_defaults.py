"""A manifest with Defaults is the manifest that one would write out, wherever the two lie."""

import io
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baseten_jobs.compilation import Checked, Compiled, compile_all, validate
from baseten_jobs.manifest.defaults.merge import merged
from baseten_jobs.manifest.inputs import Inputs
from baseten_jobs.manifest.schema.derived import defaults_schema
from baseten_jobs.manifest.schema.fields import DEFAULTS, KIND, SUPPORTED
from baseten_jobs.report.merged import manifests
from tests.support.golden import Golden
from tests.support.repository import git

VERSION = "apiVersion: baseten-jobs/v1\n"
HEAD, BASE = f"{VERSION}kind: {KIND}\n", f"{VERSION}kind: {DEFAULTS}\n"


def laid(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def compiled(folder: Path, *paths: str) -> Compiled:
    return compile_all(Inputs([str(folder / path) for path in paths or (".",)]), io.BytesIO())


def checked(folder: Path, *paths: str) -> Checked:
    return validate(Inputs([str(folder / path) for path in paths or (".",)]), io.BytesIO())


def told(folder: Path, *paths: str) -> list[str]:
    root = f"{folder}/"
    return [f"{d.position}: {d.field}: {d.message}".replace(root, "") for d in checked(folder, *paths).diagnostics]


# What is merged

_COUNTS = st.integers(1, 9)
_ACCELERATORS = st.sampled_from(["H100", "H100:8", "H200:4"]) | st.builds(
    lambda name, count: {k: v for k, v in (("accelerator", name), ("count", count)) if v is not None},
    st.sampled_from(["H100", "H200", None]), st.none() | _COUNTS,
).filter(bool)  # fmt: skip
_VARIABLES = st.dictionaries(
    st.sampled_from("ABC"), st.sampled_from(["1", "2"]) | st.just({"name": "secret"}), max_size=3
)


def _some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


_SPECS = _some(
    compute=_some(node_count=_COUNTS, accelerator=_ACCELERATORS, memory=st.sampled_from(["1Gi", "1024Mi"])),
    runtime=_some(
        start_commands=st.lists(st.sampled_from(["a", "b"]), max_size=2), environment_variables=_VARIABLES,
        cache_config=_some(enabled=st.booleans()),
    ),
    checkpointing=_some(enabled=st.booleans(), checkpoint_path=st.just("/c")),
    weights=st.lists(st.just({"source": "hf://a/b@c", "mount_location": "/m"}), max_size=1),
    priority=_COUNTS,
)  # fmt: skip


def _with_nulls(spec: Any, nulls: list[tuple[str, str]]) -> Any:
    """The spec with some fields of its sections set to null."""
    found = json.loads(json.dumps(spec))
    for section, name in nulls:
        if isinstance(found.get(section), dict):
            found[section][name] = None
    return found


_NULLS = st.lists(
    st.sampled_from([("compute", "accelerator"), ("runtime", "environment_variables"), ("checkpointing", "enabled")]),
    max_size=2,
)


def _by_hand(base: Any, over: Any, path: str = "") -> Any:
    """RFC 7396, with shorthands unfolded: written anew for this test."""
    if path == ".compute.accelerator":
        base, over = map(_as_object, (base, over))
    if not isinstance(over, dict):
        return over
    result = dict(base) if isinstance(base, dict) else {}
    for name, value in over.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = _by_hand(result.get(name), value, f"{path}.{name}")
    return result


def _as_object(accelerator: Any) -> Any:
    if not isinstance(accelerator, str):
        return accelerator
    name, _, count = accelerator.partition(":")
    return {"accelerator": name, "count": int(count or 1)}


@given(_SPECS, _SPECS, _SPECS, _NULLS)
def test_what_is_merged_is_what_one_would_write_out(
    tmp_path_factory: pytest.TempPathFactory, root: Any, base: Any, own: Any, nulls: list[tuple[str, str]]
) -> None:
    folder = tmp_path_factory.mktemp("merged")
    base, own = _with_nulls(base, nulls), _with_nulls(own, nulls[::-1])
    image = {"base_image": "i:1"}
    spec = _by_hand(_by_hand({"image": image, **root}, base), own)
    files = {
        "root.yaml": f"{BASE}metadata: {{project: p}}\nspec: {json.dumps({'image': image, **root})}\n",
        "sub/base.yaml": f"{BASE}extends: ../root.yaml\nspec: {json.dumps(base)}\n",
        "sub/x.yaml": f"{HEAD}extends: base.yaml\nmetadata: {{name: x}}\nspec: {json.dumps(own)}\n",
        "whole.yaml": f"{HEAD}metadata: {{name: x, project: p}}\nspec: {json.dumps(spec)}\n",
    }
    laid(folder, files)
    heir, whole = compiled(folder, "sub/x.yaml"), compiled(folder, "whole.yaml")
    assert heir.valid == whole.valid, (heir.diagnostics, whole.diagnostics)
    assert [(r.digest, r.body, r.project) for r in heir.requests] == [
        (r.digest, r.body, r.project) for r in whole.requests
    ]


def test_moving_a_value_into_the_base_starts_nothing(tmp_path: Path) -> None:
    spec = 'spec: {image: {base_image: "i:1"}, compute: {accelerator: "H100:8"}, runtime: {start_commands: [t]}}\n'
    laid(tmp_path, {
        "whole.yaml": f"{HEAD}metadata: {{name: x, project: p}}\n{spec}",
        "base.yaml": f"{BASE}metadata: {{project: p}}\n{spec}",
        "x.yaml": f"{HEAD}extends: base.yaml\nmetadata: {{name: x}}\n",
    })  # fmt: skip
    (whole,), (heir,) = compiled(tmp_path, "whole.yaml").requests, compiled(tmp_path, "x.yaml").requests
    assert (whole.job_name, whole.body) == (heir.job_name, heir.body)


@pytest.mark.parametrize(
    ("base", "over", "result"),
    [
        ({"compute": {"accelerator": "H100:8"}}, {"compute": {"accelerator": {"count": 4}}},
         {"compute": {"accelerator": {"accelerator": "H100", "count": 4}}}),
        ({"compute": {"accelerator": {"accelerator": "H100", "count": 8}}}, {"compute": {"accelerator": "H200"}},
         {"compute": {"accelerator": {"accelerator": "H200", "count": 1}}}),
        ({"workspace": "."}, {"workspace": {"exclude": ["x"]}}, {"workspace": {"root": ".", "exclude": ["x"]}}),
        ({"workspace": {"include": ["y"]}}, {"workspace": "src"}, {"workspace": {"include": ["y"], "root": "src"}}),
        ({"weights": [1, 2]}, {"weights": [3]}, {"weights": [3]}),
        ({"runtime": {"x": 1}}, {"runtime": None}, {}),
        ({"runtime": {"x": {"y": 1, "z": 2}}}, {"runtime": {"x": {"y": None}}}, {"runtime": {"x": {"z": 2}}}),
        ({}, {"runtime": {"x": None, "y": 1}}, {"runtime": {"y": 1}}),
    ],
)  # fmt: skip
def test_mappings_merge_lists_replace_and_null_unsets(base: Any, over: Any, result: Any) -> None:
    from baseten_jobs.manifest.schema.fields import shape_of

    assert merged(base, over, shape_of(SUPPORTED[-1]).properties["spec"]) == result


@pytest.mark.parametrize(
    ("base", "own", "project"),
    [
        ("{project: a}", "{name: x}", "a"), ("{project: a, team: t}", "{name: x, project_id: abc}", "abc"),
        ("{project_id: abc}", "{name: x, project: b}", "b"),
        ("{project: a, team: t}", "{name: x, project: b}", "b (team t)"),
        ("{project: a}", "{name: x, team: t}", "a (team t)"), ("{project: a, team: t}", "{name: x, team: null}", "a"),
    ],
)  # fmt: skip
def test_one_way_to_name_a_project_displaces_the_other(tmp_path: Path, base: str, own: str, project: str) -> None:
    spec = 'spec: {image: {base_image: "i:1"}, runtime: {start_commands: [t]}}\n'
    laid(
        tmp_path,
        {"base.yaml": f"{BASE}metadata: {base}\n", "x.yaml": f"{HEAD}extends: base.yaml\nmetadata: {own}\n{spec}"},
    )
    (request,) = compiled(tmp_path, "x.yaml").requests
    assert str(request.project) == project


@pytest.mark.parametrize(
    ("where", "workspace", "meant"),
    [
        ("base.yaml", "src", "src"), ("base.yaml", "{root: src}", "src"), ("base.yaml", ".", "."),
        ("base.yaml", "{exclude: [n]}", "specs/team"), ("specs/base.yaml", "../src", "src"),
        ("specs/team/base.yaml", "../../src", "src"), ("specs/team/base.yaml", ".", "specs/team"),
    ],
)  # fmt: skip
def test_a_workspace_is_where_the_file_says_in_which_it_stands(
    tmp_path: Path, where: str, workspace: str, meant: str
) -> None:
    """Unset it is the manifest's folder."""
    way = os.path.relpath(where, "specs/team")
    git(tmp_path, "init", "-q")
    laid(tmp_path, {
        where: f'{BASE}spec:\n  image: {{base_image: "i:1"}}\n  workspace: {workspace}\n'
               "  runtime: {start_commands: [t]}\n",
        "src/a.py": "src", "b.py": "top", "specs/c.py": "specs", "specs/team/d.py": "team",
        "specs/team/x.yaml": f"{HEAD}extends: {way}\nmetadata: {{name: x, project: p}}\n",
    })  # fmt: skip
    (request,) = compiled(tmp_path, "specs/team/x.yaml").requests
    assert request.content is not None
    travels = {file.path for file in request.content.files if file.path.endswith(".py")}
    wanted = {str(path.relative_to(tmp_path / meant)) for path in (tmp_path / meant).rglob("*.py")}
    assert travels == wanted


# Where it stands


def test_a_problem_is_told_where_the_value_stands_and_once(tmp_path: Path) -> None:
    spec = "spec: {runtime: {start_commands: [t]}}\n"
    laid(tmp_path, {
        "root.yaml": f'{BASE}spec:\n  image: {{base_image: "i:latest"}}\n  compute:\n    memory: 1GB\n',
        "base.yaml": f"{BASE}extends: root.yaml\nspec:\n  compute: {{accelerator: H10}}\n",
        **{f"{n}.yaml": f"{HEAD}extends: base.yaml\nmetadata: {{name: n{n}, project: p}}\n{spec}" for n in range(40)},
        "own.yaml": f"{HEAD}extends: base.yaml\nmetadata: {{name: o, project: p}}\nspec:\n  compute: {{memory: 2gb}}\n"
                    "  runtime: {start_commands: [t]}\n",
    })  # fmt: skip
    assert told(tmp_path) == [
        "base.yaml:5:26: spec.compute.accelerator: 'H10' is not a GPU type known here"
        " (in 41 manifests, such as 0.yaml:1)",
        "own.yaml:6:21: spec.compute.memory: '2gb' is not a quantity of memory",
        "root.yaml:4:23: spec.image.base_image: the tag 'latest' moves (in 41 manifests, such as 0.yaml:1)",
        "root.yaml:6:13: spec.compute.memory: '1GB' is not a quantity of memory (in 40 manifests, such as 0.yaml:1)",
    ]


def test_what_is_missing_is_told_of_the_manifest(tmp_path: Path) -> None:
    laid(
        tmp_path,
        {"base.yaml": f"{BASE}spec: {{image: {{}}}}\n", "x.yaml": f"{HEAD}extends: base.yaml\nmetadata: {{name: x}}\n"},
    )
    lines = told(tmp_path, "x.yaml")
    assert any("'project' or 'project_id' is missing" in line and line.startswith("x.yaml:4") for line in lines)
    assert any("'base_image' is missing" in line for line in lines)


def test_defaults_are_no_job_and_are_checked_by_themselves(tmp_path: Path) -> None:
    laid(tmp_path, {"base.yaml": f"{BASE}spec: {{compute: {{node_count: 2}}}}\n"})
    assert (compiled(tmp_path).requests, told(tmp_path)[0].partition(": ")[2]) == (
        (), ": nothing here extends these Defaults"
    )  # fmt: skip
    assert told(tmp_path, "base.yaml") == []


@pytest.mark.parametrize(
    ("head", "wrong"),
    [
        (HEAD.replace("apiVersion: baseten-jobs/v1\n", ""), "x.yaml:1:1: : 'apiVersion' is missing"),
        (HEAD.replace("/v1", "/v9"), "x.yaml:1:13: apiVersion: 'baseten-jobs/v9' is not supported"),
    ],
)
def test_a_version_that_is_wrong_is_told_of_its_own_document_alone(head: str, wrong: str, tmp_path: Path) -> None:
    """Nothing is said of the base, of another that extends it, or of files that nothing extends."""
    heir = "extends: base.yaml\nmetadata: {name: NAME, project: p}\nspec: {runtime: {start_commands: [t]}}\n"
    laid(tmp_path, {
        "base.yaml": f'{BASE}extends: root.yaml\nspec: {{image: {{base_image: "i:1"}}}}\n', "root.yaml": BASE,
        "x.yaml": head + heir.replace("NAME", "x"), "y.yaml": HEAD + heir.replace("NAME", "y"),
    })  # fmt: skip
    assert told(tmp_path) == [wrong]
    (tmp_path / "base.yaml").write_text(head.replace("TrainingJob", "TrainingJobDefaults") + "extends: root.yaml\n")
    assert told(tmp_path, "base.yaml") == [wrong.replace("x.yaml", "base.yaml")]


def test_a_matrix_is_filled_into_what_the_base_says(tmp_path: Path) -> None:
    laid(tmp_path, {
        "base.yaml": f'{BASE}metadata: {{project: p}}\nspec:\n  image: {{base_image: "i:${{{{ matrix.tag }}}}"}}\n'
                     "  runtime: {start_commands: [t]}\n",
        "x.yaml": f'{HEAD}extends: base.yaml\nmatrix: {{tag: [a, b]}}\nmetadata: {{name: "x-${{{{ matrix.tag }}}}"}}\n',
    })  # fmt: skip
    assert [r.training_job["image"]["base_image"] for r in compiled(tmp_path).requests] == ["i:a", "i:b"]


def test_an_option_is_laid_over_what_was_merged(tmp_path: Path) -> None:
    from baseten_jobs.manifest.overrides import parse_override

    laid(tmp_path, {
        "base.yaml": f'{BASE}metadata: {{project: p}}\nspec: {{image: {{base_image: "i:1"}}}}\n',
        "x.yaml": f"{HEAD}extends: base.yaml\nmetadata: {{name: x}}\nspec: {{runtime: {{start_commands: [t]}}}}\n",
    })  # fmt: skip
    inputs = Inputs([str(tmp_path)], overrides=(parse_override("x:spec.image.base_image=j:2"),))
    (request,) = compile_all(inputs, io.BytesIO()).requests
    assert request.training_job["image"]["base_image"] == "j:2"


def test_the_published_schema_of_defaults_is_that_of_manifests_with_nothing_required(golden: Golden) -> None:
    schemas = Path(__file__).parents[2] / "schemas" / "v1"
    golden.json(schemas / "training-job-defaults.schema.json", defaults_schema(SUPPORTED[-1]))


def test_standard_input_extends_what_lies_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(laid(tmp_path, {"base.yaml": f'{BASE}spec: {{image: {{base_image: "i:1"}}}}\n'}))
    text = f"{HEAD}extends: base.yaml\nmetadata: {{name: x, project: p}}\nspec: {{runtime: {{start_commands: [t]}}}}\n"
    (request,) = compile_all(Inputs(["-"]), io.BytesIO(text.encode())).requests
    assert request.training_job["image"]["base_image"] == "i:1"


@given(_SPECS, _SPECS, _NULLS)
def test_what_is_rendered_as_merged_is_the_same_job(
    tmp_path_factory: pytest.TempPathFactory, base: Any, own: Any, nulls: list[tuple[str, str]]
) -> None:
    folder = tmp_path_factory.mktemp("rendered")
    image = {"image": {"base_image": "i:${{ matrix.tag }}"}}
    laid(folder, {
        "base.yaml": f"{BASE}metadata: {{project: p}}\nspec: {json.dumps({**base, **image})}\n",
        "x.yaml": f'{HEAD}extends: base.yaml\nmatrix: {{tag: [a, "1"]}}\n'
                  'metadata: {name: "x-${{ matrix.tag }}"}\n'
                  f"spec: {json.dumps(_with_nulls(own, nulls))}\n",
    })  # fmt: skip
    heir = compiled(folder, "x.yaml")
    laid(folder, {"whole/x.yaml": manifests(heir.requests) + "\n"})
    whole = compiled(folder, "whole")
    if heir.requests:
        assert [(r.job_name, r.body, r.settings) for r in heir.requests] == [
            (r.job_name, r.body, r.settings) for r in whole.requests
        ]
