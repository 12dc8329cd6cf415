"""`apply --wait`: wait until the jobs run or have completed, and print each change on standard error."""

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import click

from baseten_jobs.applying.outcome import Applied, Awaited, Goal, Outcome
from baseten_jobs.applying.wait import Waiting, wait
from baseten_jobs.cli import sink
from baseten_jobs.cli.field_option import FieldOption, bundle
from baseten_jobs.cli.interrupts import raising
from baseten_jobs.cli.session import Session
from baseten_jobs.job.observation import ObservedJob
from baseten_jobs.job.times import age, seconds_of
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.api.errors import ApiError
from baseten_jobs.provider.standstill import standing_still


class WaitingCommand(click.Command):
    """A bare `--wait` takes no argument from behind it: `apply --wait specs` waits, and applies specs."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        end = args.index("--") if "--" in args else len(args)
        named = [f"--wait={Waiting.goal.value}" if word == "--wait" else word for word in args[:end]]
        return super().parse_args(ctx, [*named, *args[end:]])


class _Duration(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    name = "DURATION"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if (seconds := seconds_of(value)) is None:
            self.fail(f"'{value}' is no duration such as 90s, 30m or 2h", param, ctx)
        return seconds


def _waiting(wait: str | None, timeout: int | None) -> Waiting | None:
    if wait is None and timeout is not None:
        raise click.UsageError("--timeout is the longest time that --wait waits, and needs it")
    return None if wait is None else Waiting(Goal(wait), timeout)


waiting = bundle(
    "waiting",
    _waiting,
    click.Option(
        ["--wait"], type=click.Choice([goal.value for goal in Goal]), metavar="[=running|completed]",
        help="Wait until the jobs have completed, or run; fails where one ended otherwise or is gone.",
    ),
    FieldOption(
        ["--timeout"], owner=lambda: Waiting, type=_Duration(), metavar="DURATION",
        help="Wait no longer than 90s, 30m or 2h; exits with 7 then, and the jobs run on.",
    ),
)  # fmt: skip
"""What to wait for, as a Waiting; None without --wait."""


def waited(session: Session, api: Api, result: Applied, waiting: Waiting) -> Applied:
    """Wait, and print each change; returns the result with what was last seen of each job. No job is stopped."""
    show = _Shown(session, api.clock.now())
    try:
        with raising():
            for each in _told(api, result, waiting, show):
                result = each
    except KeyboardInterrupt:
        show.note("interrupted: the jobs run on; `baseten-jobs status` shows them")
        return replace(result, interrupted=True)
    except ApiError as error:
        session.error(f"{error}; the jobs run on")
    return result


def _told(api: Api, result: Applied, waiting: Waiting, show: "_Shown") -> Iterator[Applied]:
    before = result
    for after in wait(api, result, waiting, show.note):
        show.changes(before, after, api.clock.now())
        yield after
        before = after


class _Shown:
    """A line for each change; on a terminal also how many jobs are in which state, below them."""

    def __init__(self, session: Session, began: float) -> None:
        self._session, self._began = session, began
        self._screen = sink.screen(err=True)

    def note(self, text: str) -> None:
        if self._screen is None:
            self._session.note(text)
            return
        with suppress(OSError):
            self._screen.above(text)

    def changes(self, before: Applied, after: Applied, now: float) -> None:
        for old, new in zip(before.outcomes, after.outcomes, strict=True):
            if new.awaited and new.awaited != Awaited() and _state(old) != _state(new):
                self.note(f"{new.action.request.name}: {_state(new)}  (job {new.job_id})")
            if (job := _stuck(new)) and not _stuck(old):
                self.note(f"warning: {standing_still(job)}")
        if self._screen is not None:
            states = Counter(_state(outcome) for outcome in after.outcomes if outcome.awaited)
            counts = ", ".join(f"{number} {state}" for state, number in states.most_common())
            with suppress(OSError):
                self._screen.draw(f"waiting {age(now - self._began)}: {counts}")


def _stuck(outcome: Outcome) -> ObservedJob | None:
    return outcome.awaited.job if outcome.awaited and outcome.awaited.stuck else None


def _state(outcome: Outcome) -> str:
    return outcome.awaited.state if outcome.awaited else ""
