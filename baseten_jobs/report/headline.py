"""A plan -> one line: what starts, what is stopped, what runs on beside it, and what it costs."""

from collections.abc import Iterable, Iterator

from baseten_jobs.job.cost import Bill, Cost
from baseten_jobs.job.observation import ObservedJob
from baseten_jobs.phrases import count
from baseten_jobs.planning.plan import Orphan, Plan, Verb

_REFUSED = "apply would refuse this"


def headline(made: Plan) -> str:
    """`2 jobs start, 32 H100 run on beside them · $221/h new, $429/h in all`."""
    refusal = [_REFUSED] if made.refusals else []
    return " · ".join((*refusal, ", ".join(_claims(made)), *_prices(made)))


def refused(refusal: str) -> str:
    """What a guard says of a plan."""
    return f"{_REFUSED}: {refusal}"


def short_price(usd: float) -> str:
    """USD per hour as a person rounds them: `$208/h`, `$6.50/h`."""
    return f"${int(usd + 0.5):,}/h" if usd >= 10 else f"${usd:,.2f}/h"


def size_of_run(job: ObservedJob) -> str:
    """`32 H100`; empty for a job of which no GPU is known."""
    return sizes((job,))


def sizes(jobs: Iterable[ObservedJob]) -> str:
    """The GPUs of these jobs, added up by their type: `32 H100 + 4 A100`."""
    found: dict[str, int] = {}
    for job in jobs:
        if job.gpus:
            found[job.gpu_type or ""] = found.get(job.gpu_type or "", 0) + job.gpus
    return " + ".join(f"{number} {kind}" if kind else count(number, "GPU") for kind, number in found.items())


def left_running(made: Plan) -> tuple[Orphan, ...]:
    """The orphans that the plan does not stop."""
    stopped = {action.job.id for action in made.of(Verb.STOP) if action.job}
    return tuple(orphan for orphan in made.orphans if orphan.job.id not in stopped)


def _claims(made: Plan) -> Iterator[str]:
    starts, stops, updates = (made.of(verb) for verb in (Verb.SUBMIT, Verb.STOP, Verb.UPDATE))
    waits, errors = made.later, made.errors
    held = [action for action in made.of(Verb.HOLD) if not (action.submits_later or action.error)]
    if errors:
        yield count(len(errors), "error")
    if starts:
        yield _does(len(starts), "start")
    if stops:
        jobs = [action.job for action in stops if action.job]
        size = sizes(jobs)
        yield f"{count(len(stops), 'job')} {_are(len(stops))} stopped" + (f" ({size})" if size else "")
    beside = [each.job for each in made.beside]
    told = [*_beside(beside, "run", " on", pending=False), *_beside(beside, "wait", "", pending=True)]
    if told:
        yield f"{' and '.join(told)} beside {'it' if len(starts) == 1 else 'them'}"
    if updates:
        yield f"{count(len(updates), 'job')} {_are(len(updates))} updated"
    if held:
        yield f"{count(len(held), 'job')} {_are(len(held))} held back"
    if waits:
        yield _does(len(waits), "wait")
    if orphans := left_running(made):
        size = sizes(orphan.job for orphan in orphans)
        runs = "runs" if len(orphans) == 1 else "run"
        yield f"{count(len(orphans), 'orphan')} {runs} on" + (f" ({size})" if size else "")
    if not (errors or starts or stops or updates or held or waits or made.orphans):
        keeps = len(made.of(Verb.KEEP))
        yield "Nothing to do" + (f": {count(keeps, 'job')} {_are(keeps)} as git says" if keeps else "")


def _prices(made: Plan) -> Iterator[str]:
    told = []
    if made.of(Verb.SUBMIT):
        told.append(f"{_priced(made.cost)} new" if made.cost.priced else made.cost.price)
    saved = Bill(tuple((a.job_name, a.cost or Cost.unknown(1)) for a in made.of(Verb.STOP)))
    if _has_a_price(saved):
        told.append(f"{_priced(saved)} saved")
    if made.of(Verb.SUBMIT) and made.beside:
        told.append(f"{_priced(made.cost.and_also(made.cost_beside))} in all")
    left = Bill(tuple((each.job.id, each.cost or Cost.unknown(1)) for each in left_running(made)))
    if _has_a_price(left):
        told.append(f"{_priced(left)} for {'the orphan' if len(left.costs) == 1 else 'orphans'}")
    if told:
        yield ", ".join(told)


def _has_a_price(bill: Bill) -> bool:
    return len(bill.unpriced) < len(bill.costs)


def _priced(bill: Bill) -> str:
    if not _has_a_price(bill):
        return bill.price
    return ("at least " if bill.unpriced else "") + short_price(bill.priced)


def _beside(jobs: Iterable[ObservedJob], verb: str, on: str, *, pending: bool) -> Iterator[str]:
    """`32 H100 run on`, or `2 jobs wait`, of those that are pending or not."""
    found = [job for job in jobs if job.pending == pending]
    if found:
        size = sizes(found)
        yield f"{size} {verb}{on}" if size else f"{_does(len(found), verb)}{on}"


def _does(number: int, verb: str) -> str:
    return f"{count(number, 'job')} {verb}{'s' if number == 1 else ''}"


def _are(number: int) -> str:
    return "is" if number == 1 else "are"
