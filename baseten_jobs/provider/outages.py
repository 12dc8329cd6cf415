"""A question to the API, asked again and again for hours -> its answer, in spite of outages that pass."""

from collections.abc import Callable
from typing import TypeVar

from baseten_jobs.job.times import age
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.api.errors import ApiError, CannotConnect

T = TypeVar("T")

_OUTAGE = 600.0
"""Seconds without an answer after which the wait ends with the error."""

_PAUSE = 10.0

Tell = Callable[[str], None]


def patiently(api: Api, ask: Callable[[], T], tell: Tell, until: float = float("inf")) -> T:
    """Return what `ask` returns. An outage is reported once and waited out for ten minutes; raises ApiError after that.

    It is not waited out beyond `until`, a time by the API's clock. The client has repeated the call, and waited as a
    429 asked, before it is an outage.
    """
    end: float | None = None
    while True:
        try:
            answer = ask()
        except ApiError as error:
            if not error.passing or isinstance(error, CannotConnect):
                raise
            if end is None:
                end = min(until, api.clock.now() + _OUTAGE)
                tell(f"no answer, trying on for {age(end - api.clock.now())} at most: {error}")
            if api.clock.now() >= end:
                raise
            api.clock.sleep(min(_PAUSE, end - api.clock.now()))
        else:
            if end is not None:
                tell("the API answers again")
            return answer


def between_looks(seconds: float, took: float) -> float:
    """Return the seconds until the next look: at least `seconds`, and 4 times what a look took, if under a minute."""
    return max(seconds, min(4 * took, 60.0))
