"""What looks like a secret, what does not, and that no message shows one."""

import io
import re
import time

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from baseten_jobs import secrecy
from baseten_jobs.compilation import validate
from baseten_jobs.manifest.inputs import Inputs
from baseten_jobs.manifest.rules.warnings import WARNINGS
from baseten_jobs.report import json as as_json
from baseten_jobs.report import problems
from baseten_jobs.secrecy import (
    hidden,
    is_a_secret,
    lines_with_secrets,
    looks_secret,
    may_hold_a_secret,
    names_a_secret,
    quoted,
)

TOKEN = "hf_abcdefghijklmnopqrstuvwxyz0123"

SECRET_NAMES = (
    "HF_TOKEN", "hf_token", "hfToken", "HFTOKEN", "HUGGING_FACE_HUB_TOKEN", "ID_TOKEN", "TOKEN", "TOKEN_2",
    "HF_TOKEN_OLD", "WANDB_API_KEY", "wandb_api_key", "WandbAPIKey", "APIKEY", "OPENAI_KEY",
    "AWS_SECRET_ACCESS_KEY", "SSH_PRIVATE_KEY", "KEY", "SECRET", "SECRETS", "CLIENT_SECRET", "PASSWORD",
    "DB_PASSWORD", "DBPASSWORD", "DB_PASS", "DB_PWD", "PASSPHRASE", "GITHUB_PAT", "SESSION_COOKIE",
    "GOOGLE_APPLICATION_CREDENTIALS", "MY-TOKEN", "api.key",
)  # fmt: skip

OTHER_NAMES = (
    "", "_", "PATH", "PWD", "OLDPATH", "NCCL_DEBUG", "CUDA_VISIBLE_DEVICES", "TOKENIZERS_PARALLELISM", "TOKENIZER",
    "TOKENS_PER_BATCH", "MAX_TOKENS", "MAX_TOKEN", "MAX_NEW_TOKENS", "NUM_TOKENS", "TOKEN_LIMIT", "TOKEN_BUDGET",
    "EOS_TOKEN", "MODEL_PAD_TOKEN", "IMAGE_TOKEN", "KEY_FILE", "TOKEN_PATH", "TOKEN_URL", "SECRET_NAME",
    "SECRET_ARN", "AWS_ACCESS_KEY_ID", "PUBLIC_KEY", "SORT_KEY", "PRIMARY_KEY", "DATASET_KEY", "TEXT_KEY", "S3_KEY",
    "KEYBOARD", "MONKEY", "NUM_KEYS", "USE_AUTH_TOKEN", "PASS_AT_K", "COMPASS", "PAD", "訓練",
)  # fmt: skip

SECRET_VALUES = (
    TOKEN,
    f"export HF_TOKEN={TOKEN}; python train.py",
    "sk-proj-Abc123Abc123Abc123Abc123",
    "ghp_" + "a1" * 18,
    "github_pat_" + "a1" * 20,
    "glpat-abcdefghij0123456789",
    "xoxb-123456789012-abcdef",
    "AKIAIOSFODNN7EXAMPLE",
    "AIza" + "a1-_x" * 7,
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.sig",
    "AbCdEfGh.0123456789abcdefghijklmnopqrstuv",
    "-----BEGIN PRIVATE KEY-----\nMIIE",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIE",
    "postgres://user:hunter2@host:5432/db",
    "https://user:hunter2@example.com/",
)

OTHER_VALUES = (
    "",
    "INFO",
    "hf_access_token",
    "task-specific-fine-tuning-run-0001",
    "disk-usage-monitoring-with-a-long-name",
    "sk-learn-pipeline-for-everything",
    "8f3c1d0b" * 5,
    "sha256:" + "8f3c1d0b" * 8,
    "https://host:8080/path@v1",
    "http://localhost:4317",
    "postgres://user:$PASSWORD@host/db",
    "postgres://user:${PASSWORD}@host/db",
    "ssh://git@github.com/owner/repo",
    "git@github.com:owner/repo.git",
    "s3://bucket/key",
    "hf://Qwen/Qwen3-8B@8f3c1d0",
    "python train.py --lr 1e-4 --tokens 4096",
)


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_a_name_tells_of_a_secret(name: str) -> None:
    assert names_a_secret(name)


@pytest.mark.parametrize("name", OTHER_NAMES)
def test_a_name_tells_of_no_secret(name: str) -> None:
    assert not names_a_secret(name)


@pytest.mark.parametrize("value", SECRET_VALUES)
def test_a_value_has_the_form_of_a_secret(value: str) -> None:
    assert is_a_secret(value)
    assert looks_secret("ANYTHING", value)


@pytest.mark.parametrize("value", OTHER_VALUES)
def test_a_value_has_the_form_of_no_secret(value: str) -> None:
    assert not is_a_secret(value)
    assert not looks_secret("ANYTHING", value)


@pytest.mark.parametrize(
    "value", ["abc", "correct horse battery staple", "hf_access_token", "0123456789", "dev-only", "x/y"]
)
def test_a_literal_in_a_variable_that_names_a_secret_looks_like_one(value: str) -> None:
    assert looks_secret("HF_TOKEN", value)


NO_LITERALS = (
    "", " ", "true", "No", "none", "0", "512", "0.1", "$HF_TOKEN", "${HF_TOKEN}", "$(cat /token)", "{{ token }}",
    "<|endoftext|>", "[MASK]", "/run/secrets/token", "./key.json", "~/.ssh/id_ed25519", "../a",
)  # fmt: skip


@pytest.mark.parametrize("value", NO_LITERALS)
def test_what_is_no_literal_is_no_secret(value: str) -> None:
    assert not looks_secret("HF_TOKEN", value)


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "A",
        "eyJ-",
        "sk-",
        "sk-_",
        "hf_",
        "AKIA",
        "x://a:",
        "://a",
        ":",
        "://",
        "a.",
        "-----BEGIN ",
        "/",
        ".",
        "KEY",
        "pass_",
        "key=",
    ],
)
def test_no_text_takes_long_to_judge(piece: str) -> None:
    text = piece * (200_000 // len(piece))
    before = time.process_time()
    looks_secret("HF_TOKEN", text)
    names_a_secret(text)
    lines_with_secrets(text, 5)
    assert time.process_time() - before < 1


def test_a_quoted_value_is_cut_and_never_a_secret() -> None:
    assert quoted("two\nlines") == "'two\\nlines'"
    assert quoted("x" * 100, 10) == f"'{'x' * 9}…'"
    assert quoted(f"a {TOKEN}") == "a value that looks like a secret"


_MANIFEST = """\
apiVersion: {api}
kind: {kind}
metadata: {{name: {name}, project: {project}, "{key}": 1}}
spec:
  image: {{base_image: "{image}"}}
  compute: {{memory: {memory}, accelerator: {gpu}, availability_model: {model}}}
  runtime:
    start_commands: [{command}]
    cache_config: {{enabled: {flag}}}
    environment_variables:
      DB_PASSWORD: {password}
      HF_TOKEN: [{variable}]
      OTHER_TOKEN: {{name: {reference}}}
      "{variable_name}=": x
  weights: [{{source: {source}, mount_location: {mount}}}]
  checkpointing: {{load: {{checkpoints: [{{typ: {typ}}}, {checkpoint}]}}}}
"""
_GIVEN = {"api": "baseten-jobs/v1", "kind": "TrainingJob"}
_FIELDS = dict.fromkeys(re.findall(r"{([a-z_]+)}", _MANIFEST), "x") | _GIVEN


@pytest.mark.parametrize("field", _FIELDS)
@pytest.mark.parametrize("strict", [False, True], ids=["", "strict"])
def test_no_message_shows_what_looks_like_a_secret(field: str, strict: bool) -> None:
    secret = "0123456789" if field == "password" else TOKEN
    text = _MANIFEST.format(**_FIELDS | {field: secret})
    checked = validate(Inputs(["-"], strict), io.BytesIO(text.encode()))
    assert checked.diagnostics
    assert secret not in problems.diagnostics(checked.diagnostics)
    assert secret not in as_json.diagnostics(checked.diagnostics)


FORMS = (*secrecy._KEYS, *secrecy._BLOCKS, *secrecy._ENTRIES)
NAMES = (
    *SECRET_NAMES, *secrecy._WHOLE_WORDS, *(f"MY{word}" for word in secrecy._ENDS_OF_WORDS),
    *(f"MY_{word}" for word in secrecy._LAST_WORDS),
)  # fmt: skip
LONG = "0123456789abcdef0123456789abcdef"


def _is_found_in_a_manifest(name: str, value: str) -> bool:
    return bool([*WARNINGS["literal-secret"]({"spec": {"runtime": {"environment_variables": {name: value}}}})])


@pytest.mark.parametrize("name", sorted({*NAMES} - {"PWD"}))
def test_a_name_is_found_in_a_manifest_and_in_a_file(name: str) -> None:
    assert _is_found_in_a_manifest(name, LONG)
    for line in (f"export {name}={LONG}", f'"{name}": "{LONG}",', f"  {name.lower()} = '{LONG}'"):
        assert lines_with_secrets(f"one\n{line}\nthree", 5) == [2]


@given(
    st.from_regex(r"[A-Za-z_][\w.-]{0,20}", fullmatch=True),
    st.sampled_from([*NAMES, ""]),
    st.text("aZ_.-9訓", max_size=9),
)
def test_a_name_that_is_found_in_a_manifest_is_found_in_a_file(before: str, word: str, behind: str) -> None:
    name = before + word + behind
    assert (lines_with_secrets(f"{name}={LONG}", 5) == [1]) == names_a_secret(name)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.pattern[:20])
@settings(max_examples=20)
@given(st.data())
def test_a_form_is_found_in_a_manifest_and_in_a_file_and_is_masked(form: secrecy._Form, data: st.DataObject) -> None:
    found = re.search(form.pattern, data.draw(st.from_regex(form.pattern)))
    assert found
    value = found.string[found.start() :]
    assume("\n" not in value)
    assert may_hold_a_secret(value)
    assert may_hold_a_secret(f"a\n{value}\nb")
    assert _is_found_in_a_manifest("ANYTHING", value)
    assert lines_with_secrets(f"one\n{value}\nthree", 5) == [2]
    assert found[0] not in hidden(value, "***")
