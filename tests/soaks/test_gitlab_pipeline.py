"""The pipeline that `init` prints for GitLab, whole, where there is what runs one."""

import shutil

import pytest

from tests.soaks import gitlab_pipeline

MISSING = [each for each in gitlab_pipeline.NEEDS if not shutil.which(each)]


@pytest.mark.slow
@pytest.mark.skipif(bool(MISSING), reason=f"not here: {', '.join(MISSING)}")
def test_each_run_of_the_pipeline_is_as_it_must_be() -> None:
    assert gitlab_pipeline.run("gitlab-ci-local") == []


def test_without_it_the_script_says_what_is_missing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    gitlab_pipeline.main([])
    said = capsys.readouterr().out.splitlines()
    assert said == [f"skipped: {each} is not here: {how}" for each, how in gitlab_pipeline.NEEDS.items()]
