"""Manifests that load the checkpoints of others' jobs: which ones are found, and what their digests hold."""

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baseten_jobs.compilation import Compiled, compile_all
from baseten_jobs.job.request import JobRequest
from baseten_jobs.manifest.inputs import Inputs
from baseten_jobs.manifest.overrides import parse_override

HEAD = "apiVersion: baseten-jobs/v1\nkind: TrainingJob\n"


def stage(name: str, after: str = "", *, metadata: str = "", image: str = "i:1", more: str = "") -> str:
    """A manifest that keeps checkpoints, and begins with the newest of the manifest `after`."""
    project = "" if "project" in metadata else ", project: demo"
    entry = f"{{typ: baseten_latest_checkpoint, manifest: {after}}}"
    load = f"    load: {{enabled: true, checkpoints: [{entry}]}}\n" if after else ""
    return (
        f"{HEAD}metadata: {{name: {name}{project}{metadata}}}\nspec:\n  image: {{base_image: '{image}'}}\n"
        "  runtime: {start_commands: [python train.py]}\n  checkpointing:\n    enabled: true\n"
        f"{load}{more}"
    )


def compiled(text: str, *overrides: str) -> Compiled:
    made = compile_all(Inputs(["-"], overrides=tuple(map(parse_override, overrides))), io.BytesIO(text.encode()))
    assert made.valid, made.diagnostics
    return made


def second(first: str, text: str = "", *overrides: str) -> JobRequest:
    """The request of the manifest that comes after `first`."""
    return compiled(f"{first}---\n{text or stage('b', 'a')}", *overrides).requests[1]


BEFORE = second(stage("a"))


@pytest.mark.parametrize(
    "first",
    [
        stage("a", image="i:2"),
        stage("a", metadata=", attempt: 2"),
        stage("a", more="  compute: {node_count: 2}\n"),
    ],
    ids=["the-image", "the-attempt", "the-size"],
)
def test_a_changed_first_stage_means_a_changed_second(first: str) -> None:
    assert second(first).digest != BEFORE.digest


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (stage("x"), stage("b", "x")),
        (stage("a", metadata=", project_id: p1"), ""),
        (stage("a", metadata=", project: other, team: t"), stage("b", "a, project: other")),
        (stage("a", metadata=", adopts: {job: wfmmjzx, digest: 2f96f1a5dba5}"), ""),
        (stage("a", metadata=", renamed_from: old"), ""),
        (stage("a", more="policy: {suspend: true, on_change: stop}\n"), ""),
        (stage("a", more="  priority: 7\n"), ""),
    ],
    ids=["renamed", "by-id", "elsewhere", "adopted", "with-a-former-name", "suspended", "with-a-priority"],
)
def test_what_does_not_make_the_first_another_run_does_not_make_the_second_one(first: str, then: str) -> None:
    assert second(first, then).digest == BEFORE.digest


def test_the_digest_of_a_chain_never_moves() -> None:
    """A moved digest buys every job again: these are frozen for ever."""
    requests = compiled("---\n".join((stage("a"), stage("b", "a"), stage("c", "b")))).requests
    assert [request.digest for request in requests] == FROZEN


FROZEN = [
    "c234d47367a40b385a52fa80c2d2d6c5e7c1fd34f2492e8b7b310e874eeab0d4",
    "7516044ac0ed31d3616f1bd440e174d26601f18a014e7a183fe04f2bd652c98b",
    "0ddae0ea61379c1d6e6560cb923021df19d269ae1a0a555773d609f933eaca26",
]


def test_the_body_says_whose_job_is_loaded_until_that_is_known() -> None:
    def loaded(request: JobRequest) -> object:
        return request.body["training_job"]["runtime"]["load_checkpoint_config"]["checkpoints"]

    name = BEFORE.upstreams[0].identity.job_name
    assert loaded(BEFORE) == [{"typ": "baseten_latest_checkpoint", "job_id": f"<job of {name}>"}]
    assert loaded(BEFORE.loading({0: "wfmmjzx"})) == [{"typ": "baseten_latest_checkpoint", "job_id": "wfmmjzx"}]


@given(st.permutations(range(6)))
def test_a_chain_has_the_same_digests_in_any_order(order: list[int]) -> None:
    stages = [stage(f"s{n}", f"s{n - 1}" if n else "") for n in range(6)]
    found = {r.name: r.digest for r in compiled("---\n".join(stages[n] for n in order)).requests}
    assert found == {r.name: r.digest for r in compiled("---\n".join(stages)).requests}


def test_a_chain_may_be_long() -> None:
    stages = [stage(f"s{n}", f"s{n + 1}" if n < 999 else "") for n in range(1000)]
    requests = compiled("---\n".join(stages)).requests
    assert len({request.digest for request in requests}) == 1000


def test_an_option_that_changes_the_first_changes_the_second() -> None:
    set_here = second(stage("a"), "", "a:spec.image.base_image=i:2")
    assert set_here.digest == second(stage("a", image="i:2")).digest


def test_a_cell_names_the_cell_of_another_matrix() -> None:
    def matrix(text: str) -> str:
        return text.replace("metadata:", "matrix: {s: [1, 2]}\nmetadata:")

    first = matrix(stage("'a-${{ matrix.s }}'"))
    then = matrix(stage("'b-${{ matrix.s }}'", "'a-${{ matrix.s }}'"))
    requests = compiled(f"{first}---\n{then}").requests
    assert [[u.name for u in r.upstreams] for r in requests] == [[], [], ["a-1"], ["a-2"]]


@pytest.mark.parametrize("given", ["specs/sft/b.yaml", "specs/sft", "specs", "./specs/sft/b.yaml"])
def test_a_name_is_found_in_the_whole_folder_around_the_paths(
    given: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for path, text in {"specs/pre/a.yaml": stage("a"), "specs/sft/b.yaml": stage("b", "a")}.items():
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_text(text)
    made = compile_all(Inputs([given]), io.BytesIO())
    assert made.valid, made.diagnostics
    digests = {each.request.name: each.request.digest for each in (*made.manifests, *made.upstreams)}
    assert digests == {"a": BEFORE.upstreams[0].digest, "b": BEFORE.digest}
    assert ("a" in [request.name for request in made.requests]) == (given == "specs")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("specs/x/y.yaml", "specs"),
        ("team/specs/x", "team/specs"),
        ("jobs/x/y.yaml", "jobs"),
        ("jobs/x", "jobs"),
        ("y.yaml", "."),
    ],
)
def test_the_folder_around_a_path(given: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from baseten_jobs.manifest.chains.files import folder_around

    monkeypatch.chdir(tmp_path)
    for folder in ("specs/x", "team/specs/x", "jobs/x"):
        (tmp_path / folder).mkdir(parents=True)
    assert folder_around(given) == expected


def test_what_lies_around_is_not_read_if_every_name_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs/ab.yaml").write_text(f"{stage('a')}---\n{stage('b', 'a')}")
    monkeypatch.setattr("baseten_jobs.manifest.chains.files.around", None)
    assert [r.digest for r in compile_all(Inputs(["specs/ab.yaml"]), io.BytesIO()).requests][1] == BEFORE.digest
