"""A question that is asked over hours -> its answer, through an outage that passes."""

from collections.abc import Callable
from typing import TypeVar

from baseten_jobs.api.client import Api
from baseten_jobs.api.errors import ApiError, CannotConnect

T = TypeVar("T")

_OUTAGE = 600.0
"""Seconds without any answer after which nobody waits on."""

_PAUSE = 10.0

Tell = Callable[[str], None]


def patiently(api: Api, ask: Callable[[], T], tell: Tell) -> T:
    """What `ask` gives. An outage is told once, and waited out up to ten minutes; raises ApiError then.

    The client has repeated the call, and waited as a 429 asked, before it is an outage.
    """
    end: float | None = None
    while True:
        try:
            answer = ask()
        except ApiError as error:
            if not error.passing or isinstance(error, CannotConnect):
                raise
            if end is None:
                end = api.clock.now() + _OUTAGE
                tell(f"no answer, trying on: {error}")
            elif api.clock.now() >= end:
                raise
            api.clock.sleep(_PAUSE)
        else:
            if end is not None:
                tell("the API answers again")
            return answer


def rest(api: Api, seconds: float, began: float) -> None:
    """Wait between two looks: so long, or four times as long as the look that began then kept the server busy."""
    api.clock.sleep(max(seconds, 4 * (api.clock.now() - began)))
