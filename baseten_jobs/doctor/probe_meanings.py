"""What a probe was answered -> findings: what that means for what this tool promises."""

import re
from collections.abc import Mapping
from typing import Any

from baseten_jobs.doctor.findings import Finding, Level
from baseten_jobs.doctor.probe_creates import Sent
from baseten_jobs.phrases import count, one_line
from baseten_jobs.secrecy import quoted

_SAFE = 63
"""Characters that a job's name may have without a warning."""


def unasked(question: str, why: str) -> Finding:
    """What could not be measured, or not be asked at all."""
    return Finding(question, Level.WARN, f"not measured: {why}", unread=True, measured={"asked": False})


def never_asked(question: str, why: str) -> Finding:
    """What no probe asks."""
    return Finding(question, Level.OK, f"not asked: {why}", unread=False, measured={"asked": False})


def _nothing(question: str, sent: Sent) -> Finding:
    said: dict[str, Any] = {"asked": True, "status": sent.status, "unknown": sent.unknown}
    return Finding(question, Level.WARN, f"not measured: {sent.reason}", unread=True, measured=said)


def of_name(question: str, sent: Sent) -> Finding:
    """Whether a name of this length is kept as it was sent."""
    length = len(sent.name)
    short = length <= _SAFE
    if sent.job is None and (sent.unknown or sent.status in (None, 401, 403, 429)):
        return _nothing(question, sent)
    if sent.job is None:
        told = f"a name of {count(length, 'character')} is refused: {sent.reason}"
        means = "Jobs with such names can't be submitted." if short else _WARNED
        refused = {"sent": sent.name, "status": sent.status}
        return Finding(question, Level.FAIL if short else Level.OK, told, means, measured=refused)
    held = sent.job.name
    measured: dict[str, Any] = {"sent": sent.name, "held": held, "seconds": round(sent.took, 3)}
    if held == sent.name:
        told, means = f"a name of {count(length, 'character')} is kept as it was sent", _FOUND
        return Finding(question, Level.OK, told, means, measured=measured)
    cut = f"cut to {len(held)} characters" if held and sent.name.startswith(held) else f"held as {_shown(held)}"
    means = "apply stops a job whose name is lost, and submits nothing more." if short else _WARNED
    told = f"a name of {count(length, 'character')} is {cut}"
    return Finding(question, Level.FAIL if short else Level.OK, told, means, measured=measured)


_FOUND = "An apply finds its jobs again by their names, so it never submits one twice."
_WARNED = "validate warns of such names; manifests' names of up to 35 characters are safe."


def of_second(sent: Sent, first: str) -> Finding:
    """What a second create of one name is answered with: a suffix, an error, or neither."""
    question = "same-name"
    if sent.job is None and sent.status in (400, 409, 422):
        told = f"a second create of one name is refused: {sent.reason}"
        means = "A name that is taken is looked up, so a lost answer is settled at once."
        return Finding(question, Level.OK, told, means, measured={"answer": "error", "status": sent.status})
    if sent.job is None:
        return _nothing(question, sent)
    held = sent.job.name or ""
    measured = {"answer": "neither" if held == first else "suffix", "held": held}
    if held == first:
        told = "a second create of one name makes a second job of just this name"
        means = "The server keeps no two appliers apart; the tokens in names, and a look for twins, do."
        return Finding(question, Level.OK, told, means, measured=measured)
    if re.fullmatch(re.escape(first) + r"-[1-9][0-9]*", held):
        told = f"a second create of one name gets the suffix '{held.removeprefix(first)}'"
        return Finding(question, Level.OK, told, "Names with a suffix are read as those without.", measured=measured)
    told = f"a second create of one name is held as {_shown(held)}"
    means = "A twin under such a name is not known to be one."
    return Finding(question, Level.WARN, told, means, measured={**measured, "answer": "other"})


def of_copy(sent: Sent, original: str) -> Finding:
    """Whether `recreate` gives a copy the name of its original."""
    question = "recreate"
    if sent.job is None:
        return _nothing(question, sent)
    held = sent.job.name or ""
    measured = {"original": original, "held": held}
    if held == original or re.fullmatch(re.escape(original) + r"-[1-9][0-9]*", held):
        told = f"a job that is recreated is called as its original{'' if held == original else ', with a suffix'}"
        means = "A copy that a person makes is known as one, and never stopped as a twin."
        return Finding(question, Level.OK, told, means, measured=measured)
    told, means = f"a job that is recreated is called {_shown(held)}", "A copy counts as a job of no manifest."
    return Finding(question, Level.WARN, told, means, measured=measured)


def of_visibility(seconds: Mapping[str, float | None], window: float) -> Finding:
    """How long it took until a new job was shown, by where it was looked for; None where it was not, in time."""
    hidden = [where for where, time in seconds.items() if time is None]
    shown = [f"{where} shows a new job after {time:.1f} s" for where, time in seconds.items() if time is not None]
    told = ", ".join([*shown, *(f"{where} does not show it in time" for where in hidden)])
    means = f"An apply whose create got no answer looks for its job for {window:g} s (--settle)."
    return Finding("shown-after", Level.WARN if hidden else Level.OK, told, means, measured={"seconds": dict(seconds)})


def of_patch(status: int, words: str, took: float, state: str, *, pending: bool) -> Finding:
    measured = {"status": status, "seconds": round(took, 3), "state": state, "while_pending": pending}
    answered = f"a PATCH of a job that is {one_line(state, 40)} is answered with {status} after {took:.1f} s"
    if pending:
        means = "Priority and availability of a waiting job are changed without a new one."
        level = Level.OK if 200 <= status < 300 else Level.WARN
        return Finding(
            "patch", level, answered if 200 <= status < 300 else f"{answered}: {words}", means, measured=measured
        )
    means = "This is tried on waiting jobs alone; this job did not wait, so how one that does takes it was not asked."
    return Finding("patch", Level.OK if status in (400, 409, 422) else Level.WARN, answered, means, measured=measured)


def of_stop(status: int, words: str, answered: float, ended: float | None) -> Finding:
    measured = {"status": status, "seconds": round(answered, 3), "seconds_until_over": ended and round(ended, 3)}
    told = f"a stop is answered with {status} after {answered:.1f} s"
    if not 200 <= status < 300:
        told = f"{told}: {words}"
    if ended is None:
        told += ", and the job was not shown to be over in time"
        return Finding("stop", Level.WARN, told, "A stop is sent again until the job is over.", measured=measured)
    told += f", and the job is over after {ended:.1f} s"
    return Finding("stop", Level.OK, told, "What is superseded, pruned or a twin ends so soon.", measured=measured)


def of_reading(question: str, told: str, error: str) -> Finding:
    """Whether something of the account can be read."""
    if error:
        return Finding(question, Level.WARN, f"can't be read: {error}", _UNREAD[question], measured={"read": False})
    return Finding(question, Level.OK, f"can be read: {told}", "", measured={"read": True})


_UNREAD = {
    "prices": "No cost is shown, and --max-cost-per-hour refuses each submit.",
    "capacity": "Plans do not say whether a job starts or queues.",
    "billing": "What runs cost is told as an upper bound, and not as it was billed.",
}


def of_cost(creates: int, jobs: int, minutes: int, cents: float | None) -> Finding:
    """What the probe cost at most: each job from its create until it was shown to be over, in whole minutes."""
    told = f"{count(creates, 'create')} made {count(jobs, 'job')}"
    price = f"at most {cents:.2f} cents" if cents is not None else f"{count(minutes, 'minute')} of the smallest machine"
    measured = {"creates": creates, "jobs": jobs, "minutes_at_most": minutes, "cents_at_most": cents}
    return Finding("cost", Level.OK, f"{told}: {price}", "", measured=measured)


def of_rest(left: Mapping[str, str], lost: int, token: str) -> Finding:
    """Whether all jobs have ended: `left` are those that may not have, with why; `lost` creates showed no job."""
    measured = {"live": list(left), "unclear": lost, "token": token}
    if left:
        first = next(iter(left))
        told = f"{count(len(left), 'job')} may live on: {', '.join(left)}; {left[first]}"
        return Finding("left", Level.FAIL, told, _ENDS, f"baseten-jobs stop --job {first}", measured=measured)
    if lost:
        told = f"{count(lost, 'create')} got no clear answer, and no job of theirs was shown"
        return Finding("left", Level.WARN, f"{told}; its name would hold '{token}'", _ENDS, measured=measured)
    return Finding("left", Level.OK, "no job of this probe lives", "", measured=measured)


_ENDS = "Such a job ends by itself, as its command does."


def _shown(name: str | None) -> str:
    return quoted(name, 140) if name else "no name"
