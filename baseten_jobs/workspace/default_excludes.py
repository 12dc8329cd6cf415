"""A path -> whether a file or folder of that name never travels unless a manifest spells it out, and why."""

import re
from itertools import pairwise

from baseten_jobs.workspace.ignore_files import IGNORE_FILES

NEVER = frozenset(
    {
        ".git", ".hg", ".svn", ".baseten-jobs",
        ".venv", "__pycache__", ".cache", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis",
        ".ipynb_checkpoints", ".tox", ".nox",
    }
)  # fmt: skip
"""Names of files and folders that a tool fills, and no job needs."""

ENVIRONMENT_MARKS = frozenset({"pyvenv.cfg", "conda-meta"})
"""What a folder that is a virtual environment holds, whatever its name is."""

JUNK = (".pyc", ".pyo", ".DS_Store")
"""Ends of names that no job misses."""

CHOOSING = frozenset({*IGNORE_FILES, ".gitattributes", ".dockerignore"})
"""Names of files that only say which others are chosen, and how: what a job runs never depends on a comment in one."""

_SECRET_FOLDERS = frozenset({".ssh", ".aws", ".azure", ".gnupg", ".password-store"})

_SECRET = frozenset(
    {
        ".envrc",
        "id_rsa", "id_dsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk", "kaggle.json",
        ".netrc", "_netrc", ".npmrc", ".yarnrc.yml", ".pypirc", ".pgpass", ".my.cnf", ".mylogin.cnf", ".htpasswd",
        ".git-credentials", ".dockercfg", ".dockerconfigjson", ".terraformrc", "terraform.rc", "credentials.tfrc.json",
        ".vault-token", ".boto", ".s3cfg", ".databrickscfg", ".snowsql", ".wandb-api-key",
        "application_default_credentials.json", ".histfile", "fish_history", "consolehost_history.txt",
    }
)  # fmt: skip
"""Names of files that hold secrets, in lower case."""

_SECRET_BELOW = frozenset(
    {
        ".docker/config.json", ".kube/config", ".kube/cache", ".config/gcloud", ".config/gh", ".config/rclone",
        ".config/hub", ".huggingface/token", "huggingface/token", "huggingface/stored_tokens", ".kaggle/access_token",
        ".cargo/credentials", ".cargo/credentials.toml", ".gem/credentials", ".streamlit/secrets.toml",
        ".terraform.d/credentials.tfrc.json", "gcloud/credentials.db", "gcloud/access_tokens.db",
    }
)  # fmt: skip
"""The same of names that say it only together with the folder above."""

_SECRET_FORM = re.compile(
    r"[^/]*\.(?:tfstate(?:\..*)?|tfvars(?:\.json)?|env|p12|pfx|jks|keystore|kdbx|ppk)|\.env[._-].*"
    r"|gha-creds-[^/]*\.json|\.[\w-]+_history",
    re.DOTALL,
)
_SAMPLES = re.compile(
    r"\.env[._-](?:example|sample|template|dist)|(?:example|sample|template|dist)\.env"
    r"|(?:.*\.)?(?:example|sample|template|dist)\.(?:tfvars(?:\.json)?|env)",
    re.DOTALL,
)
"""Endings of templates of such files: they hold no secret, or their lines show it."""


def spelling_of(path: str) -> str:
    """What a manifest must spell out before this file or folder travels: the end of its path; empty if it travels."""
    above, _, name = path.rpartition("/")
    if name in NEVER or name.endswith(JUNK) or _names_secrets(name.lower()):
        return name
    pair = f"{above.rpartition('/')[2]}/{name}"
    return pair if pair.lower() in _SECRET_BELOW else ""


def never_travels(path: str) -> bool:
    """Whether a file or folder of this name is left out, whatever the ignore files say."""
    return spelling_of(path) != ""


def is_kept_secret(path: str) -> bool:
    """True if the name of a file, or of a folder above it, is one that holds secrets."""
    *folders, name = path.lower().split("/")
    pairs = {"/".join(pair) for pair in pairwise((*folders, name))}
    return _names_secrets(name) or not _SECRET_FOLDERS.isdisjoint(folders) or not _SECRET_BELOW.isdisjoint(pairs)


def _names_secrets(name: str) -> bool:
    if name in _SECRET or name in _SECRET_FOLDERS:
        return True
    return _SECRET_FORM.fullmatch(name) is not None and not _SAMPLES.fullmatch(name)
