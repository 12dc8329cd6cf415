"""A walk through a folder: manifests of ours are read wherever they lie in it, and what is others' is passed over."""

import os
from pathlib import Path

import pytest

from tests.support.commands import Cli, called, nothing_set
from tests.support.repository import git
from tests.support.runner import GOOD

__all__ = ["called", "nothing_set"]

NOTHING_WRONG = "1 manifest: no problems\n"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write("specs/a.yaml", job("a"))


def job(name: str) -> str:
    return GOOD.replace("sft", name)


def write(path: str, text: str | bytes) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_bytes(text if isinstance(text, bytes) else text.encode())


def note(count: str) -> str:
    return f"note: passed over {count} without an `apiVersion` of ours; `validate -v` lists them\n"


OTHERS: dict[str, str | bytes] = {
    "axolotl.yaml": "base_model: Qwen/Qwen3-8B\ndatasets: [{path: a, type: alpaca}]\n",
    "accelerate.yml": "compute_environment: LOCAL_MACHINE\n",
    "wandb/run-1/files/config.yaml": "wandb_version: 1\n_wandb: {value: {}}\n",
    "k8s/service.yaml": "apiVersion: v1\nkind: Service\n",
    "sagemaker.yaml": "apiVersion: sagemaker.services.k8s.aws/v1alpha1\nkind: TrainingJob\n",
    "kyverno.yaml": "apiVersion: kyverno.io/v1\nkind: Policy\n",
    "chart.yaml": "apiVersion: v1\nkind: {{ .Values.kind }}\n",
    "cloudformation.yaml": "Resources: !Ref a\n",
    "tabs.yaml": "a:\n\t- b\n",
    "twice.yaml": "kind: 1\nkind: 2\n",
    "a-list.yaml": "- 1\n- 2\n",
    "empty.yaml": "",
    "latin.yaml": "name: gr\xfc\xdfe\n".encode("latin-1"),
    "data.yaml": b"\0\1\2",
    "large.yaml": b"a: " + b"x" * (1 << 20),
    "conflict.yaml": "<<<<<<< HEAD\na: 1\n=======\na: 2\n>>>>>>> b\n",
    "ours/of.YAML": "learning_rate: 1\n",
}


def test_yaml_of_other_tools_is_passed_over_with_one_note(called: Cli) -> None:
    for path, text in OTHERS.items():
        write(f"specs/{path}", text)
    for command in ("validate", "render"):
        ran = called(command, "--strict")
        assert (ran.code, ran.err) == (0, note(f"{len(OTHERS)} YAML files"))
    told = called("validate", "-v")
    assert (told.code, told.out) == (0, NOTHING_WRONG)
    assert told.err.splitlines() == [f"passed over: specs/{path}" for path in sorted(OTHERS)]


@pytest.mark.parametrize("path", [path for path in OTHERS if path != "large.yaml"])
def test_a_file_that_is_named_outright_is_ours(path: str, called: Cli) -> None:
    write(f"specs/{path}", OTHERS[path])
    assert called("validate", f"specs/{path}").code == 1
    assert called("validate", "specs", f"specs/{path}").code == 1
    assert called("validate", f"specs/{path}", "specs").code == 1


MEANT = {
    "an apiVersion that is nearly ours": job("b").replace("baseten-jobs/v1", "basten-jobs/v1"),
    "a later version": job("b").replace("baseten-jobs/v1", "baseten-jobs/v2"),
    "another spelling of the field": job("b").replace("apiVersion", "api_version"),
    "a kind of ours alone": job("b").replace("apiVersion: baseten-jobs/v1\n", ""),
    "a kind that is nearly ours alone": "kind: TrainingJobs\n",
    "a Policy without a version": "kind: Policy\nlimits: {gpus_per_job: 8}\n",
    "no YAML, with our apiVersion": f"{job('b')}\t- a\n",
    "a conflict": f"<<<<<<< HEAD\n{job('b')}=======\n>>>>>>> b\n",
    "not UTF-8, with our apiVersion": f"# gr\xfc\xdfe\n{job('b')}".encode("latin-1"),
    "too large, with our apiVersion": job("b").encode() + b"#" * (1 << 20),
    "a document beside one of ours that declares nothing": f"{job('b')}---\na: 1\n",
}


@pytest.mark.parametrize("name", MEANT)
@pytest.mark.parametrize("file", ["b.yaml", "b.YML"])
def test_what_is_meant_to_be_ours_is_an_error(name: str, file: str, called: Cli) -> None:
    write(f"specs/{file}", MEANT[name])
    ran = called("validate")
    assert (ran.code, ran.err) == (1, "")
    assert f"specs/{file}:" in ran.out


def test_documents_of_others_in_a_file_of_ours_are_passed_over(called: Cli) -> None:
    write("specs/b.yaml", f"apiVersion: v1\nkind: ConfigMap\n---\n{job('b')}---\nkind: Other\n")
    ran = called("validate")
    assert (ran.code, ran.out, ran.err) == (0, "2 manifests: no problems\n", note("2 YAML files"))
    assert called("validate", "-v").err == "passed over: specs/b.yaml:12:1\npassed over: specs/b.yaml:1:1\n"
    assert called("validate", "specs/b.yaml").code == 1


def test_a_folder_in_which_nothing_is_ours_is_an_error(called: Cli) -> None:
    Path("specs/a.yaml").unlink()
    write("specs/axolotl.yaml", "a: 1\n")
    ran = called("validate")
    assert (ran.code, ran.err) == (1, note("1 YAML file"))
    assert ran.out.startswith("specs:1:1: error: there is no manifest in this folder: none of its 1 YAML file has our")


# Endings and links


@pytest.mark.parametrize("name", ["B.YAML", "b.Yml", "b.yMl"])
def test_an_ending_in_capitals_is_one(name: str, called: Cli) -> None:
    write(f"specs/{name}", job("b"))
    assert called("validate", "--strict").out == "2 manifests: no problems\n"


def test_a_linked_folder_is_read_once(called: Cli) -> None:
    write("shared/deep/b.yaml", job("b"))
    for link, target in {"team": "../shared", "again": "../shared/deep", "self": ".", "up": "..", "gone": "x"}.items():
        Path("specs", link).symlink_to(target)
    Path("shared/deep/round").symlink_to("..")
    ran = called("validate", "--strict")
    assert (ran.code, ran.out, ran.err) == (0, "2 manifests: no problems\n", "")
    assert called("validate", "specs", "shared").out == "2 manifests: no problems\n"


def test_a_link_to_a_link_is_followed(called: Cli) -> None:
    write("elsewhere/b.yaml", job("b"))
    write("shared/c.yaml", job("c"))
    Path("shared/more").symlink_to("../elsewhere")
    Path("specs/team").symlink_to("../shared")
    assert called("validate").out == "3 manifests: no problems\n"


@pytest.mark.parametrize("target", ["../shared", "../.hidden"])
def test_a_link_out_of_the_repository_or_into_what_is_hidden_is_not_followed(target: str, called: Cli) -> None:
    write("shared/b.yaml", job("b"))
    write("specs/.hidden/b.yaml", job("b"))
    Path("specs/.git").mkdir()
    Path("specs/sub").mkdir()
    Path("specs/sub/team").symlink_to(f"../{target}" if target == "../shared" else target)
    ran = called("validate", "-v")
    outside = "passed over: specs/sub/team, a link that leads out of the repository\n"
    assert (ran.out, ran.err) == (NOTHING_WRONG, outside if target == "../shared" else "")


def test_a_file_that_links_to_another_is_read_once(called: Cli) -> None:
    Path("specs/z.yaml").symlink_to("a.yaml")
    assert called("validate").out == NOTHING_WRONG


def test_what_can_not_be_read_is_told(called: Cli) -> None:
    os.mkfifo("specs/pipe.YAML")
    Path("specs/gone.yaml").symlink_to("nowhere.yaml")
    lines = called("validate").out.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["specs/gone.yaml", "specs/pipe.YAML", "1 manifest"]


def test_a_pattern_that_no_shell_expanded_is_told_so(called: Cli) -> None:
    told = "specs/*.yaml:1:1: error: there is no such file or folder; a pattern is left to the shell; name the folder"
    assert told in called("validate", "specs/*.yaml").out


# git


@pytest.fixture
def checkout() -> None:
    git(Path(), "init", "--quiet", "-b", "main")
    git(Path(), "add", "specs")
    git(Path(), "commit", "--quiet", "-m", "one")


@pytest.mark.usefixtures("checkout")
def test_what_git_ignores_is_not_read(called: Cli) -> None:
    write(".gitignore", "/specs/out/\n*.local.yaml\n")
    for path in ("specs/out/b.yaml", "specs/c.local.yaml", "specs/out/deep/er.yaml"):
        write(path, job("b"))
    write("specs/sub/.gitignore", "*\n!kept.yaml\n")
    write("specs/sub/kept.yaml", job("kept"))
    write("specs/sub/other.yaml", job("other"))
    ran = called("validate")
    assert (ran.out, ran.err) == ("2 manifests: no problems\n", "")
    assert called("validate", "specs", "specs/c.local.yaml").out == "3 manifests: no problems\n"
    git(Path(), "add", "--force", "specs/c.local.yaml")
    assert called("validate").out == "3 manifests: no problems\n"


@pytest.mark.usefixtures("checkout")
def test_what_git_ignores_behind_a_link_is_not_read(called: Cli) -> None:
    write(".gitignore", "/shared/\n")
    write("shared/b.yaml", job("b"))
    Path("specs/team").symlink_to("../shared")
    assert called("validate").out == NOTHING_WRONG


@pytest.mark.usefixtures("checkout")
def test_a_folder_that_is_ignored_as_a_whole_is_read_where_it_is_named(called: Cli) -> None:
    write(".gitignore", "/out/\n*.local.yaml\n")
    write("out/deep/b.yaml", job("b"))
    write("out/c.local.yaml", job("c"))
    assert called("validate", ".").out == NOTHING_WRONG
    assert called("validate", "out").out == "2 manifests: no problems\n"
    assert called("validate", "out/deep").out == NOTHING_WRONG
    assert called("validate", "specs", "out").out == "3 manifests: no problems\n"


@pytest.mark.usefixtures("checkout")
def test_another_repository_within_has_its_own_rules(called: Cli) -> None:
    write("specs/inner/b.yaml", job("b"))
    git(Path("specs/inner"), "init", "--quiet")
    write("specs/inner/.gitignore", "c.yaml\n")
    write("specs/inner/c.yaml", job("c"))
    assert called("validate").out == "2 manifests: no problems\n"


@pytest.mark.usefixtures("checkout")
def test_the_last_manifest_of_a_folder_that_holds_other_yaml_is_gone(called: Cli) -> None:
    write("specs/axolotl.yaml", "a: 1\n")
    git(Path(), "add", "specs")
    git(Path(), "commit", "--quiet", "-m", "two")
    git(Path(), "rm", "--quiet", "specs/a.yaml")
    git(Path(), "commit", "--quiet", "-m", "three")
    for command in (["validate"], ["render"], ["plan", "--local"], ["apply", "--local", "--yes"]):
        ran = called(*command)
        assert ran.code == 0, (command, ran)
        assert "specs: no manifest is left here" in ran.err


@pytest.mark.usefixtures("checkout")
def test_a_folder_that_never_held_a_manifest_is_an_error(called: Cli) -> None:
    write("other/axolotl.yaml", "a: 1\n")
    git(Path(), "add", "other")
    git(Path(), "commit", "--quiet", "-m", "two")
    assert called("validate", "other").code == 1
