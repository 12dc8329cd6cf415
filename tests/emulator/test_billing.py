"""What jobs are billed, parsed by the official SDK: by job and by day, for the time that they held machines."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.support import sdk

from .conftest import START, Api, Start

DAY = 86_400
H100 = {"accelerator": {"accelerator": "H100", "count": 8}, "node_count": 2}
PRICE = 2 * 52 / 60
"""USD per minute of two nodes."""


def usage(api: Api, begin: float, end: float) -> sdk.UsageSummary:
    params = sdk.GetBillingUsageSummaryParams(
        start_date=datetime.fromtimestamp(begin, UTC), end_date=datetime.fromtimestamp(end, UTC)
    )
    return api.sdk.api.get_billing_usage_summary(params=params)


def usd(amount: object) -> float:
    return float(getattr(amount, "root", amount))  # type: ignore[arg-type]


@pytest.fixture
def api(start: Start) -> Api:
    from baseten_jobs.emulator.settings import Durations

    return start(durations=Durations(created=60, deploying=300, running=3 * DAY))


def test_a_job_is_billed_from_its_deployment_on_until_it_ends(api: Api) -> None:
    job = api.create(api.project(), compute=H100)["id"]
    api.advance(60)
    assert usage(api, START, START + DAY).training_usage is None
    api.advance(600)
    training = usage(api, START, START + DAY).training_usage
    assert training is not None
    (item,) = training.breakdown
    assert (item.billable_resource.id, item.billable_resource.kind, item.minutes) == (job, "TRAINING_JOB", 10)
    assert usd(item.subtotal) == usd(training.total) == pytest.approx(10 * PRICE, abs=0.01)
    api.advance(10 * DAY)
    assert usage(api, START, START + 30 * DAY).training_usage.minutes == 3 * 24 * 60 + 5


def test_days_and_windows_add_up_to_the_whole(api: Api) -> None:
    api.create(api.project(), compute=H100)
    api.advance(2.5 * DAY)
    whole = usage(api, START, START + 30 * DAY).training_usage
    (item,) = whole.breakdown
    assert sum(day.minutes for day in item.daily) == pytest.approx(item.minutes, abs=len(item.daily))
    assert sum(usd(day.subtotal) for day in item.daily) == pytest.approx(usd(item.subtotal), abs=0.05)
    parts = [usage(api, START + at * DAY, START + (at + 1) * DAY).training_usage for at in range(3)]
    assert sum(usd(part.total) for part in parts) == pytest.approx(usd(whole.total), abs=0.05)
    assert [str(day.date) for day in item.daily] == sorted({str(day.date) for day in item.daily})


def test_one_that_was_stopped_is_billed_until_then(api: Api) -> None:
    project = api.project()
    job = api.create(project, compute=H100)["id"]
    api.advance(60 + 600)
    assert api.http.post(f"/v1/training_projects/{project}/jobs/{job}/stop", json={}).is_success
    api.advance(DAY)
    assert usage(api, START, START + DAY).training_usage.minutes == 10


@pytest.mark.parametrize(
    ("begin", "end", "message"),
    [
        ("2025-12-31T00:00:00Z", "2026-01-02T00:00:00Z", "start_date: there are no bills from before 2026-01-01"),
        ("2026-02-01T00:00:00Z", "2026-03-05T00:00:00Z", "end_date: the range is longer than 31 days"),
        ("2026-02-02T00:00:00Z", "2026-02-01T00:00:00Z", "end_date: it lies before start_date"),
        ("2026-02-02T00:00:00", "2026-02-03T00:00:00Z", "start_date: a time zone is required"),
        ("soon", "2026-02-03T00:00:00Z", "start_date: an ISO 8601 time is required"),
        ("2026-02-03T00:00:00Z", None, "end_date: an ISO 8601 time is required"),
    ],
    ids=str,
)
def test_a_wrong_range_is_refused(shared: Api, begin: str, end: str | None, message: str) -> None:
    params = {"start_date": begin} | ({"end_date": end} if end else {})
    answer = shared.http.get("/v1/billing/usage_summary", params=params)
    assert (answer.status_code, answer.json()) == (400, {"code": "VALIDATION_ERROR", "message": message})
