"""Files that hold secrets: they travel only where they are spelled out, and what travels is looked into."""

from pathlib import Path
from typing import Literal

import pytest

from baseten_jobs.manifest.diagnostics import Severity
from baseten_jobs.workspace.default_excludes import never_travels
from tests.support.trees import CODE, commit, compiled, manifest, paths, told, write

SECRET_FILES = (
    "terraform.tfstate", "terraform.tfstate.backup", "prod.tfvars", "prod.auto.tfvars.json", "prod.env", ".env", ".ENV",
    ".docker/config.json", ".kube/config", ".npmrc", ".pypirc", ".netrc", "_netrc", ".terraformrc", ".vault-token",
    "gha-creds-0123456789abcdef.json", "cert.p12", "cert.PFX", "store.jks", ".bash_history", ".zsh_history",
    ".python_history", ".ssh/config", ".aws/credentials", ".gnupg/trustdb", "id_ed25519", ".config/gcloud/x.db",
)  # fmt: skip
OTHERS = (
    "core", "core/model.py", "config.json", "config", "docker/config.json", "kube/config.py", "train_history.py",
    "training_history", "environment.txt", "env.py", ".env.example", "example.env", "example.tfvars", "main.tf",
    "ssh.py", "aws/credentials.py", "pfx.py", "tfstate.py",
)  # fmt: skip

AWS = "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
LINES = (
    AWS, AWS.replace(" = ", "="), f"  {AWS.upper()[:21]}: wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    '"SecretAccessKey": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"', '{"type": "external_account",',
    '{"type":"service_account"', '  "type": "authorized_user",', "//registry.npmjs.org/:_authToken=0123456789abcdef",
    '"auth": "dXNlcjpodW50ZXIy"', f"client-key-data: {'LS0tLS1C' * 8}", "machine example.com login me password hunter2",
    "hvs.CAESIJ0123456789abcdefghij", "WANDB_API_KEY=0123456789abcdef0123456789abcdef01234567",
    'wandb_api_key: "0123456789abcdef0123456789abcdef01234567"', "export DB_PASSWORD=n0t4Pass5word6x7y8z",
)  # fmt: skip
HARMLESS = (
    "private_key = Ed25519PrivateKey.generate()", "key_details = random_ed25519_key_pair()",
    "aws_secret_access_key = os.environ['AWS_SECRET_ACCESS_KEY']", "aws_secret_access_key =",
    "pad_token: '<|endoftext|>'",
    "token = tokenizer.convert_ids_to_tokens(index)", '"type": "string"', "api_key=self.settings_for_this_run.api_key",
    "cache_key = 0123456789abcdef0123456789abcdef", "max_tokens: 0123456789012345678",
    "password=getpass.getpass(prompt)",
    "//registry.npmjs.org/:_authToken=${NPM_TOKEN}", "sort_key = 'column_1_2_3_of_the_table'",
)  # fmt: skip


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    manifest(tmp_path / "job")
    return write(tmp_path / "job", CODE)


def _secrets(folder: Path) -> set[tuple[str, int]]:
    found = [d for d in compiled(folder).diagnostics if d.rule == "workspace-secret"]
    return {(Path(d.position.path).name, d.position.line) for d in found}


def test_a_file_of_secrets_never_travels_unless_it_is_spelled_out(tree: Path) -> None:
    write(tree, {**dict.fromkeys(SECRET_FILES, "x"), **dict.fromkeys(OTHERS[1:], "x")})
    assert paths(tree) == sorted([*CODE, *OTHERS[1:]])
    manifest(tree, "{include: ['**', '*', '.*', '.docker/*', '.kube/conf*']}")
    assert paths(tree) == sorted([*CODE, *OTHERS[1:]])


@pytest.mark.parametrize("name", SECRET_FILES)
def test_a_file_of_secrets_that_is_spelled_out_travels_with_a_warning(name: str, tree: Path) -> None:
    write(tree, {name: "x"})
    manifest(tree, f"{{include: ['{name}', '{name.split('/')[0]}/*', '{'/'.join(name.split('/')[:2])}/*']}}")
    assert paths(tree) == sorted([*CODE, name])
    assert _secrets(tree) == {(Path(name).name, 1)}


@pytest.mark.parametrize("name", OTHERS)
def test_a_name_tells_of_no_secrets(name: str) -> None:
    assert not never_travels(name)


def test_a_file_of_secrets_that_git_tracks_is_told(tree: Path) -> None:
    write(tree, {".kube/config": "x", "terraform.tfstate": "x"})
    commit(tree)
    assert told(tree, Severity.WARNING) == [
        "git tracks what never travels: terraform.tfstate, .kube/config [workspace-withheld]"
    ]


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("coding", ["utf-8", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_line_that_holds_a_secret_is_told_in_any_coding(line: str, coding: str, tree: Path) -> None:
    write(tree, {"notes.txt": f"one\ntwo\n{line}\nfour\n".encode(coding)})
    assert _secrets(tree) == {("notes.txt", 3)}


def test_each_line_that_holds_a_secret_is_told_up_to_the_fifth_of_a_file(tree: Path) -> None:
    write(tree, {"two.txt": f"one\n{AWS}\nthree\n{AWS}\n", "seven.txt": f"{AWS}\n" * 7})
    assert _secrets(tree) == {("two.txt", 2), ("two.txt", 4), *(("seven.txt", line) for line in range(1, 6))}


@pytest.mark.parametrize(("first", "last"), [(1, 4), (4, 1), (5, 0)])
def test_of_both_ends_of_a_large_file_no_more_than_five_lines_are_told(first: int, last: int, tree: Path) -> None:
    line = f"{AWS}\n"
    middle = "x" * 63 + "\n"
    write(tree, {"log.txt": line * first + middle * (3 << 14) + line * 6})
    end = first + (3 << 14)
    expected = {*range(1, first + 1), *range(end + 1, end + last + 1)}
    assert {number for _, number in _secrets(tree)} == expected


@pytest.mark.parametrize("line", HARMLESS)
def test_a_line_that_holds_no_secret_is_not_told(line: str, tree: Path) -> None:
    write(tree, {"notes.txt": f"one\n{line}\n"})
    assert _secrets(tree) == set()


@pytest.mark.slow
@pytest.mark.parametrize("size", [(1 << 20) - 100, (1 << 20) + 1, 2 << 20, (2 << 20) + 3, 5 << 20])
@pytest.mark.parametrize("coding", ["utf-8", "utf-16-le"])
def test_the_begin_and_the_end_of_a_large_file_are_looked_into(size: int, coding: str, tree: Path) -> None:
    lines = (size // 64) // (2 if coding == "utf-16-le" else 1)
    write(tree, {"log.txt": f"{AWS}\n{('x' * 63 + chr(10)) * lines}{AWS}\n".encode(coding)})
    assert _secrets(tree) == {("log.txt", 1), ("log.txt", lines + 2)}


def test_a_secret_where_a_large_file_is_cut_is_told(tree: Path) -> None:
    write(tree, {"log.txt": "x" * ((1 << 20) - 30) + f"\n{AWS}\n" + "x" * 1000})
    assert _secrets(tree) == {("log.txt", 2)}


@pytest.mark.parametrize("size", [100, (1 << 20) + 1, 3 << 20])
@pytest.mark.parametrize("order", ["little", "big"])
def test_a_core_file_is_known_by_its_content_and_not_by_its_name(
    size: int, order: Literal["little", "big"], tree: Path
) -> None:
    head = b"\x7fELF\x02" + (b"\x01" if order == "little" else b"\x02") + bytes(10)
    kinds = {name: number.to_bytes(2, order) for name, number in (("core", 1), ("lib.so", 3), ("crash.bin", 4))}
    write(tree, {name: (head + kind).ljust(size, b"\0") for name, kind in kinds.items()})
    assert paths(tree) == sorted([*CODE, "core", "lib.so"])
    manifest(tree, "{include: [crash.bin]}")
    assert "crash.bin" in paths(tree)
    assert _secrets(tree) == {("crash.bin", 1)}


def test_a_core_file_that_stays_out_is_told(tree: Path) -> None:
    write(tree, {"dump": b"\x7fELF\x02\x01" + bytes(10) + b"\x04\x00" + bytes(100)})
    assert told(tree, Severity.WARNING) == ["a process's memory never travels: dump [workspace-withheld]"]
