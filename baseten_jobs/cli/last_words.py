"""The outcomes of a wait -> the end of the log of each job that failed, on standard error."""

from baseten_jobs.applying.outcome import Applied, Outcome
from baseten_jobs.cli.session import Session
from baseten_jobs.job.observation import ObservedJob, StatusClass
from baseten_jobs.phrases import count
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.api.errors import ApiError
from baseten_jobs.provider.log_tail import tail
from baseten_jobs.report.last_words import ROWS, last_words
from baseten_jobs.secrecy import Values

_MOST_JOBS = 5
_ATTEMPTS, _EACH, _ALL = 2, 10.0, 20.0
"""How often a read is tried, how many seconds it has, and after how many nothing is tried again."""

_FAILED = (StatusClass.FAILED, StatusClass.INTERRUPTED)


def tell_last_words(session: Session, api: Api, result: Applied) -> None:
    """Print them for five jobs at most. What can't be read is told, and is no failure."""
    failed = [(outcome.action.request, job) for outcome in result.outcomes if (job := _failed(outcome))]
    hasty = api.hasty(_ATTEMPTS, _EACH, api.clock.now() + _ALL) if failed else api
    for request, job in failed[:_MOST_JOBS]:
        try:
            lines = tail(hasty, job, ROWS)
        except ApiError as error:
            session.note(f"{request.name}: the end of the log of job {job.id} can't be read: {error}")
            continue
        secrets = None if session.values is Values.ALL else session.look_err().unshown(request)
        session.note(last_words(request.name, job.id, lines, secrets))
    if len(failed) > _MOST_JOBS:
        more = count(len(failed) - _MOST_JOBS, "more log")
        session.note(f"`baseten-jobs logs NAME --tail {ROWS}` shows the end of {more}")


def _failed(outcome: Outcome) -> ObservedJob | None:
    """The job of an outcome, if it failed."""
    job = outcome.awaited.job if outcome.awaited and not outcome.awaited.gone else None
    return job if job is not None and job.status_class in _FAILED else None
