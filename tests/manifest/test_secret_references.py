"""Secrets that manifests refer to, checked against what their team has before anything is sent."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from baseten_jobs.emulator.server import serving
from baseten_jobs.emulator.settings import Durations, Settings
from baseten_jobs.manifest import document as manifest
from baseten_jobs.manifest.document import Document
from baseten_jobs.manifest.schema.fields import Shape, shape_of
from baseten_jobs.manifest.secret_references import missing_secrets, secret_references
from baseten_jobs.report import problems
from tests.support.commands import Cli, called
from tests.support.world import Fault, World, answered, never

__all__ = ["called"]

TEAMS = "/v1/teams"
EVERYBODYS = "/v1/secrets"

EVERY_PLACE = """\
apiVersion: baseten-jobs/v1
kind: TrainingJob
metadata: {name: x, project: Demo}
spec:
  image:
    base_image: i:1
    docker_auth:
      registry: ghcr.io
      auth_method: AWS_IAM
      aws_iam_docker_auth:
        access_key_secret_ref: {name: iam_id}
        secret_access_key_secret_ref: {name: iam_key}
  runtime:
    environment_variables:
      name: a variable of this name, in plain text
      auth_secret_name: and one of this
      HF_TOKEN: {name: hf}
      WANDB: {name: hf}
  weights:
    - {source: hf://a/b@1, mount_location: /a, auth_secret_name: mounted}
    - source: s3://a/b
      mount_location: /b
      auth: {auth_method: CUSTOM_SECRET, auth_secret_name: custom}
    - {source: hf://a/c@1, mount_location: /c, auth_secret_name: null}
"""

OTHER_LOGINS = """\
apiVersion: baseten-jobs/v1
kind: TrainingJob
metadata: {name: x, project: Demo}
spec:
  image:
    base_image: i:1
    docker_auth:
      registry: ghcr.io
      auth_method: REGISTRY_SECRET
      registry_secret_docker_auth: {secret_ref: {name: login}}
      gcp_service_account_json_docker_auth: {service_account_json_secret_ref: {name: account}}
"""


def document(text: str) -> Document:
    (read,) = manifest.load("specs/x.yaml", text).documents
    return read


def test_every_place_of_a_secret_is_known() -> None:
    spec = "spec.image.docker_auth"
    found = {as_field(path): name for name, path in _references(EVERY_PLACE) + _references(OTHER_LOGINS)}
    assert found == {
        f"{spec}.aws_iam_docker_auth.access_key_secret_ref.name": "iam_id",
        f"{spec}.aws_iam_docker_auth.secret_access_key_secret_ref.name": "iam_key",
        "spec.runtime.environment_variables.HF_TOKEN.name": "hf",
        "spec.runtime.environment_variables.WANDB.name": "hf",
        "spec.weights[0].auth_secret_name": "mounted",
        "spec.weights[1].auth.auth_secret_name": "custom",
        f"{spec}.registry_secret_docker_auth.secret_ref.name": "login",
        f"{spec}.gcp_service_account_json_docker_auth.service_account_json_secret_ref.name": "account",
    }


def _references(text: str) -> list[tuple[str, Any]]:
    return [(reference.name, reference.path) for reference in secret_references(document(text))]


def as_field(path: tuple[str | int, ...]) -> str:
    from baseten_jobs.manifest.diagnostics import field_name

    return field_name(path)


def test_the_schema_marks_every_field_that_names_a_secret() -> None:
    """What is called a secret's name, or sits in what is called a reference to one."""
    unmarked = []

    def visit(shape: Shape, path: str) -> None:
        named = path.endswith((".auth_secret_name", "_ref.name", ".environment_variables.*.name"))
        if named != bool(shape.schema.get("x-secret")):
            unmarked.append(path)
        for name, child in shape.properties.items():
            visit(child, f"{path}.{name}")
        for child in filter(None, (shape.items, *shape.variants.values())):
            visit(child, path)
        if shape.values:
            visit(shape.values, f"{path}.*")

    visit(shape_of("baseten-jobs/v1"), "")
    assert unmarked == []


SAME = ["hf_access_token", "hf-access-token", "hf access.token", "hfaccesstoken"]
REFERRING = document(
    "apiVersion: baseten-jobs/v1\nkind: TrainingJob\nmetadata: {name: x, project: Demo}\nspec:\n"
    "  runtime:\n    environment_variables:\n      HF_TOKEN: {name: hf_access_token}\n"
)


@pytest.mark.parametrize("held", SAME)
def test_names_that_differ_in_punctuation_are_one_secret(held: str) -> None:
    assert missing_secrets(REFERRING, ["another", held], "research") == ()


@pytest.mark.parametrize(
    ("held", "team", "told"),
    [
        (["hf_acess_token", "wandb"], "research",
         "'hf_access_token' is not a secret of the team 'research'; did you mean 'hf_acess_token'?"),
        (["HF_ACCESS_TOKEN"], "", "'hf_access_token' is not a secret; did you mean 'HF_ACCESS_TOKEN'?"),
        (["HF-ACCESS-TOKENS"], "", "'hf_access_token' is not a secret; did you mean 'HF-ACCESS-TOKENS'?"),
        (["wandb"], "research", "'hf_access_token' is not a secret of the team 'research'; make it in Baseten first"),
        ([], "research", "'hf_access_token' is not a secret of the team 'research'; make it in Baseten first"),
        (["---"], "research", "'hf_access_token' is not a secret of the team 'research'; make it in Baseten first"),
    ],
)  # fmt: skip
def test_a_missing_secret_is_pointed_at_with_the_nearest_name(held: list[str], team: str, told: str) -> None:
    (found,) = missing_secrets(REFERRING, held, team)
    where = "specs/x.yaml:7:24: error: spec.runtime.environment_variables.HF_TOKEN.name"
    assert problems.diagnostic(found) == f"{where}: {told} [secret]"


def test_a_secret_itself_in_the_place_of_its_name_is_not_shown() -> None:
    token = "hf_" + "a1B2" * 9
    text = EVERY_PLACE.replace("{name: hf}", f"{{name: {token}}}")
    for found in missing_secrets(document(text), [], "research"):
        assert token not in problems.diagnostic(found)


# Plans


def world(folder: Path, *secrets: str, teams: tuple[str, ...] = ("research",)) -> World:
    made = World(folder, {"durations": Durations(running=1e9), "secrets": secrets, "teams": teams})
    refer(made)
    return made


def refer(made: World, name: str = "x", secret: str = "hf_token", metadata: str = "", more: str = "") -> None:
    made.write(name, more=more, metadata=metadata)
    path = made.folder / "specs" / f"{name}.yaml"
    variables = f"environment_variables: {{HF_TOKEN: {{name: {secret}}}}}"
    path.write_text(path.read_text().replace("runtime: {", f"runtime: {{{variables}, "))


def told(made: World) -> list[str]:
    planned = made.plan()
    assert planned.valid != bool(planned.diagnostics)
    return [found.message for found in planned.diagnostics]


def test_a_job_sees_its_own_teams_secrets_alone(tmp_path: Path) -> None:
    made = world(tmp_path, "research/hf_token")
    assert told(made) == ["'hf_token' is not a secret of the team 'default'"]
    refer(made, metadata=", team: research")
    assert told(made) == []
    refer(made, metadata=", team: default")
    assert told(made) == ["'hf_token' is not a secret of the team 'default'"]


def test_the_team_of_a_project_that_exists_is_known_without_being_named(tmp_path: Path) -> None:
    made = world(tmp_path, "research/hf_token")
    refer(made, metadata=", team: research")
    made.apply()
    refer(made, "y")
    assert told(made) == []
    refer(made, "z", secret="other")
    assert told(made) == ["'other' is not a secret of the team 'research'"]


def test_a_job_that_is_kept_or_held_needs_its_secret_no_more(tmp_path: Path) -> None:
    made = world(tmp_path, "hf_token")
    made.apply()
    other = World(tmp_path, {"durations": Durations(running=1e9), "teams": ("research",)})
    refer(other, "y", secret="hf_token", more="policy: {suspend: true}\n")
    planned = other.plan()
    assert (planned.diagnostics, planned.plan.summary["keep"], planned.plan.summary["hold"]) == ((), 1, 1)
    assert other.between.calls == ["projects", "search"]


def test_every_missing_secret_of_every_submit_is_told_at_once(tmp_path: Path) -> None:
    made = world(tmp_path)
    refer(made, "y", secret="other")
    planned = made.plan()
    assert [(Path(d.position.path).name, d.rule) for d in planned.diagnostics] == [
        ("x.yaml", "secret"),
        ("y.yaml", "secret"),
    ]
    assert planned.plan.actions == ()


def test_secrets_are_read_once_for_a_team_and_only_where_a_submit_refers_to_one(tmp_path: Path) -> None:
    made = world(tmp_path, "hf_token", "research/hf_token")
    ids = {team["name"]: f"/v1/teams/{team['id']}/secrets" for team in made.api.teams()}
    made.between.calls.clear()
    for number in range(9):
        refer(made, f"x{number}")
        refer(made, f"y{number}", metadata=", team: research")
    assert told(made) == []
    reads = Counter(call for call in made.between.calls if call.endswith(("secrets", "teams")))
    assert reads == Counter([ids["default"], ids["research"], TEAMS, TEAMS])  # one of the lists tells observe
    for path in (tmp_path / "specs").iterdir():
        path.unlink()
    made.write("plain", metadata=", team: default")
    made.between.calls.clear()
    made.plan()
    assert not [call for call in made.between.calls if call.endswith("secrets")]


TROUBLE: dict[str, Fault] = {
    "403": answered(403, {"message": "no"}),
    "404": answered(404, {"message": "not here"}),
    "500": answered(500),
    "no answer": never(),
    "no connection": never(httpx.ConnectError),
    "HTML": answered(200, "<html>"),
    "another shape": answered(200, {"secrets": [{}]}),
    "an empty object": answered(200, {}),
}


@pytest.mark.parametrize("fault", TROUBLE.values(), ids=TROUBLE.keys())
def test_secrets_that_can_not_be_read_are_a_note(tmp_path: Path, fault: Fault) -> None:
    made = world(tmp_path)
    own = _own(made)
    made.fault(own, *[fault] * 9)
    made.fault(EVERYBODYS, *[fault] * 9)
    planned = made.plan()
    assert planned.diagnostics == ()
    (note,) = planned.plan.notes
    assert note.startswith("the secrets of the team 'default' can't be read, so they are not checked: ")
    assert [outcome.fate.value for outcome in made.carry_out(planned).outcomes] == ["submitted"]


def _own(made: World) -> str:
    path = f"/v1/teams/{next(team['id'] for team in made.api.teams() if team['default'])}/secrets"
    made.between.calls.clear()
    return path


def test_where_a_teams_own_list_can_not_be_read_everybodys_does(tmp_path: Path) -> None:
    made = world(tmp_path, "hf_token", "research/other")
    made.fault(_own(made), answered(403), answered(403))
    assert told(made) == []
    refer(made, secret="other")
    assert told(made) == ["'other' is not a secret of the team 'default'"]


def test_a_team_of_which_nothing_is_seen_is_not_judged(tmp_path: Path) -> None:
    made = world(tmp_path, "research/other")
    made.fault(_own(made), answered(403))
    planned = made.plan()
    assert planned.diagnostics == ()
    assert len(planned.plan.notes) == 1


@pytest.mark.parametrize("fault", [answered(403), answered(200, {"teams": []})], ids=["refused", "empty"])
def test_without_a_list_of_teams_a_secret_that_nobody_has_is_missing(tmp_path: Path, fault: Fault) -> None:
    made = world(tmp_path, "research/hf_token")
    made.fault(TEAMS, fault, fault)
    assert told(made) == []
    refer(made, secret="other")
    assert told(made) == ["'other' is not a secret"]


# Commands

MANIFEST = """\
apiVersion: baseten-jobs/v1
kind: TrainingJob
metadata: {name: x, project: Demo}
spec:
  image: {base_image: "i:1"}
  runtime:
    start_commands: [train]
    environment_variables:
      HF_TOKEN: {name: hf_acess_token}
"""
TOLD = (
    "specs/x.yaml:9:24: error: {}spec.runtime.environment_variables.HF_TOKEN.name: 'hf_acess_token' is not a secret"
    " of the team 'default'; {} [secret]"
)


@pytest.fixture
def cli(tmp_path: Path, called: Cli, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cli]:
    """Commands against an embedded API over HTTP that has the secret `hf_access_token`."""
    monkeypatch.chdir(tmp_path)
    Path("specs").mkdir()
    Path("specs/x.yaml").write_text(MANIFEST)

    with serving(Settings(tmp_path / "e.db", secrets=("hf-access-token",))) as url:
        monkeypatch.setenv("BASETEN_BASE_URL", url)
        monkeypatch.setenv("BASETEN_API_KEY", "k")
        yield called


@pytest.mark.parametrize("command", [["plan"], ["plan", "--out", "p.json"], ["apply", "--yes", "--settle", "0"]])
def test_a_missing_secret_stops_plan_and_apply_before_anything_is_sent(cli: Cli, command: list[str]) -> None:
    ran = cli(*command, "-o", "json")
    assert ran.code == 1
    assert TOLD.format("", "did you mean 'hf-access-token'?") in ran.err
    document = ran.json
    assert document["error"] == "1 error in the manifests; nothing was sent"
    (diagnostic,) = document["diagnostics"]
    assert (diagnostic["rule"], diagnostic["line"], diagnostic["column"]) == ("secret", 9, 24)
    assert not Path("p.json").exists()
    assert cli("status", "-o", "json").json["jobs"][0]["state"] == "not submitted"


def test_a_secret_that_is_there_is_nothing_to_speak_of(cli: Cli) -> None:
    Path("specs/x.yaml").write_text(MANIFEST.replace("acess", "access"))
    ran = cli("plan")
    assert ran.code == 0
    assert "secret" not in ran.out + ran.err


def test_validate_and_render_know_of_no_secrets(cli: Cli) -> None:
    assert cli("validate").code == 0
    assert cli("render").code == 0


def test_missing_secrets_are_one_note_of_a_local_rehearsal(cli: Cli) -> None:
    for command in (["plan", "--strict"], ["apply", "--yes"]):
        ran = cli(*command, "--local")
        assert (ran.code, ran.err.count("warning")) == (0, 0)
        assert ran.out.count("note: 1 secret is not looked up in a rehearsal: 'hf_acess_token'\n") == 1
        assert "1 to submit" in ran.out
    assert "warning" not in cli("plan", "--local").err
