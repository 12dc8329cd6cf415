"""The runs of one identity, as far as their first log lines, prices and bills are known -> what they took together."""

from collections.abc import Iterable, Mapping, Sequence
from math import fsum

from baseten_jobs.job.observation import ObservedJob
from baseten_jobs.job.run_limits import Range, Spending
from baseten_jobs.job.times import epoch_of


def spending(
    runs: Sequence[ObservedJob],
    now: float,
    begins: Mapping[str, float],
    prices: Mapping[str, float],
    billed: Mapping[str, float],
) -> Spending:
    """Returns what runs of one identity took; they come oldest first, `now` is in epoch seconds.

    `begins` has the times of first log lines in epoch seconds, `prices` USD per hour, and `billed` USD, each by job id
    and as far as known. A run takes at least the time from its first log line on, and at most that since it was
    created. One that ended took at least that until the next was created, for a server may have changed it later. It
    costs at least what was billed, or else by that time.
    """
    seconds, usd = [], []
    for number, job in enumerate(runs):
        took = _seconds(job, runs[number + 1 :], now, begins.get(job.id))
        price = prices.get(job.id)
        seconds.append(took)
        usd.append(
            Range(
                billed.get(job.id, 0.0 if price is None else took.least / 3600 * price),
                None if price is None or took.most is None else max(billed.get(job.id, 0.0), took.most / 3600 * price),
            )
        )
    live = (job for job in runs if job.live)
    return Spending(_sum(seconds), _sum(usd), all(job.id in begins for job in live))


def _seconds(job: ObservedJob, later: Iterable[ObservedJob], now: float, began: float | None) -> Range:
    created = epoch_of(job.created_at)
    changed = now if job.live else min(now, epoch_of(job.updated_at) or now)
    ended = changed if job.live else min(filter(None, (changed, *_created(later))))
    begun = None if began is None else max(began, created or began)
    return Range(
        0.0 if begun is None else max(0.0, ended - begun),
        None if created is None else max(0.0, changed - created),
    )


def _created(jobs: Iterable[ObservedJob]) -> Iterable[float | None]:
    return (epoch_of(job.created_at) for job in jobs)


def _sum(ranges: Iterable[Range]) -> Range:
    ranges = tuple(ranges)
    most = [each.most for each in ranges]
    return Range(fsum(each.least for each in ranges), None if None in most else fsum(filter(None, most)))
