"""The pipeline that `init` prints for GitLab, whole, where there is what runs one."""

import shutil
from pathlib import Path

import pytest

from tests.soaks import gitlab_pipeline
from tests.support.commands import Cli, called

__all__ = ["called"]

MISSING = [each for each in gitlab_pipeline.NEEDS if not shutil.which(each)]


@pytest.mark.slow
@pytest.mark.skipif(bool(MISSING), reason=f"not here: {', '.join(MISSING)}")
def test_each_run_of_the_pipeline_is_as_it_must_be() -> None:
    assert gitlab_pipeline.run("gitlab-ci-local") == []


def test_its_manifest_has_no_problem_on_any_number_of_nodes(tmp_path: Path, called: Cli) -> None:
    (tmp_path / "train.py").touch()
    for nodes in (1, 6):
        (tmp_path / "sft.yaml").write_text(gitlab_pipeline.MANIFEST.replace("node_count: 1", f"node_count: {nodes}"))
        assert called("validate", "--strict", str(tmp_path)).code == 0


def test_without_it_the_script_says_what_is_missing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    gitlab_pipeline.main([])
    said = capsys.readouterr().out.splitlines()
    assert said == [f"skipped: {each} is not here: {how}" for each, how in gitlab_pipeline.NEEDS.items()]
