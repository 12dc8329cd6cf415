"""What the jobs of the organisation are billed."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import Blueprint, request

from .. import billing, jobs
from ..core import core
from ..errors import not_valid
from ..lifecycle import Window
from ..times import micros

blueprint = Blueprint("billing", __name__)

_SINCE = datetime(2026, 1, 1, tzinfo=UTC)


@blueprint.get("/v1/billing/usage_summary")
def usage_summary() -> dict[str, object]:
    start, end = _moment("start_date"), _moment("end_date")
    if start < _SINCE:
        raise not_valid("start_date: there are no bills from before 2026-01-01")
    window = Window(micros(start.timestamp()), micros(end.timestamp()))
    if window.end_us < window.start_us:
        raise not_valid("end_date: it lies before start_date")
    if window.end_us - window.start_us > billing.LONGEST:
        raise not_valid("end_date: the range is longer than 31 days")
    with core().reading() as transaction:
        return billing.summary(jobs.listed(transaction, hidden=True), window, transaction.now)


def _moment(name: str) -> datetime:
    text = request.args.get(name)
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        raise not_valid(f"{name}: an ISO 8601 time is required") from None
    if moment.tzinfo is None:
        raise not_valid(f"{name}: a time zone is required")
    return moment
