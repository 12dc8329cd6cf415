"""A job that was started without this tool becomes a manifest's own."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from baseten_jobs.planning.plan import Verb
from tests.support.operating import Desk, desk, open_desk
from tests.support.world import World, empty

__all__ = ["desk", "open_desk"]


def started_by_hand(desk: Desk, name: str | None = "qwen-sft", project: str = "Demo") -> str:
    """A job that another client made; its id."""
    with httpx.Client(base_url=desk.url, headers={"Authorization": "Bearer k"}, verify=False) as client:
        made = client.post("/v1/training_projects", json={"training_project": {"name": project}}).json()
        body: dict[str, Any] = {
            "name": name,
            "image": {"base_image": "i:1"},
            "compute": {"accelerator": {"accelerator": "H100", "count": 8}, "node_count": 2},
        }
        path = f"/v1/training_projects/{made['training_project']['id']}/jobs"
        job_id: str = client.post(path, json={"training_job": body}).json()["training_job"]["id"]
        return job_id


def claim(desk: Desk, name: str, job_id: str, digest: str) -> None:
    """Write by hand what `adopt` would."""
    path = desk.folder / "specs" / f"{name}.yaml"
    adopts = f'project: Demo, adopts: {{job: {job_id}, digest: "{digest}"}}'
    path.write_text(path.read_text().replace("project: Demo", adopts))


def test_a_job_started_by_hand_is_not_bought_again(desk: Desk) -> None:
    """Held, adopted, kept; then superseded as any other run."""
    job_id = started_by_hand(desk)
    desk.write("qwen-sft", more="# the end\n")
    held = desk("apply", "--yes")
    assert (held.code, len(desk.jobs())) == (8, 1)
    assert f"job {job_id} ('qwen-sft', 16 GPUs), which no manifest manages, runs already" in held.out
    adopted = desk("adopt", "qwen-sft", "--job", job_id)
    text = (desk.folder / "specs" / "qwen-sft.yaml").read_text()
    assert (adopted.code, adopted.err) == (0, "")
    assert f'metadata: {{name: qwen-sft, adopts: {{job: "{job_id}", digest: "' in text
    assert text.endswith("# the end\n")
    assert "commit it" in adopted.out
    kept = desk("apply", "--yes", "--strict")
    assert (kept.code, len(desk.jobs())) == (0, 1)
    assert "1 job unchanged" in kept.out
    assert desk("status", "-o", "json").json["jobs"][0]["job"]["job_id"] == job_id
    path = desk.folder / "specs" / "qwen-sft.yaml"
    path.write_text(text.replace("[train]", "[other]") + "policy: {on_change: stop}\n")
    changed = desk("apply", "--yes", "-o", "json")
    assert [(r["action"], r["outcome"], r["job_name"].partition("--")[0]) for r in changed.json["results"]] == [
        ("submit", "submitted", "qwen-sft"),
        ("stop", "stopped", "qwen-sft"),
    ]
    assert changed.json["results"][1]["job_name"] == "qwen-sft"
    assert [job["current_status"] for job in desk.jobs()] == ["TRAINING_JOB_STOPPED", "TRAINING_JOB_RUNNING"]


def sweep(desk: Desk, matrix: str, name: str = "x") -> Path:
    """The file of a sweep, whose cells differ in the command."""
    desk.write(name, command='"train ${{ matrix.seed }}"')
    path = desk.folder / "specs" / f"{name}.yaml"
    cells = f"{matrix}metadata: {{name: '{name}-${{{{ matrix.seed }}}}'"
    path.write_text(path.read_text().replace(f"metadata: {{name: {name}", cells))
    return path


def test_cells_adopt_jobs_one_after_another(desk: Desk) -> None:
    """Held, adopted, kept beside the cells that are submitted; then superseded as any other run."""
    first, second = started_by_hand(desk, "x-1"), started_by_hand(desk, "x-2")
    path = sweep(desk, "matrix:\n  # ours\n  seed: [1, 2]  # seeds\n  include: [{seed: 3}]\n")
    text = path.read_text()
    held = desk("plan").out
    assert (
        f"job {first} ('x-1', 16 GPUs), which no manifest manages, runs already: `baseten-jobs adopt x-1 --job "
        f"{first}` counts it as this cell's (`matrix.adopts`), `--create x-1` submits another"
    ) in held
    digests = {each["name"]: each["digest"][:12] for each in desk("render", "-o", "json").json}
    entries = {
        cell: f'{{seed: {seed}, adopts: {{job: "{job}", digest: "{digests[cell]}"}}}}'
        for cell, seed, job in (("x-1", 1, first), ("x-2", 2, second))
    }
    ran = desk("adopt", "x-2", "--job", second)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(f"specs/x.yaml: matrix.adopts: {entries['x-2']}\ncommit it: ")
    assert path.read_text() == text.replace(
        "  include: [{seed: 3}]\n", f"  include: [{{seed: 3}}]\n  adopts:\n    - {entries['x-2']}\n"
    )
    said = desk("adopt", "x-1", "--job", first, "-o", "json").json
    assert (said["cell"], said["adopts"]) == ({"seed": 1}, {"job": first, "digest": digests["x-1"]})
    assert f"    - {entries['x-2']}\n    - {entries['x-1']}\nmetadata" in path.read_text()
    applied = desk("apply", "--yes", "--strict")
    assert (applied.code, len(desk.jobs())) == (0, 3)
    assert "= keep    2 cells unchanged; -v" in applied.out
    jobs = {job["name"]: job["job"]["job_id"] for job in desk("status", "-o", "json").json["jobs"]}
    assert (jobs["x-1"], jobs["x-2"]) == (first, second)
    path.write_text(path.read_text().replace('"train $', '"other $') + "policy: {on_change: stop}\n")
    changed = desk("apply", "--yes", "--max-submits", "9", "-o", "json").json["results"]
    assert sorted(r["job_name"] for r in changed if r["action"] == "stop" and "--" not in r["job_name"]) == [
        "x-1",
        "x-2",
    ]


def test_a_cell_whose_spec_stands_in_defaults_adopts(desk: Desk) -> None:
    """Nothing is written into the Defaults."""
    job_id = started_by_hand(desk, "x-2")
    path = sweep(desk, "matrix:\n  include:\n    - seed: 1\n    - seed: 2  # second\n")
    head, _, spec = path.read_text().partition("spec:\n")
    command = '"train ${{ matrix.seed }}"'
    base = path.with_name("base.yaml")
    base.write_text(f"apiVersion: baseten-jobs/v1\nkind: TrainingJobDefaults\nspec:\n{spec.replace(command, 'train')}")
    path.write_text(f"extends: base.yaml\n{head}spec: {{runtime: {{start_commands: [{command}]}}}}\n")
    texts = base.read_text(), path.read_text()
    assert desk("adopt", "x-2", "--job", job_id).code == 0
    entry = path.read_text().partition("  adopts:\n    - {seed: 2, adopts: {job: ")[2].partition("\n")[0]
    assert job_id in entry
    assert (
        base.read_text(),
        path.read_text().replace(f"  adopts:\n    - {{seed: 2, adopts: {{job: {entry}\n", ""),
    ) == texts
    assert "= keep    1 cell unchanged; -v" in desk("plan").out


def test_a_cell_adopts_only_what_a_manifest_could(desk: Desk) -> None:
    path = sweep(desk, "matrix: {seed: [1, 2]}\n")
    assert desk("apply", "--yes").code == 0
    own = {job["name"].partition("--")[0]: job["id"] for job in desk.jobs()}
    elsewhere = started_by_hand(desk, project="Another")
    before = path.read_text()
    refused = {
        job: desk("adopt", "x-1", "--job", job).err.strip().removeprefix("error: ")
        for job in (own["x-1"], own["x-2"], elsewhere)
    }
    assert [told.partition(":")[0] for told in refused.values()] == [
        f"job {own['x-1']} is x-1's own already",
        f"job {own['x-2']} is a run of another manifest, 'x-2'",
        f"job {elsewhere} is not in the project 'Demo'",
    ]
    assert path.read_text() == before


def test_a_cell_whose_attempt_is_raised_adopts_with_that(desk: Desk) -> None:
    job_id = started_by_hand(desk, "x-2")
    path = sweep(desk, "matrix: {seed: [1, 2], attempts: [{seed: 2, attempt: 3}]}\n")
    assert desk("adopt", "x-2", "--job", job_id).code == 0
    assert ", attempt: 3}}]}\nmetadata" in path.read_text()
    assert "= keep    1 cell unchanged; -v" in desk("plan").out


def test_what_has_no_place_for_a_cells_job_is_told_what_to_write(desk: Desk) -> None:
    job_id = started_by_hand(desk, "x-2")
    path = sweep(desk, "matrix: &m {seed: [1, 2]}\n")
    text = path.read_text().replace(
        "matrix: &m {seed: [1, 2]}",
        "matrix:\n  seed: [1, 2]\n  adopts:\n   -\n    seed: 1\n    adopts: {job: zzz, digest: 0123456789ab}",
    )
    path.write_text(text)
    ran = desk("adopt", "x-2", "--job", job_id)
    assert (ran.code, path.read_text()) == (1, text)
    assert f'specs/x.yaml:1: write it into `matrix.adopts` yourself: {{seed: 2, adopts: {{job: "{job_id}"' in ran.err


def test_a_job_that_a_cell_adopts_and_that_is_not_there_is_told_of_in_the_matrix(desk: Desk) -> None:
    sweep(desk, 'matrix: {seed: [1, 2], adopts: [{seed: 2, adopts: {job: zzz, digest: "0123456789ab"}}]}\n')
    ran = desk("apply", "--yes")
    assert (ran.code, desk.jobs()) == (1, [])
    told = "specs/x.yaml:3:57: error: matrix.adopts[0].adopts.job: there is no job 'zzz' in the project 'Demo'"
    assert told in ran.err


def test_an_adopted_job_can_be_stopped_by_its_manifests_name(desk: Desk) -> None:
    job_id = started_by_hand(desk)
    desk.write("qwen-sft")
    desk("adopt", "qwen-sft", "--job", job_id)
    assert desk("stop", "qwen-sft", "--yes").code == 0
    assert [job["current_status"] for job in desk.jobs()] == ["TRAINING_JOB_STOPPED"]
    assert "stopped by a person" in desk("plan").out


def test_a_job_of_another_size_is_adopted_with_a_warning(desk: Desk) -> None:
    job_id = started_by_hand(desk)
    desk.write("qwen-sft")
    path = desk.folder / "specs" / "qwen-sft.yaml"
    path.write_text(path.read_text().replace("H100:8", "H100:4"))
    ran = desk("adopt", "qwen-sft", "--job", job_id)
    assert (ran.code, ran.err) == (
        0,
        f"warning: spec.compute.accelerator is H100:4 here, and H100:8 of job {job_id}\n",
    )


def test_only_a_job_that_is_there_and_nobodys_is_adopted(desk: Desk) -> None:
    (own,) = desk.applied("x")
    elsewhere = started_by_hand(desk, project="Another")
    desk.write("y", command="other")
    before = (desk.folder / "specs" / "y.yaml").read_text()
    refused = {
        job: desk("adopt", "y", "--job", job).err.strip().removeprefix("error: ") for job in (own, elsewhere, "zzz")
    }
    assert refused == {
        own: f"job {own} is a run of another manifest, 'x': `metadata.renamed_from` claims that name",
        elsewhere: f"job {elsewhere} is not in the project 'Demo'",
        "zzz": "there is no job zzz",
    }
    assert "is x's own already" in desk("adopt", "x", "--job", own).err
    assert (desk.folder / "specs" / "y.yaml").read_text() == before


@pytest.mark.parametrize("whose", ["nobody's", "another project's"])
def test_a_plan_says_where_an_adopted_job_is_not(desk: Desk, whose: str) -> None:
    desk.applied("x")
    job_id = started_by_hand(desk, project="Another") if whose == "another project's" else "zzz"
    desk.write("y")
    path = desk.folder / "specs" / "y.yaml"
    path.write_text(
        path.read_text().replace("project: Demo", f'project: Demo, adopts: {{job: {job_id}, digest: "0123456789ab"}}')
    )
    ran = desk("apply", "--yes")
    assert (ran.code, len(desk.jobs())) == (1, 1 + (whose == "another project's"))
    assert f"specs/y.yaml:3:50: error: metadata.adopts.job: there is no job '{job_id}' in the project 'Demo'" in ran.err


def test_an_imported_job_is_named_after_itself_and_told_how_to_adopt_it(desk: Desk) -> None:
    job_id = started_by_hand(desk, name="Qwen SFT")
    ran = desk("import", "job", job_id)
    assert "name: qwen-sft" in ran.out
    assert f"`baseten-jobs adopt qwen-sft --job {job_id}`" in ran.err


def test_a_search_that_hides_an_adopted_job_does_not_make_it_a_strangers(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("y")
    world.apply()
    job = world.create_behind(name="theirs")
    world.write("x", command="other")
    digest = next(request.digest for request in world.compiled().requests if request.name == "x")
    world.write("x", command="other", metadata=f', adopts: {{job: {job["id"]}, digest: "{digest[:12]}"}}')
    world.fault("search", empty, lambda request, send: send(request))
    planned = world.plan()
    assert planned.valid, planned.diagnostics
    assert {action.request.name: action.verb for action in planned.plan.actions} == {"x": Verb.KEEP, "y": Verb.KEEP}


def test_nothing_is_written_into_a_folder_that_a_link_leads_out_to(
    desk: Desk, tmp_path_factory: pytest.TempPathFactory
) -> None:
    job_id = started_by_hand(desk)
    desk.write("qwen-sft")
    outside = tmp_path_factory.mktemp("elsewhere") / "outside"
    (desk.folder / "specs").rename(outside)
    (desk.folder / "specs").symlink_to(outside)
    before = (outside / "qwen-sft.yaml").read_text()
    adopted = desk("adopt", "qwen-sft", "--job", job_id, "--file", "specs/qwen-sft.yaml")
    assert adopted.code == 1
    assert "specs/qwen-sft.yaml can't be written: the link 'specs' leads out of " in adopted.err
    assert (outside / "qwen-sft.yaml").read_text() == before
