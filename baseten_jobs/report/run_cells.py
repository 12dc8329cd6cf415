"""A run -> the short texts that every report of runs shows of it."""

from baseten_jobs.job.names import without_letters
from baseten_jobs.job.observation import ObservedJob
from baseten_jobs.job.times import age, moment
from baseten_jobs.planning.masking import masked_values
from baseten_jobs.planning.records.run import Figure, Run
from baseten_jobs.report.style import Look
from baseten_jobs.secrecy import MASK, without_values

AT_MOST = "≤ "
"""In front of what is an upper bound."""


def usd(figure: Figure) -> str:
    """`$12.25`, `≤ $12.25`, `?`; with `+ ?` behind it for a sum that lacks what is not known."""
    return _figure(figure, f"${figure.value or 0.0:,.2f}")


def time(figure: Figure) -> str:
    return _figure(figure, age(figure.value or 0.0))


def hours(figure: Figure) -> str:
    return _figure(figure, f"{figure.value or 0.0:,.1f}")


def _figure(figure: Figure, told: str) -> str:
    if figure.value is None:
        return "?"
    return f"{'' if figure.exact or not figure.value else AT_MOST}{told}{'' if figure.whole else ' + ?'}"


def minute(seconds: float | None) -> str:
    """`2026-11-22 10:00`, in UTC; empty for no time."""
    return "" if seconds is None else moment(seconds)[:16].replace("T", " ")


def instant(seconds: float | None) -> str | None:
    return None if seconds is None else moment(seconds)


def gpus(job: ObservedJob) -> str:
    """`16 H100`; `CPU` for a job without GPUs."""
    return f"{job.gpus} {job.gpu_type or 'GPU'}" if job.gpus else "?" if job.gpus is None else "CPU"


def again(run: Run) -> str:
    """`a2 r1`: its attempt from the second on, and its retry from the first on."""
    attempt = f"a{run.identity.attempt}" if run.identity.attempt > 1 else ""
    return " ".join(filter(None, (attempt, f"r{run.retry}" if run.retry else "")))


def commit(run: Run) -> str:
    return run.commit.revision.commit[:8] if run.commit else ""


def author(run: Run) -> str:
    return run.commit.revision.author if run.commit else ""


def subject(run: Run) -> str:
    return run.commit.subject if run.commit else ""


def name_of(job: ObservedJob) -> str:
    """The name of a job that no manifest has."""
    return without_letters(job.name) or ""


def error(run: Run, look: Look) -> str:
    """Why the job failed, as the API tells, without the values of its environment; empty if it does not."""
    told = run.job.error_message or ""
    if not run.commit or not told:
        return told
    return without_values(told, masked_values({"spec": run.commit.written.spec}, look.values), MASK)
