"""Rules that one bad manifest can't show, each in a folder, a checkout or before a provider of its own.

In `shown` stands for each case `RULE.out` or `RULE.more.out`: the command, the lines of its diagnostics, and its exit
code.
"""

import re
import shlex
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from baseten_jobs.emulator.server import serving
from baseten_jobs.emulator.settings import Settings
from baseten_jobs.manifest.rules.registry import rules
from tests.manifest.test_bad_manifests import BAD
from tests.support.commands import Cli, called, nothing_set
from tests.support.golden import Golden
from tests.support.repository import git
from tests.support.trees import CODE, commit, write

__all__ = ["called", "nothing_set"]

SHOWN = Path(__file__).parent / "shown"

GOOD = """\
apiVersion: baseten-jobs/v1
kind: TrainingJob
metadata: {name: train, project: demo}
spec:
  image: {base_image: "i:1"}
  workspace: WORKSPACE
  enable_baseten_workdir: true
  runtime: {start_commands: [python train.py]}
"""
PLAIN = GOOD.replace("  workspace: WORKSPACE\n  enable_baseten_workdir: true\n", "")
DEFAULTS = "apiVersion: baseten-jobs/v1\nkind: TrainingJobDefaults\n"
HEIR = PLAIN.replace("metadata:", "extends: base.yaml\nmetadata:")
POLICY = "apiVersion: baseten-jobs/v1\nkind: Policy\n"
FIRST = PLAIN.replace("name: train", "name: pretrain") + "  checkpointing: {enabled: true}\n"


def _after(name: str, more: str = "", own: str = "train") -> str:
    """A manifest that loads the newest checkpoint of another."""
    entry = f"{{typ: baseten_latest_checkpoint, manifest: {name}{more}}}"
    loaded = f"    load: {{enabled: true, checkpoints: [{entry}]}}\n"
    return FIRST.replace("pretrain", own).replace("{enabled: true}\n", f"\n    enabled: true\n{loaded}")


BODY = '{"training_job": {"name": "train", "image": {"base_image": "i:1"}, "runtime": {"start_commands": ["go"]}}}'
PYTHON = """\
from truss_train import definitions as d
runtime = d.Runtime(start_commands=["go"])
project = d.TrainingProject(name="demo", job=d.TrainingJob(image=d.Image(base_image="i:1"), runtime=runtime))
"""

SWEEP = """\
from truss_train import definitions as d, push
for lr in ("1", "2"):
    runtime = d.Runtime(start_commands=[f"go {lr}"])
    push(d.TrainingProject(name="demo", job=d.TrainingJob(image=d.Image(base_image="i:1"), runtime=runtime)))
"""

Prepare = Callable[[Path, pytest.MonkeyPatch], object]


def _failing_client(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """An interpreter that has the client, and in which a config fails."""
    script = folder / "python"
    script.write_text('#!/bin/sh\n[ "$2" = -c ] && exit 0\necho "ValueError: no such dataset" >&2\nexit 1\n')
    script.chmod(0o755)


def _untouched(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Leave the folder as its files make it."""


@dataclass(frozen=True)
class Case:
    """A command in a folder that holds these files, after something was done to it; perhaps before a provider."""

    command: str
    files: Mapping[str, str] = field(default_factory=lambda: {"train.yaml": PLAIN})
    prepare: Prepare = _untouched
    online: bool = False


def _of_tree(workspace: str = ".", prepare: Prepare = _untouched, files: Mapping[str, str] | None = None) -> Case:
    """A manifest beside its code, whose workspace is as given."""
    return Case("validate .", {**CODE, **(files or {}), "train.yaml": GOOD.replace("WORKSPACE", workspace)}, prepare)


def _in_git(prepare: Prepare, workspace: str = ".", files: Mapping[str, str] | None = None) -> Case:
    """The same in a checkout in which all of it is committed before something is done to it."""

    def prepared(folder: Path, patch: pytest.MonkeyPatch) -> None:
        commit(folder)
        prepare(folder, patch)

    return _of_tree(workspace, prepared, files)


def _python(text: str, prepare: Prepare = _untouched) -> Case:
    return Case("import truss config.py", {"config.py": text}, prepare)


def _request(text: str) -> Case:
    return Case("import request body.txt --project demo", {"body.txt": text})


def _locked_away(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """A link to nothing: unlike permissions it stops root too."""
    (folder / "train.yaml").unlink()
    (folder / "train.yaml").symlink_to("nowhere")


def _applied(folder: Path, patch: pytest.MonkeyPatch) -> None:
    from baseten_jobs.cli.main import run
    from tests.support.world import StandingClock

    assert run(["apply", "--yes", "--settle", "0", "train.yaml"], StandingClock()) == 0
    path = folder / "train.yaml"
    path.write_text(path.read_text().replace("project: demo", "project: Demo"))


def _committed(folder: Path, patch: pytest.MonkeyPatch) -> None:
    commit(folder)


def _linked_out(folder: Path, text: str) -> None:
    (folder.parent / "policy.yaml").write_text(text)
    (folder / "policy.yaml").symlink_to("../policy.yaml")


def _large(folder: Path, patch: pytest.MonkeyPatch) -> None:
    with open(folder / "train.yaml", "wb") as file:
        file.truncate(20 << 20)


def _converted(folder: Path, patch: pytest.MonkeyPatch) -> None:
    (folder / "train.py").write_bytes(b"LR = 1\r\n")
    (folder / ".gitattributes").write_text("*.py text\n")
    commit(folder)


ADOPTS = "{name: train, project: demo, adopts: {job: wfmmjzx, digest: 2f96f1a5dba5}}"
SECRET = "{start_commands: [go], environment_variables: {HF_TOKEN: {name: hf_acess_token}}}"

CASES: dict[str, Case] = {
    "missing-path": Case("validate spec"),
    "unreadable": Case("validate .", prepare=_locked_away),
    "too-large": Case("validate train.yaml", prepare=_large),
    "defaults": Case("validate train.yaml", {"train.yaml": HEIR}),
    "defaults.what-is-no-path": Case("validate .", {"train.yaml": HEIR.replace("base.yaml", "[base.yaml]")}),
    "defaults.another-kind": Case("validate .", {"train.yaml": HEIR, "base.yaml": PLAIN}),
    "defaults.several-documents": Case(
        "validate train.yaml", {"train.yaml": HEIR, "base.yaml": f"{DEFAULTS}---\n{DEFAULTS}"}
    ),
    "defaults.another-version": Case(
        "validate train.yaml", {"train.yaml": HEIR, "base.yaml": DEFAULTS.replace("jobs/v1", "jobs/v2")}
    ),
    "defaults.itself": Case(
        "validate .",
        {
            "train.yaml": HEIR,
            "base.yaml": f"{DEFAULTS}extends: b.yaml\n",
            "b.yaml": f"{DEFAULTS}extends: ./base.yaml\n",
        },
    ),
    "defaults.too-deep": Case(
        "validate .",
        {"train.yaml": HEIR, "base.yaml": f"{DEFAULTS}extends: 2.yaml\n", "5.yaml": DEFAULTS}
        | {f"{n}.yaml": f"{DEFAULTS}extends: {n + 1}.yaml\n" for n in (2, 3, 4)},
    ),
    "defaults.a-link": Case(
        "validate train.yaml",
        {"train.yaml": HEIR, "other.yaml": DEFAULTS},
        lambda folder, patch: (folder / "base.yaml").symlink_to("other.yaml"),
    ),
    "defaults.outside-without-git": Case(
        "validate specs/a/train.yaml",
        {"specs/a/train.yaml": HEIR.replace("base.yaml", "../../../base.yaml"), "../base.yaml": DEFAULTS},
    ),
    "defaults.in-git-folder": Case(
        "validate .",
        {"train.yaml": HEIR.replace("base.yaml", ".git/base.yaml"), ".git/base.yaml": DEFAULTS},
        lambda folder, patch: git(folder, "init", "-q"),
    ),
    "defaults.of-another-ending": Case(
        "validate train.yaml", {"train.yaml": HEIR.replace("base.yaml", "base.txt"), "base.txt": DEFAULTS}
    ),
    "defaults.outside": Case(
        "validate specs",
        {"specs/train.yaml": HEIR.replace("base.yaml", "../../base.yaml"), "../base.yaml": DEFAULTS},
        lambda folder, patch: git(folder, "init", "-q"),
    ),
    "yaml-syntax.of-a-base": Case(
        "validate .", {"train.yaml": HEIR, "more.yaml": HEIR, "base.yaml": f"{DEFAULTS}spec: [\n"}
    ),
    "type.of-a-base": Case(
        "validate .", {"train.yaml": HEIR, "base.yaml": f"{DEFAULTS}spec: {{compute: {{node_count: two}}}}\n"}
    ),
    "unknown-field.of-a-base": Case(
        "validate .", {"train.yaml": HEIR, "base.yaml": f"{DEFAULTS}metadata: {{name: x}}\nspec: {{imge: {{}}}}\n"}
    ),
    "minimum.of-a-base": Case(
        "validate .",
        {f"{n}.yaml": HEIR.replace("train", f"train-{n}") for n in range(3)}
        | {"base.yaml": f"{DEFAULTS}spec: {{compute: {{node_count: 0, accelerator: H10}}}}\n"}
        | {"low.yaml": HEIR.replace("train", "low").replace("  image:", "  compute: {node_count: 1}\n  image:")},
    ),
    "unused-defaults": Case("validate .", {"train.yaml": PLAIN, "base.yaml": DEFAULTS}),
    "checkpoint-target": Case(
        "validate .", {"a.yaml": _after("pretrain", ", job_id: p7qr9qv, project_name: demo"), "b.yaml": FIRST}
    ),
    "checkpoint-target.of-render": Case(
        "validate .", {"a.yaml": _after("null", ", job_id: '<job of pretrain--2f96f1a5dba5>'")}
    ),
    "checkpoint-target.of-none": Case("validate .", {"a.yaml": _after("null", ", job_id: p7qr9qv, project: demo")}),
    "unknown-manifest": Case("validate .", {"a.yaml": _after("pretrian"), "b.yaml": FIRST}),
    "unknown-manifest.of-a-project": Case(
        "validate .", {"a.yaml": _after("pretrain", ", project: x"), "b.yaml": FIRST}
    ),
    "unknown-manifest.renamed": Case(
        "validate .", {"a.yaml": _after("begin"), "b.yaml": FIRST.replace("project:", "renamed_from: begin, project:")}
    ),
    "unknown-manifest.with-errors": Case(
        "validate specs/a/train.yaml",
        {"specs/a/train.yaml": _after("pretrain"), "specs/b.yaml": FIRST + "  priority: high\n"},
    ),
    "unknown-manifest.that-is-no-YAML": Case(
        "validate specs/a/train.yaml", {"specs/a/train.yaml": _after("pretrain"), "specs/b.yaml": FIRST + "---\n{\n"}
    ),
    "unknown-manifest.of-some-cells": Case(
        "validate .",
        {
            "a.yaml": _after("'pretrain-${{ matrix.s }}'", own="'x-${{ matrix.s }}'").replace(
                "metadata:", "matrix: {s: [1, 2, 3]}\nmetadata:"
            ),
            "b.yaml": FIRST.replace("pretrain", "pretrain-2"),
        },
    ),
    "ambiguous-manifest": Case(
        "validate .", {"a.yaml": _after("pretrain"), "b.yaml": FIRST, "c.yaml": FIRST.replace("demo", "other")}
    ),
    "chain-without-checkpoints": Case(
        "validate .", {"a.yaml": _after("pretrain"), "b.yaml": FIRST.replace("true", "false")}
    ),
    "chain-cycle": Case("validate .", {"a.yaml": _after("train")}),
    "chain-cycle.of-three": Case(
        "validate specs/a.yaml",
        {
            "specs/a.yaml": _after("first"),
            "specs/b.yaml": f"{_after('second', own='first')}---\n{_after('third', own='second')}",
            "specs/c.yaml": _after("first", own="third"),
        },
    ),
    "override.of-a-name": Case("validate . --set trian:spec.priority=5"),
    "override.of-a-glob": Case("validate . --set 'trian*:spec.priority=5'"),
    "override.of-a-place": Case("validate . --set 'train:spec.weights[2].source=s3://a/b'"),
    "override.that-is-no-YAML": Case("validate . --set 'train:spec.priority=[5'"),
    "type.of-an-override": Case("validate . --set train:spec.priority=high"),
    "unknown-name": Case("plan . --retry-failed trian", online=True),
    "unknown-name.of-a-glob": Case("plan . --retry-failed 'trian*' --create 'eval-?'", online=True),
    "project": Case("plan .", prepare=_applied, online=True),
    "adopts": Case("plan .", {"train.yaml": PLAIN.replace("{name: train, project: demo}", ADOPTS)}, online=True),
    "secret": Case("plan .", {"train.yaml": PLAIN.replace("{start_commands: [python train.py]}", SECRET)}, online=True),
    "workspace-root": _of_tree("sorce"),
    "workspace-root.in-git-folder": _in_git(_untouched, ".git"),
    "workspace-outside": _of_tree(".."),
    "workspace-outside.only-asked-for": _of_tree("{root: .., outside: true}"),
    "workspace-pattern": _of_tree("{exclude: ['!']}"),
    "workspace-pattern.that-fits-no-name": _of_tree("{exclude: ['data[']}"),
    "workspace-include": _of_tree("{include: [dta/tokens.bin]}"),
    "workspace-external": _of_tree("{external: [lib]}"),
    "workspace-empty": _of_tree("{exclude: ['*']}"),
    "workspace-empty.but-for-our-own-files": Case(
        "validate .", {"train.yaml": GOOD.replace("WORKSPACE", ".").replace("python train.py", "go")}
    ),
    "workspace-size": _of_tree(
        prepare=lambda folder, patch: patch.setattr("baseten_jobs.workspace.pack.MAX_BYTES", 10_000)
    ),
    "workspace-file": _of_tree(prepare=lambda folder, patch: (folder / "data").symlink_to("/data")),
    "workspace-git": _in_git(lambda folder, patch: patch.setenv("PATH", "/nowhere")),
    "workspace-lfs": _of_tree(
        files={"model.bin": f"version https://git-lfs.github.com/spec/v1\noid sha256:{'a' * 64}\nsize 12345\n"}
    ),
    "workspace-locked": _of_tree(files={"key.json": "\0GITCRYPT\0" + "x" * 40}),
    "workspace-secret": _of_tree(files={"login.py": f"import hub\nhub.login('hf_{'aB3' * 12}')\n"}),
    "workspace-untracked": _in_git(lambda folder, patch: (folder / "new.py").touch()),
    "workspace-absent": _in_git(lambda folder, patch: (folder / "lib/layers.py").unlink()),
    "workspace-converted": _in_git(_converted),
    "workspace-withheld": _in_git(_untouched, files={"conf/.env": "A=b\n"}),
    "workspace-link": _of_tree(prepare=lambda folder, patch: (folder / "last.py").symlink_to("none.py")),
    "workspace-workdir": Case(
        "validate .", {**CODE, "train.yaml": GOOD.replace("WORKSPACE\n  enable_baseten_workdir: true", ".")}
    ),
    "workspace-workdir.set-to-false": Case(
        "validate .", {**CODE, "train.yaml": GOOD.replace("WORKSPACE", ".").replace("true", "false")}
    ),
    "file-left-behind": Case("validate .", {**CODE, "train.yaml": PLAIN}),
    "file-left-behind.below-a-folder": Case("validate specs", {**CODE, "specs/train.yaml": PLAIN}, _committed),
    "file-left-behind.excluded": _of_tree("{exclude: [train.py]}"),
    "file-left-behind.outside": Case("validate .", {**CODE, "train.yaml": GOOD.replace("WORKSPACE", "lib")}),
    "file-left-behind.nowhere": Case(
        "validate .",
        {
            **CODE,
            "train.yaml": GOOD.replace("WORKSPACE", ".").replace("[python train.py]", "[bash go.sh, python layers.py]"),
        },
    ),
    "policy-rule": Case("validate .", {"policy.yaml": POLICY + "rules: {mutable-imag: error, minimum: ignore}\n"}),
    "policy-rule.of-a-manifest": Case("validate .", {"train.yaml": PLAIN + "policy: {allow: [mutable-imag, enum]}\n"}),
    "policy-lowered": Case(
        "validate team/a.yaml",
        {
            "policy.yaml": POLICY + "rules: {mutable-image: error, no-start-command: error}\n",
            "team/policy.yaml": POLICY + "rules: {mutable-image: ignore, no-start-command: error}\n",
            "team/a.yaml": PLAIN + "policy: {allow: [no-start-command, long-name]}\n",
        },
        _committed,
    ),
    "policy-limit": Case(
        "validate team",
        {
            "policy.yaml": POLICY + "limits: {gpus_per_job: 8, checkpointing: required, accelerators: [H100, H200]}\n",
            "team/policy.yaml": POLICY + "limits: {gpus_per_job: 32, accelerators: [H200, B200]}\n",
            "team/a.yaml": PLAIN + "  compute: {node_count: 2, accelerator: H100:8}\n",
        },
        _committed,
    ),
    "policy-place": Case(
        "validate .", prepare=lambda folder, patch: _linked_out(folder, POLICY + "limits: {gpus_per_job: 8}\n")
    ),
    "policy-place.of-another-file": Case("validate policy.txt", {"policy.txt": POLICY}),
    "duplicate-policy": Case("validate train.yaml", {"train.yaml": PLAIN, "a.yaml": POLICY, "b.yml": POLICY}),
    "mutable-image.by-a-Policy": Case(
        "validate --strict .",
        {
            "policy.yaml": POLICY + "rules: {mutable-image: error, no-start-command: ignore}\n",
            "a.yaml": PLAIN.replace("i:1", "i").replace("[python train.py]", "[]"),
        },
    ),
    "mutable-image.allowed": Case(
        "validate --strict .", {"a.yaml": PLAIN.replace("i:1", "i") + "policy: {allow: [mutable-image]}\n"}
    ),
    "enum.of-a-Policy": Case("validate .", {"p.yaml": POLICY + "rules: {mutable-image: off, long-name: errors}\n"}),
    "yaml-syntax.of-a-Policy-above": Case(
        "validate a", {"p.yaml": POLICY + "limits: {\n", "a/b.yaml": PLAIN}, _committed
    ),
    "not-a-request": _request("an e-mail\n"),
    "not-a-request.without-a-body": _request("curl https://api.baseten.co/v1/training_projects/p/jobs\n"),
    "json-syntax": _request('{"training_job": {},}'),
    "shell-syntax": _request("curl https://api.baseten.co/v1/training_projects/p/jobs --data '{}\n"),
    "workspace": _request(BODY.replace('{"name"', '{"workspace": {"workspace_root": "/home/ada"}, "name"')),
    "artifacts": _request(BODY.replace('{"start', '{"artifacts": [{"s3_key": "a"}], "start')),
    "project.of-an-import": Case("import request body.txt", {"body.txt": BODY}),
    "python-syntax": _python("project = 1\n\0"),
    "no-project": _python("".join(PYTHON.splitlines(keepends=True)[:2])),
    "environment-default": Case(
        "import truss config.py --defaults",
        {"config.py": "import os\n" + PYTHON.replace('"go"', "f\"go --lr {os.environ.get('LR', '1e-5')}\"")},
    ),
    "external-inside": Case(
        "import truss config.py --out specs",
        {
            "src/a.py": "",
            "config.py": PYTHON.replace(
                "runtime=runtime", 'runtime=runtime, workspace=d.Workspace(workspace_root=".", external_dirs=["src"])'
            ),
        },
        lambda folder, patch: commit(folder),
    ),
    "truss-ignore": Case(
        "import truss . --out specs",
        {"config.py": PYTHON, ".truss_ignore": "data/\n"},
        lambda folder, patch: commit(folder),
    ),
    "not-run": Case("import truss config.py --run --yes --python ./python", {"config.py": PYTHON}, _failing_client),
    "own-error": Case(
        "import truss config.py --env GPU_COUNT=3",
        {"config.py": PYTHON + 'import os\nassert int(os.environ["GPU_COUNT"]) in (1, 2, 4, 8), "1, 2, 4 or 8 GPUs"\n'},
    ),
    "several-jobs": Case(
        "import truss config.py --out specs",
        {"config.py": SWEEP.replace("    push(", "    project = (").replace(", push", "")},
        lambda folder, patch: commit(folder),
    ),
    "guard-not-known": _python('import shutil\nif not shutil.which("git"):\n    raise OSError("no git")\n' + PYTHON),
    "projects": _python(PYTHON + 'second = d.TrainingProject(name="other", job=project.job)\n'),
    "not-constant": _python(PYTHON.replace('"i:1"', "get_image()")),
    "too-costly": _python(
        PYTHON, lambda folder, patch: patch.setattr("baseten_jobs.importing.truss.confined._MAX_ANSWER", 10)
    ),
    "confined": _python(PYTHON, lambda folder, patch: patch.setattr(sys, "executable", "/nowhere/python")),
    "name-taken": Case(
        "import truss jobs --out specs",
        {"jobs/a/config.py": SWEEP, "jobs/b/config.py": SWEEP},
        lambda folder, patch: commit(folder),
    ),
    "exists": Case("import request body.txt --project demo --out train.yaml", {"body.txt": BODY, "train.yaml": PLAIN}),
    "unwritable": Case(
        "import request body.txt --project demo --out link.yaml",
        {"body.txt": BODY},
        lambda folder, patch: (folder / "link.yaml").symlink_to("/etc/baseten-jobs.yaml"),
    ),
}


@contextmanager
def _provider(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[None]:
    """An embedded API over HTTP, with no job and one secret."""
    with serving(Settings(folder / "provider.db", secrets=("hf_access_token",))) as url:
        patch.setenv("BASETEN_BASE_URL", url)
        patch.setenv("BASETEN_API_KEY", "k")
        yield


_DIAGNOSTIC = re.compile(r" \[[A-Za-z-]+\]$", re.M)


def _shown(case: Case, folder: Path, called: Cli) -> str:
    """The command, its lines up to and with the last diagnostic, and its exit code."""
    ran = called(*shlex.split(case.command))
    lines = [line for line in (ran.out + ran.err).splitlines() if _DIAGNOSTIC.search(line)]
    text = "\n".join([f"$ baseten-jobs {case.command}", *lines, f"exit {ran.code}"]) + "\n"
    return text.replace(str(folder), "FOLDER")


@pytest.mark.usefixtures("nothing_set")
@pytest.mark.parametrize("name", CASES)
def test_a_rule_is_told_as_its_golden_says(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, called: Cli, golden: Golden
) -> None:
    case, folder = CASES[name], tmp_path / "work"
    write(folder, case.files)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    if case.online:
        with _provider(tmp_path, monkeypatch):
            case.prepare(folder, monkeypatch)
            shown = _shown(case, tmp_path, called)
    else:
        case.prepare(folder, monkeypatch)
        shown = _shown(case, tmp_path, called)
    golden.text(SHOWN / f"{name}.out", shown)


def _in(goldens: Iterable[Path]) -> set[str]:
    return {rule for path in goldens for rule in re.findall(r" \[([A-Za-z-]+)\]$", path.read_text("utf-8"), re.M)}


def test_each_golden_is_of_a_case_and_shows_the_rule_that_it_is_named_by() -> None:
    assert {path.stem for path in SHOWN.iterdir()} == set(CASES)
    assert [path.stem for path in SHOWN.iterdir() if _in([path]) != {path.stem.partition(".")[0]}] == []


def test_every_rule_has_a_golden_that_shows_it() -> None:
    assert _in(BAD.glob("*.out")) | _in(SHOWN.glob("*.out")) == set(rules())
