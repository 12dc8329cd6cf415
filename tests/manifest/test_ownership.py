"""Which of the YAML files that a hook names are ours: they are checked wherever they lie, the others passed over."""

from pathlib import Path

import pytest

from tests.support.commands import Cli, called, nothing_set

__all__ = ["called", "nothing_set"]

GOOD = """\
apiVersion: baseten-jobs/v1
kind: TrainingJob
metadata: {name: sft, project: Demo}
spec:
  image: {base_image: "i:1"}
  runtime: {start_commands: [train]}
"""
BASE = "apiVersion: baseten-jobs/v1\nkind: TrainingJobDefaults\n"
CHART = "apiVersion: v1\nkind: Service\nmetadata: {name: {{ .Values.name }}}\n"

OTHERS = {
    "empty": b"",
    "a comment": b"# nothing here\n",
    "a manifest that is commented out": "".join(f"# {line}\n" for line in GOOD.splitlines()).encode(),
    "a list": b"- baseten\n- TrainingJob\n",
    "a workflow that uses us": b"jobs:\n  a: {steps: [{uses: OWNER/baseten-jobs/.github/actions/baseten-jobs@v1}]}\n",
    "a hook of ours": b"repos: [{repo: https://github.com/OWNER/baseten-jobs, hooks: [{id: baseten-jobs-validate}]}]\n",
    "a service of Kubernetes": b"apiVersion: v1\nkind: Service\nmetadata: {labels: {a: baseten-jobs/v1}}\n",
    "a Policy of another group": b"apiVersion: kyverno.io/v1\nkind: Policy\nmetadata: {name: baseten}\n",
    "Defaults of another group": BASE.replace("baseten-jobs/v1", "a.b/v1").encode(),
    "a job of another group": GOOD.replace("baseten-jobs/v1", "sagemaker.services.k8s.aws/v1alpha1").encode(),
    "a template": CHART.encode(),
    "a template that speaks of us": f"# of baseten-jobs, see apiVersion: baseten-jobs/v1\n{CHART}".encode(),
    "tags of another tool": b"Resources: !Ref baseten\nA: !Sub 'TrainingJob'\n",
    "duplicate keys": b"baseten: 1\nbaseten: 2\n",
    "not text": b"\xff\xfe\x00\x01",
    "another encoding": "name: gr\xfc\xdfe\n".encode("latin-1"),
    "too large": b"a: " + b"x" * (1 << 20),
    "too deep": b"[" * 3000,
}

OURS = {
    "a good one": (GOOD.encode(), ""),
    "one of several documents": (f"a: 1\n---\n{GOOD}".encode(), "'apiVersion' is missing"),
    "a wrong field": (GOOD.replace("image:", "imge:").encode(), "'imge' is not a field here"),
    "no kind": (GOOD.replace("kind: TrainingJob\n", "").encode(), "'kind' is missing"),
    "no apiVersion": (GOOD.replace("apiVersion: baseten-jobs/v1\n", "").encode(), "'apiVersion' is missing"),
    "Defaults": (BASE.encode(), ""),
    "Defaults with a wrong field": (f"{BASE}bad: 1\n".encode(), "'bad' is not a field here"),
    "Defaults without apiVersion": (BASE.replace("apiVersion: baseten-jobs/v1\n", "").encode(), "'apiVersion' is miss"),
    "a Policy": (BASE.replace("TrainingJobDefaults", "Policy").encode(), ""),
    "a Policy with a wrong field": (
        BASE.replace("TrainingJobDefaults", "Policy\nbad: 1").encode(),
        "'bad' is not a fie",
    ),
    "a later version": (GOOD.replace("jobs/v1", "jobs/v2").encode(), "'baseten-jobs/v2' is not supported"),
    "no version": (GOOD.replace("baseten-jobs/v1", "v1").encode(), "'v1' is not supported"),
    "a slip in the version": (GOOD.replace("baseten-jobs/v1", "basten-jobs/v1").encode(), "'basten-jobs/v1' is not"),
    "a slip in the field": (GOOD.replace("apiVersion", "apiversion").encode(), "'apiversion' is not a field here"),
    "an anchor": (GOOD.replace("apiVersion: b", "apiVersion: &v b").encode(), ""),
    "broken": (f"{GOOD}a: [\n".encode(), "[yaml-syntax]"),
    "broken before all": (f"a: ]\n{GOOD}".encode(), "[yaml-syntax]"),
    "a conflict of a merge": (f"<<<<<<< HEAD\n{GOOD}=======\n>>>>>>> b\n".encode(), "[yaml-syntax]"),
    "json": (b'{"apiVersion": "baseten-jobs/v1", "kind": ', "[yaml-syntax]"),
    "UTF-16": (GOOD.encode("utf-16"), "this is UTF-16"),
    "another encoding": (f"# gr\xfc\xdfe\n{GOOD}".encode("latin-1"), "is not UTF-8"),
    "too large": (GOOD.encode() + b"#" * (1 << 20), "[too-large]"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_a_file_that_is_not_ours_is_passed_over_although_it_is_named(name: str, tmp_path: Path, called: Cli) -> None:
    (tmp_path / "other.yaml").write_bytes(OTHERS[name])
    (tmp_path / "good.yaml").write_text(GOOD)
    ran = called("validate", "--strict", "--only-ours", "--", str(tmp_path / "other.yaml"), str(tmp_path / "good.yaml"))
    assert (ran.code, ran.out, ran.err) == (0, "1 manifest: no problems\n", "")
    ran = called("validate", "--strict", "--only-ours", "--", str(tmp_path / "other.yaml"))
    assert (ran.code, ran.out, ran.err) == (0, "0 manifests: no problems\n", "")


@pytest.mark.parametrize("name", OURS)
def test_a_file_that_is_ours_or_was_meant_to_be_is_checked(name: str, tmp_path: Path, called: Cli) -> None:
    raw, told = OURS[name]
    (tmp_path / "ours.yaml").write_bytes(raw)
    ran = called("validate", "--only-ours", "--", str(tmp_path / "ours.yaml"))
    assert (ran.code, told in ran.out) == (1 if told else 0, True)


def test_without_the_option_every_file_that_is_named_is_meant(tmp_path: Path, called: Cli) -> None:
    (tmp_path / "other.yaml").write_text("a: 1\n")
    assert called("validate", str(tmp_path / "other.yaml")).code == 1


def test_a_path_that_is_not_there_is_no_file_of_others(tmp_path: Path, called: Cli) -> None:
    assert "[missing-path]" in called("validate", "--only-ours", str(tmp_path / "gone.yaml")).out


def test_folders_and_standard_input_are_looked_at_in_the_same_way(tmp_path: Path, called: Cli) -> None:
    (tmp_path / "other.yaml").write_text("a: 1\n")
    (tmp_path / "good.yaml").write_text(GOOD)
    assert called("validate", "--only-ours", str(tmp_path)).out == "1 manifest: no problems\n"
    assert called("validate", "--only-ours", "-", given="a: 1\n").out == "0 manifests: no problems\n"
    assert called("validate", "--only-ours", "-", given=GOOD).out == "1 manifest: no problems\n"
