"""Every wait says what it waits for and how long at most: before a call is repeated there is one way to wait."""

import re
from pathlib import Path

import baseten_jobs

PACKAGE = Path(baseten_jobs.__file__).parent

TOLD_OTHERWISE = {
    "applying/settle.py": "the ledger tells of each search and of the look for twins, with its seconds",
    "applying/twin_stops.py": "the ledger tells of both readings, with their seconds",
    "applying/wait.py": "`apply --wait` tells at its start, with --timeout",
    "cli/commands/metrics.py": "the user asked to watch",
    "cli/commands/status.py": "the user asked to watch",
    "doctor/probe.py": "the probe tells of each of its questions, and has an end",
    "doctor/probe_jobs.py": "the same",
    "provider/log_reader.py": "the user asked to follow",
    "provider/outages.py": "an outage is told once, with its end",
    "provider/api/pacing.py": "waits are told there",
}


def test_nothing_waits_in_silence() -> None:
    waits = re.compile(r"clock\.(?:pause|sleep)\(|interrupted\.wait\(|time\.sleep\(")
    found = {
        name
        for path in PACKAGE.rglob("*.py")
        if not (name := path.relative_to(PACKAGE).as_posix()).startswith("emulator/")
        and waits.search(path.read_text("utf-8"))
    }
    assert found == set(TOLD_OTHERWISE)
