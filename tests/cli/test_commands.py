"""Whole commands against the embedded API: what they print, where, and with which exit code."""

import shlex
from pathlib import Path

import pytest

from baseten_jobs.job.names import without_letters
from baseten_jobs.planning.plan import Policy
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.api.connection import Connection, open_api
from baseten_jobs.provider.api.pacing import Clock
from tests.support.commands import Cli, called, nothing_set
from tests.support.repository import git
from tests.support.world import OPENED

__all__ = ["called", "nothing_set"]


@pytest.fixture
def cli(tmp_path: Path, nothing_set: None, called: Cli, monkeypatch: pytest.MonkeyPatch) -> Cli:
    monkeypatch.chdir(tmp_path)
    write()
    return called


def write(name: str = "x", command: str = "train", more: str = "", metadata: str = "") -> None:
    Path("specs").mkdir(exist_ok=True)
    Path("specs", f"{name}.yaml").write_text(
        f"apiVersion: baseten-jobs/v1\nkind: TrainingJob\nmetadata: {{name: {name}, project: Demo{metadata}}}\n"
        "spec:\n  image: {base_image: 'i:1'}\n  compute: {accelerator: 'H100:8', node_count: 2}\n"
        f"  runtime: {{start_commands: ['{command}']}}\n{more}"
    )


def provider() -> Api:
    api = open_api(Connection(local_db=".baseten-jobs/emulator.db"), Clock())
    OPENED.callback(api.close)
    return api


def duplicate(name: str = "x") -> tuple[str, str]:
    """Somebody submits a job's body a second time, by hand."""
    api = provider()
    (job,) = [job for job in api.search() if job["name"].startswith(f"{name}--")]
    body = {"training_job": {"name": job["name"], "image": {"base_image": "i:1"}}}
    answer = api.create_once(job["training_project_id"], body).data
    assert answer is not None
    return job["id"], answer["training_job"]["id"]


def test_a_plan_says_everything_that_an_apply_will_do(cli: Cli) -> None:
    write("y", more="policy: {suspend: true}\n")
    document = cli("plan", "--local", "-o", "json").json
    assert document["format_version"] == "1.0"
    assert document["summary"] == {"submit": 1, "update": 0, "stop": 0, "keep": 0, "hold": 1}
    first = document["actions"][0]
    digest = first.pop("digest")
    assert len(digest) == 64
    assert first == {
        "action": "submit", "reason": "new", "path": "specs/x.yaml", "line": 1, "project": "Demo", "name": "x",
        "attempt": 1, "job_name": f"x--{digest[:12]}", "gpus": 16, "cost_per_hour": 104.0, "starts": "now",
        "changes": [], "previous": None, "job": None,
        "superseded": [], "beside": [], "doubt": None, "warnings": [], "notes": [],
    }  # fmt: skip


def test_a_plan_announces_a_project_that_does_not_exist_yet(cli: Cli) -> None:
    assert "project 'Demo' will be created" in cli("plan", "--local").out
    cli("apply", "--local", "--yes")
    assert "will be created" not in cli("plan", "--local").out


def test_an_apply_reports_each_action_as_json_with_the_plan_beside_it(cli: Cli) -> None:
    ran = cli("apply", "--local", "--yes", "-o", "json")
    (result,) = ran.json["results"]
    job = provider().search()[0]
    assert (ran.code, ran.json["summary"]["submitted"]) == (0, 1)
    assert result == {
        "action": "submit", "outcome": "submitted", "path": "specs/x.yaml", "project": "Demo", "name": "x",
        "job_name": without_letters(job["name"]), "job_id": job["id"], "submitted_name": job["name"], "owner": "xxx",
        "token": job["name"][-4:], "error": None,
    }  # fmt: skip
    assert "Plan: 1 to submit" in ran.err


def test_an_apply_with_nothing_to_do_says_so_and_needs_no_leave(cli: Cli) -> None:
    cli("apply", "--local", "--yes")
    ran = cli("apply", "--local")
    assert ran.code == 0
    assert "Nothing to submit, update or stop." in ran.out


def test_the_old_and_the_new_digest_of_a_change_are_shown(cli: Cli) -> None:
    cli("apply", "--local", "--yes")
    old = provider().search()[0]["name"][3:15]
    write(command="train --lr 3e-4")
    ran = cli("apply", "--local", "--yes")
    new = provider().search()[-1]["name"][3:15]
    assert f"+ submit  x  (changed: {old} → {new})" in ran.out
    assert len(provider().search()) == 2


def test_a_job_that_failed_is_held_until_it_is_raised_or_retried(cli: Cli) -> None:
    cli("apply", "--local", "--yes")
    assert cli("stop", "x", "--local", "--yes").code == 0
    held = cli("apply", "--local", "--yes")
    assert held.code == 0
    assert "--retry-failed x" in held.out
    assert cli("apply", "--local", "--yes", "--retry-failed", "x").code == 0
    assert cli("stop", "x", "--local", "--yes").code == 0
    write(metadata=", attempt: 2")
    raised = cli("apply", "--local", "--yes", "-o", "json").json["results"]
    assert [(result["outcome"], result["job_name"][-3:]) for result in raised] == [("submitted", "-a2")]


def test_a_hold_for_failure_while_another_spec_runs_is_an_error(cli: Cli) -> None:
    cli("apply", "--local", "--yes")
    cli("stop", "x", "--local", "--yes")
    write(command="other")
    cli("apply", "--local", "--yes")
    write()
    for command in (["plan"], ["plan", "--detailed-exitcode"], ["apply", "--yes"]):
        ran = cli(*command, "--local")
        assert ran.code == 1
        assert "still runs, which is not what git says" in ran.out


# Guards


@pytest.mark.parametrize(
    ("guard", "told"),
    [
        (["--max-submits", "1"], "2 jobs to submit, and --max-submits is 1"),
        (["--max-gpus", "31"], "32 GPUs to submit, and --max-gpus is 31"),
    ],
)
def test_a_guard_refuses_before_anything_is_sent(cli: Cli, guard: list[str], told: str) -> None:
    write("y")
    assert told in cli("plan", "--local", *guard).err
    ran = cli("apply", "--local", "--yes", "-o", "json", *guard)
    assert ran.code == 8
    assert told in ran.json["error"]
    assert provider().search() == []
    assert provider().projects() == []


def test_eleven_jobs_at_once_are_more_than_somebody_meant(cli: Cli) -> None:
    for number in range(11):
        write(f"n{number}")
    assert cli("apply", "--local", "--yes").code == 8
    assert cli("apply", "--local", "--yes", "--max-submits", "12").code == 0


def test_without_leave_and_without_a_terminal_nothing_is_sent(cli: Cli) -> None:
    ran = cli("apply", "--local")
    assert ran.code == 8
    assert "--yes" in ran.err
    assert provider().projects() == []


# Saved plans


def test_a_saved_plan_is_applied_as_it_was_saved(cli: Cli) -> None:
    assert cli("plan", "--local", "--out", "p.json", "--detailed-exitcode").code == 2
    ran = cli("apply", "--plan", "p.json", "--yes", "--local")
    assert ran.code == 0
    assert len(provider().search()) == 1
    again = cli("apply", "--plan", "p.json", "--yes", "--local")
    assert again.code == 8
    assert "stale" in again.err


def test_the_limits_of_a_saved_plan_count_where_they_are_stricter(cli: Cli) -> None:
    write("y")
    cli("plan", "--local", "--out", "p.json", "--max-submits", "1")
    for option in ([], ["--max-submits", "9"]):
        ran = cli("apply", "--plan", "p.json", "--yes", "--local", *option)
        assert (ran.code, "2 jobs to submit, and --max-submits is 1" in ran.err) == (8, True)


def test_a_saved_plan_is_applied_by_the_command_that_plan_tells(cli: Cli) -> None:
    write("y")
    Path("shared code").mkdir()
    options = [
        "--set", "x:spec.runtime.start_commands=[echo 'a b']", "--create", "x", "--create", "*", "--since", "HEAD",
        "--max-gpus", "64", "--max-cost-per-hour", "900.5", "--prune", "--history", "5",
        "--allow-outside", "shared code",
    ]  # fmt: skip
    told = cli("plan", "specs/x.yaml", "specs/y.yaml", "--local", "--out", "p.json", *options).err
    (command,) = [line for line in told.splitlines() if line.startswith("saved to ")]
    words = shlex.split(command.split("`")[1])
    assert words[:7] == ["baseten-jobs", "apply", "--plan", "p.json", "--local", "--allow-outside", "shared code"]
    assert cli("apply", "--plan", "p.json", "--yes", "--local").code == 8
    assert cli(*words[1:], "--yes").code == 0
    assert len(provider().search()) == 2


def test_a_saved_plan_is_stale_once_a_manifest_changed(cli: Cli) -> None:
    cli("plan", "--local", "--out", "p.json")
    write(command="other")
    ran = cli("apply", "--plan", "p.json", "--yes", "--local", "-o", "json")
    assert ran.code == 8
    assert "submit x in Demo differs" in ran.json["error"]
    assert provider().search() == []


def test_a_saved_plan_is_for_the_provider_it_was_made_against(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    cli("plan", "--local", "--out", "p.json")
    ran = cli("apply", "--plan", "p.json", "--yes", "--local-db", "other.db")
    assert ran.code == 8
    assert "it was made against local:" in ran.err


@pytest.mark.parametrize("text", ["", "{}", "\0"])
def test_a_file_that_is_no_plan_is_one_clear_line(cli: Cli, text: str) -> None:
    Path("p.json").write_text(text)
    ran = cli("apply", "--plan", "p.json", "--yes", "--local")
    assert (ran.code, ran.err.count("\n")) == (1, 1)
    assert cli("apply", "--plan", "missing.json", "--yes", "--local").code == 1


def test_a_plan_of_standard_input_can_not_be_saved(cli: Cli) -> None:
    assert cli("plan", "-", "--local", "--out", "p.json").code == 64


# Duplicates, status, stop


def test_duplicates_are_told_by_plan_apply_and_status_and_never_stopped(cli: Cli) -> None:
    cli("apply", "--local", "--yes")
    one, other = duplicate()
    told = f"duplicate: {one}, {other} run the same spec; stop one with `baseten-jobs stop --job {other}`"
    for command, code in (
        (["plan"], 0),
        (["plan", "--detailed-exitcode"], 0),
        (["apply", "--yes"], 7),
        (["status"], 7),
    ):
        ran = cli(*command, "--local")
        assert (ran.code, told in ran.out) == (code, True)
    assert cli("apply", "--local", "--yes", "-o", "json").json["results"][0]["error"].startswith(told)
    assert all(job["current_status"] != "TRAINING_JOB_STOPPED" for job in provider().search())
    assert cli("stop", "--job", other, "--local", "--yes").code == 0
    assert cli("status", "--local").code == 0
    assert cli("apply", "--local").code == 0


def test_the_job_of_the_last_manifest_of_all_can_be_pruned(cli: Cli, tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "main")
    git(tmp_path, "add", "specs")
    git(tmp_path, "commit", "-qm", "add")
    assert cli("apply", "--local", "--yes").code == 0
    git(tmp_path, "rm", "-q", "specs/x.yaml")
    assert not Path("specs").exists()
    assert cli("apply", "--local", "--yes", "--prune").code == 0, "the file may come back before it is committed"
    git(tmp_path, "commit", "-qm", "drop", GIT_COMMITTER_DATE="2090-01-01T00:00:00Z")
    ran = cli("apply", "--local", "--yes")
    assert (ran.code, ran.err) == (0, "specs: no manifest is left here; `--prune` would stop its job\n")
    assert cli("apply", "--local", "--yes", "--prune", "spces").code == 1
    ran = cli("apply", "--local", "--yes", "--prune", "-o", "json")
    assert (ran.code, ran.json["summary"]["stopped"]) == (0, 1), ran.err
    assert "specs: no manifest is left here\n" in ran.err
    assert cli("plan", "--local", "--prune", "-o", "json").json["orphans"] == []


@pytest.mark.parametrize("path", ["specs", "specs/x.yaml", "."])
@pytest.mark.parametrize("command", [["validate"], ["render"], ["plan", "--local"], ["apply", "--local", "--yes"]])
def test_a_path_whose_last_manifest_is_gone_is_no_error_once_that_is_committed(
    command: list[str], path: str, cli: Cli, tmp_path: Path
) -> None:
    Path(".gitignore").write_text(".baseten-jobs/\n")
    git(tmp_path, "init", "-q", "-b", "main")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "add")
    Path("specs", "x.yaml").unlink()
    ran = cli(*command, path)
    assert (ran.code, "no manifest is left" in ran.err) == (1, False), "the work tree alone is no witness"
    git(tmp_path, "commit", "-qam", "drop")
    Path("specs").rmdir()
    ran = cli(*command, path)
    remedy = "; `--prune` would stop its job" if "--local" in command else ""
    assert (ran.code, ran.err.splitlines()[0]) == (0, f"{path}: no manifest is left here{remedy}")
    Path("empty").mkdir()
    for never in ("empty", "spces", "specs/y.yaml"):
        assert cli(*command, never).code == 1


def test_a_stop_asks_or_is_told(cli: Cli) -> None:
    cli("apply", "--local", "--yes")
    ran = cli("stop", "x", "--local")
    assert ran.code == 8
    assert "--yes" in ran.err
    assert provider().search()[0]["current_status"] != "TRAINING_JOB_STOPPED"


def test_a_stop_tells_what_it_stopped(cli: Cli) -> None:
    cli("apply", "--local", "--yes")
    job_id = provider().search()[0]["id"]
    assert cli("stop", "x", "--local", "--yes", "-o", "json").json == {"format_version": "1.0", "stopped": [job_id]}
    assert cli("stop", "x", "--local", "--yes").out == "nothing to stop\n"


@pytest.mark.parametrize("what", [["nobody"], ["--job", "nobody"]])
def test_a_stop_of_nothing_known_is_an_error(cli: Cli, what: list[str]) -> None:
    ran = cli("stop", *what, "--local", "--yes")
    assert ran.code == 1
    assert "nobody" in ran.err


def test_a_name_that_two_projects_have_is_ambiguous(cli: Cli) -> None:
    Path("specs/y.yaml").write_text(Path("specs/x.yaml").read_text().replace("Demo", "Other"))
    cli("apply", "--local", "--yes")
    ran = cli("stop", "x", "--local", "--yes")
    assert ran.code == 1
    assert "specs/x.yaml:1" in ran.err
    assert "specs/y.yaml:1" in ran.err
    assert cli("stop", "x", "-f", "specs/x.yaml", "--local", "--yes").code == 0


def test_status_joins_manifests_and_jobs(cli: Cli) -> None:
    write("y")
    assert [row["state"] for row in cli("status", "--local", "-o", "json").json["jobs"]] == ["not submitted"] * 2
    cli("apply", "specs/x.yaml", "--local", "--yes")
    rows = cli("status", "--local", "-o", "json").json["jobs"]
    assert [row["state"] for row in rows][1] == "not submitted"
    assert rows[0]["job"]["job_id"] == provider().search()[0]["id"]
    assert cli("status", "y", "--local", "-o", "json").json["jobs"][0]["name"] == "y"
    assert cli("status", "z", "--local").code == 1


def test_status_shows_a_job_by_its_id_managed_or_not(cli: Cli) -> None:
    cli("apply", "--local", "--yes")
    (own,) = provider().search()
    body = {"training_job": {"name": "llama-pretrain", "image": {"base_image": "i:1"}}}
    answer = provider().create_once(own["training_project_id"], body).data
    assert answer is not None
    other = answer["training_job"]["id"]
    shown = cli("status", "--job", own["id"], "--job", other, "--local", "-o", "json").json["jobs"]
    assert [(row["name"], row["path"], row["job_name"], row["job"]["job_id"]) for row in shown] == [
        ("x", None, without_letters(own["name"]), own["id"]),
        ("llama-pretrain", None, "llama-pretrain", other),
    ]
    table = cli("status", "--job", other, "--local").out
    assert f"{other}  {own['training_project_id']}" in table
    missing = cli("status", "--job", "nobody", "--local")
    assert (missing.code, "there is no job nobody" in missing.err) == (1, True)


@pytest.mark.parametrize(
    "arguments",
    ["apply --yes", "plan --out plan.json", "apply --plan plan.json --yes", "plan --max-gpus 0", "plan nowhere",
     "status", "logs x", "logs nobody", "metrics x", "session x", "capacity", "stop x --yes",
     "stop --job nobody --yes"],
)  # fmt: skip
def test_a_command_leaves_no_database_open(arguments: str, cli: Cli) -> None:
    """SQLite's own files beside one go when its last connection is closed."""
    cli("apply", "--local", "--yes")
    cli("plan", "--local", "--out", "plan.json")
    cli(*arguments.split(), "--local")
    assert [path.name for path in Path(".baseten-jobs").glob("emulator.db*")] == ["emulator.db"]


# Projects


def test_a_name_that_several_teams_have_is_an_error_that_lists_them(cli: Cli, tmp_path: Path) -> None:
    from baseten_jobs.emulator.app import App
    from baseten_jobs.emulator.settings import Settings

    App(Settings(tmp_path / ".baseten-jobs/emulator.db", teams=("research",))).close()
    write(metadata=", team: research")
    cli("apply", "--local", "--yes")
    write("y", metadata=", team: default")
    assert cli("apply", "--local", "--yes").code == 0
    write("z")
    ran = cli("plan", "--local")
    assert ran.code == 1
    assert "specs/z.yaml:3:30: error: metadata.project: several teams have a project 'Demo'" in ran.err
    assert "'default', 'research'" in ran.err


def test_a_team_or_a_project_id_that_does_not_exist_is_pointed_at(cli: Cli) -> None:
    write(metadata=", team: defualt")
    ran = cli("plan", "--local", "-o", "json")
    assert ran.code == 1
    (diagnostic,) = ran.json["diagnostics"]
    assert (diagnostic["line"], diagnostic["field"]) == (3, "metadata.team")
    assert diagnostic["hint"] == "did you mean 'default'?"
    path = Path("specs/x.yaml")
    path.write_text(path.read_text().replace("project: Demo, team: defualt", "project_id: nope"))
    assert "there is no project with the id 'nope'" in cli("plan", "--local").err


def test_two_manifests_that_name_one_job_by_project_name_and_id_are_an_error(cli: Cli) -> None:
    cli("apply", "--local", "--yes")
    project_id = provider().projects()[0]["id"]
    text = Path("specs/x.yaml").read_text()
    Path("specs/y.yaml").write_text(text.replace("project: Demo", f"project_id: {project_id}"))
    ran = cli("plan", "--local")
    assert ran.code == 1
    assert "the other is at specs/y.yaml:3:18" in ran.err
    assert "the other is at specs/x.yaml:3:18" in ran.err


def test_many_manifests_need_no_more_reads_than_one(tmp_path: Path) -> None:
    from tests.soaks.chaos import write_manifests
    from tests.support.world import World

    world = World(tmp_path)
    (tmp_path / "specs").mkdir()
    write_manifests(tmp_path / "specs", 300)
    world.policy = Policy(max_submits=None)
    world.apply()
    assert world.between.calls[:-2] == ["upsert", "search", "list", *["create"] * 300]
    assert sorted(world.between.calls[-2:]) == ["list", "search"]
    world.between.calls.clear()
    world.plan()
    assert world.between.calls == ["projects", "search"]
