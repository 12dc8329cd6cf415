"""Numbers, times and sizes at their limits, for every option of every command that takes one: a clear line at most."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from baseten_jobs.cli.main import COMMANDS, command_of
from tests.cli.test_command_line import MANIFEST
from tests.support.commands import Cli, called, nothing_set
from tests.support.world import StandingClock

__all__ = ["called", "nothing_set"]

EXTREMES = (
    "0", "-0", "-1", "1", "nan", "-nan", "inf", "-inf", "1e-320", "1e9", "1e10", "1e300", "1e400", "9" * 19, "9" * 5000,
    "1_000", "0x10", "\uff11", "\u0663s", " ", "", "0s", "1s", "-1s", "87840h", "99999999999s", "9" * 5000 + "s",
    "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2026-02-30", "\x1b[2J\n",
)  # fmt: skip

WORDS = (click.types.StringParamType, click.types.BoolParamType, click.Choice, click.Path)
"""Types of options that are no numbers."""

FORMS = {"--fault": "delay=1,{}", "--capacity": "H100={}"}
"""How a number stands in the words that an option takes."""

WHOLE = {
    "describe": ["good"], "logs": ["good"], "metrics": ["good"], "session": ["good"], "stop": ["good", "--yes"],
    "apply": ["--yes", "--wait"], "adopt": ["good", "--job", "nobody"],
    "emulator": ["--host", "192.0.2.1", "--db", "e.db"], "job": ["nobody"],
    "list": ["good"], "download": ["good"], "deploy": ["good"], "code": ["good"],
}  # fmt: skip
"""What a command needs beside the option; an emulator on an address that is not this machine's ends at once."""


def numeric() -> Iterator[tuple[tuple[str, ...], str]]:
    """Every option that takes a number or a time: the words of its command, and its own."""
    for name in COMMANDS:
        known = command_of(name)
        several: dict[str, Any] = dict(known.commands) if isinstance(known, click.Group) else {"": known}
        for inner, command in several.items():
            for option in command.params:
                takes_number = not isinstance(option.type, WORDS) or option.opts[0] in FORMS
                if isinstance(option, click.Option) and takes_number:
                    yield (name, inner) if inner else (name,), option.opts[0]


OPTIONS = tuple(numeric())


def test_these_are_the_options_that_take_numbers() -> None:
    """One that is added is tried with all of the limits, and `--set`, whose value may be one, too."""
    assert {option for _, option in OPTIONS} >= {
        "--max-submits", "--max-gpus", "--max-cost-per-hour", "--history", "--concurrency", "--settle", "--timeout",
        "--since", "--connect-timeout", "--read-timeout", "--port", "--seed", "--latency", "--fault", "--capacity",
        "--run-seconds", "--set", "--if-tip",
    }  # fmt: skip
    assert {words[0] for words, option in OPTIONS if option == "--read-timeout"} == {
        "plan", "apply", "status", "describe", "report", "logs", "metrics", "session", "capacity", "stop", "adopt",
        "import", "runs", "checkpoints", "code", "doctor",
    }  # fmt: skip


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose only job was stopped, so that there is a log, and nothing to submit or to wait for."""
    folder = tmp_path_factory.mktemp("limits")
    (folder / "specs").mkdir()
    (folder / "specs" / "good.yaml").write_text(MANIFEST)
    return folder


@pytest.mark.parametrize(("words", "option"), OPTIONS, ids=[" ".join((*words, option)) for words, option in OPTIONS])
def test_an_option_at_its_limits_is_taken_or_refused_in_a_line(
    words: tuple[str, ...], option: str, there: Path, nothing_set: None, called: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(there)
    monkeypatch.setenv("BASETEN_API_KEY", "k")
    monkeypatch.setenv("BASETEN_BASE_URL", "http://127.0.0.1:9")
    if not Path("e.db").exists():
        assert called("apply", "--yes", "--local-db", "e.db").code == 0
        assert called("stop", "good", "--yes", "--local-db", "e.db").code == 0
    own = [*words, *WHOLE.get(words[-1], ())]
    if option not in ("--connect-timeout", "--read-timeout") and words[0] != "emulator":
        own += ["--local-db", "e.db"]
    for extreme in EXTREMES:
        ran = called(*own, f"{option}={FORMS.get(option, '{}').format(extreme)}", clock=StandingClock())
        assert ran.code in (0, 1, 2, 7, 8, 64), extreme
        assert ran.code != 64 or ran.err.splitlines()[-1].startswith("error: "), extreme
        assert ran.code not in (1, 64) or (ran.out + ran.err).strip(), extreme
        assert len(ran.err) < 2000, extreme
        assert "\x1b" not in ran.err, extreme
