"""`apply --wait`: wait until the jobs run or have completed, and print each change on standard error."""

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import click

from baseten_jobs.applying.outcome import Applied, Awaited, Goal, Outcome
from baseten_jobs.applying.stages import Onward, is_open
from baseten_jobs.applying.wait import Waiting, wait
from baseten_jobs.cli import sink
from baseten_jobs.cli.field_option import FieldOption, bundle
from baseten_jobs.cli.helped import HelpedCommand
from baseten_jobs.cli.interrupts import raising
from baseten_jobs.cli.session import Session
from baseten_jobs.job.observation import ObservedJob
from baseten_jobs.job.times import age
from baseten_jobs.manifest.durations import seconds_of
from baseten_jobs.phrases import count
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.api.errors import ApiError
from baseten_jobs.provider.standstill import standing_still

_DONE = {Goal.COMPLETED: ("has completed", "have completed"), Goal.RUNNING: ("runs", "run")}


class WaitingCommand(HelpedCommand):
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
        help="Wait until the jobs have completed, and submit the stages that load from them; or until they run. "
        "Fails where one ended otherwise or is gone.",
    ),
    FieldOption(
        ["--timeout"], owner=lambda: Waiting, type=_Duration(), metavar="DURATION",
        help="Wait no longer than 90s, 30m or 2h; exits with 7 then, and the jobs run on.",
    ),
)  # fmt: skip
"""What to wait for, as a Waiting; None without --wait."""


def waited(session: Session, api: Api, result: Applied, waiting: Waiting, onward: Onward | None) -> Applied:
    """Wait, and print each change; returns the result with what was last seen of each job. No job is stopped.

    It goes `onward` with the stages that wait for others.
    """
    show = _Shown(session, waiting, api.clock.now())
    try:
        with raising():
            for each in _told(api, result, waiting, show, onward):
                result = each
    except KeyboardInterrupt:
        then = "; the next apply goes on with what waits" if any(map(is_open, result.outcomes)) else ""
        show.note(f"interrupted: the jobs run on; `baseten-jobs status` shows them{then}")
        return replace(result, interrupted=True)
    except ApiError as error:
        session.error(f"{error}; the jobs run on")
    return result


def _told(api: Api, result: Applied, waiting: Waiting, show: "_Shown", onward: Onward | None) -> Iterator[Applied]:
    before = result
    for number, after in enumerate(wait(api, result, waiting, show.note, onward)):
        if number == 0:
            show.begin(sum(outcome.awaited is not None for outcome in after.outcomes))
        show.changes(before, after, api.clock.now())
        yield after
        before = after


class _Shown:
    """What is waited for, and a line for each change; on a terminal also how many jobs are in which state, below."""

    def __init__(self, session: Session, waiting: Waiting, began: float) -> None:
        self._session, self._waiting, self._began = session, waiting, began
        self._most = "" if waiting.timeout is None else f"{age(waiting.timeout)} at most"
        self._screen = sink.screen(err=True)

    def note(self, text: str) -> None:
        if self._screen is None:
            self._session.note(text)
            return
        with suppress(OSError):
            self._screen.above(text)

    def begin(self, jobs: int) -> None:
        until = f"until {count(jobs, 'job')} {_DONE[self._waiting.goal][jobs != 1]}"
        limit = f"for {self._most}" if self._most else "without a limit (--timeout sets one)"
        self.note(f"waiting {until}, {limit}")

    def changes(self, before: Applied, after: Applied, now: float) -> None:
        was = {outcome.action.key: outcome for outcome in before.outcomes}
        for new in after.outcomes:
            old, name = was.get(new.action.key), new.action.request.name
            if old is None or (old.fate, old.error) != (new.fate, new.error):
                self.note(f"{name}: {_became(new)}")
            elif new.awaited and new.awaited != Awaited() and old.state != new.state:
                self.note(f"{name}: {new.state}  (job {new.job_id})")
            if (job := _stuck(new)) and not (old and _stuck(old)):
                self.note(f"warning: {standing_still(job)}")
        if self._screen is not None:
            states = Counter(outcome.state for outcome in after.outcomes if outcome.awaited)
            counts = ", ".join(f"{number} {state}" for state, number in states.most_common())
            with suppress(OSError):
                of = f" of {self._most}" if self._most else ""
                self._screen.draw(f"waiting {age(now - self._began)}{of}: {counts}")


def _stuck(outcome: Outcome) -> ObservedJob | None:
    return outcome.awaited.job if outcome.awaited and outcome.awaited.stuck else None


def _became(outcome: Outcome) -> str:
    """What became of a stage, or of a stop after it, during the wait."""
    why = outcome.error.removeprefix(f"{outcome.action.request.name}: ")
    job = f"  (job {outcome.job_id})" if outcome.job_id else ""
    return f"{outcome.fate.value}{job}" + (f": {why}" if why else "")
