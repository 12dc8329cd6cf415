"""The hashes that are remembered between runs: only ever in the user's own folder, whatever lies in the repository."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from baseten_jobs.workspace import user_cache
from tests.support.repository import git
from tests.support.trees import CODE, commit, digest, manifest, write


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = write(tmp_path / "checkout", CODE)
    manifest(folder)
    commit(folder)
    return folder


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where our folder is, once there is one; files count as settled at once."""
    monkeypatch.setattr("baseten_jobs.workspace.hashing.TOO_FRESH", 0)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "baseten-jobs"


def _remembered(cache: Path) -> Path:
    (path,) = cache.glob("*.json")
    return path


def _with_lies(memory: Path) -> str:
    """What is remembered, with a hash of another content for each file."""
    sound = json.loads(memory.read_text())
    lied = {name: [stamp, "0" * 64, *rest] for name, (stamp, _, *rest) in sound["files"].items()}
    return json.dumps({**sound, "files": lied})


@pytest.mark.parametrize("target", ["../outside", "/dev", "."])
def test_a_link_that_is_committed_as_our_folder_leads_nowhere(target: str, checkout: Path, cache: Path) -> None:
    (checkout.parent / "outside").mkdir()
    (checkout / ".baseten-jobs").symlink_to(target)
    commit(checkout)
    digest(checkout)
    assert list((checkout.parent / "outside").iterdir()) == []
    assert _remembered(cache).stat().st_size > 0
    assert git(checkout, "status", "--porcelain") == ""


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/stdin", "/dev/tty"])
def test_a_device_that_is_committed_as_our_memory_is_not_read(device: str, checkout: Path, cache: Path) -> None:
    before = digest(checkout)
    (checkout / ".baseten-jobs").mkdir()
    (checkout / ".baseten-jobs" / "hashes.json").symlink_to(device)
    git(checkout, "add", "-f", ".")
    git(checkout, "commit", "-qm", "change")
    assert digest(checkout) == before


_OTHERS: dict[str, Callable[[Path], object]] = {
    "a link to a file": lambda path: path.symlink_to(path.with_name("elsewhere")),
    "a link to a device": lambda path: path.symlink_to("/dev/zero"),
    "a fifo": os.mkfifo,
    "a folder": os.mkdir,
    "a file that others may write": lambda path: (path.write_text("{}"), path.chmod(0o666)),
    "a file without end": lambda path: (path.touch(0o600), os.truncate(path, 1 << 40)),
}


@pytest.mark.parametrize("put", _OTHERS.values(), ids=_OTHERS)
def test_only_a_regular_file_of_ones_own_and_of_sane_size_is_believed(
    put: Callable[[Path], object], checkout: Path, cache: Path
) -> None:
    before = digest(checkout)
    path = _remembered(cache)
    (cache / "elsewhere").write_text(_with_lies(path))
    path.unlink()
    put(path)
    assert digest(checkout) == before


def test_our_folder_may_not_be_a_link_but_those_above_it_may(checkout: Path, cache: Path) -> None:
    (checkout.parent / "real").mkdir()
    cache.parent.symlink_to(checkout.parent / "real")
    digest(checkout)
    assert _remembered(checkout.parent / "real" / "baseten-jobs").exists()
    (checkout.parent / "real" / "baseten-jobs").rename(checkout.parent / "theirs")
    cache.symlink_to(checkout.parent / "theirs")
    before = _remembered(checkout.parent / "theirs").read_bytes()
    write(checkout, {"more.py": "X = 1\n"})
    digest(checkout)
    assert _remembered(checkout.parent / "theirs").read_bytes() == before


def test_our_folder_is_closed_to_others_and_another_users_is_not_entered(
    checkout: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.mkdir(parents=True, mode=0o755)
    digest(checkout)
    assert (cache.stat().st_mode & 0o777, _remembered(cache).stat().st_mode & 0o777) == (0o700, 0o600)
    own = os.geteuid()
    monkeypatch.setattr("os.geteuid", lambda: own + 1)
    with pytest.raises(PermissionError):
        user_cache.read(_remembered(cache).name)
    with pytest.raises(PermissionError):
        user_cache.replace("x.json", b"")


_HOMES = {
    "xdg": ({"XDG_CACHE_HOME": "/x/cache", "HOME": "/home/ada"}, "/x/cache/baseten-jobs"),
    "xdg relative": ({"XDG_CACHE_HOME": "cache", "HOME": "/home/ada"}, "/home/ada/.cache/baseten-jobs"),
    "home": ({"HOME": "/home/ada"}, "/home/ada/.cache/baseten-jobs"),
    "home relative": ({"HOME": "."}, ""),
    "home empty": ({"HOME": ""}, ""),
    "nothing": ({}, ""),
}


@pytest.mark.parametrize(("environment", "expected"), _HOMES.values(), ids=_HOMES)
def test_without_a_home_and_a_user_the_folder_is_a_temporary_one(
    environment: dict[str, str], expected: str, tmp_path: Path
) -> None:
    """A user that the list of users lacks, as in a container that is run as any number."""
    script = (
        "import os, pwd\n"
        "def nobody(number): raise KeyError(number)\n"
        "pwd.getpwuid = nobody\n"
        "from baseten_jobs.workspace.user_cache import cache_folder\n"
        "print(cache_folder())\n"
    )
    (tmp_path / "temporary").mkdir()
    given = {"TMPDIR": str(tmp_path / "temporary"), **environment}
    ran = subprocess.run([sys.executable, "-c", script], env=given, cwd=tmp_path, capture_output=True, text=True)
    assert ran.stdout.strip() == (expected or str(tmp_path / "temporary" / f"baseten-jobs-{os.geteuid()}")), ran.stderr


def test_what_was_not_written_for_longest_is_forgotten(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(user_cache, "MAX_FILES", 3)
    for number in range(5):
        user_cache.replace(f"{number}.json", b"{}")
        os.utime(cache / f"{number}.json", (number, number))
    assert sorted(path.name for path in cache.iterdir()) == ["2.json", "3.json", "4.json"]


def test_a_memory_that_a_repository_brings_into_a_cache_within_it_is_not_believed(
    checkout: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some pipelines set the cache's folder to one of the checkout; git writes files that others may read."""
    digest(checkout)
    lied = _with_lies(_remembered(cache))
    brought = checkout / ".cache" / "baseten-jobs" / _remembered(cache).name
    write(brought.parent, {brought.name: lied})
    monkeypatch.setenv("XDG_CACHE_HOME", str(checkout / ".cache"))
    digest(checkout)
    found = {Path(name).name: entry[1] for name, entry in json.loads(brought.read_text())["files"].items()}
    assert found["train.py"] == hashlib.sha256(CODE["train.py"].encode()).hexdigest()
