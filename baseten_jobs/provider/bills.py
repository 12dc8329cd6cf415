"""Client + a time -> what each job was billed since then, by one call for each 31 days."""

from datetime import UTC, datetime

from baseten_jobs.job.bills import Bill, Bills, bills_in
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.api.errors import ApiError

_DAY = 86_400.0
_MONTH = 31 * _DAY
"""Seconds of a bill that one call may ask for."""

_EARLIEST = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
"""The earliest time that can be asked for."""


def read_bills(api: Api, since: float, now: float) -> Bills:
    """Return the bills of all jobs from the day of `since` on; both times are in epoch seconds.

    No day is asked for twice, since a bill may count it whole. Where one call fails, as with a key that may not read
    bills, there are no bills, with the reason; raises no ApiError.
    """
    first = start = max(since - since % _DAY, _EARLIEST)
    found: dict[str, Bill] = {}
    while start < now:
        try:
            rows = api.training_bill(_iso(start), _iso(min(start + _MONTH - 1, now)))
        except ApiError as error:
            return Bills(unread=str(error))
        for job_id, bill in bills_in(rows).items():
            found[job_id] = found[job_id].and_also(bill) if job_id in found else bill
        start += _MONTH
    return Bills(found, first)


def _iso(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
