"""What rows of a bill are read as: amounts as numbers or texts, and nothing of what makes no sense."""

from typing import Any

import pytest

from baseten_jobs.job.bills import Bill, BilledDay, bills_in


def row(**fields: Any) -> dict[str, Any]:
    return {"billable_resource": {"id": "j1", "kind": "TRAINING_JOB"}, "subtotal": "1.50", "minutes": 3, **fields}


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([row()], {"j1": Bill(1.5, 180.0)}),
        ([row(subtotal=1.5, minutes="3")], {"j1": Bill(1.5, 180.0)}),
        ([row(minutes=None)], {"j1": Bill(1.5, None)}),
        ([row(), row(subtotal=1, minutes=1)], {"j1": Bill(2.5, 240.0)}),
        ([row(), row(minutes=None)], {"j1": Bill(3.0, None)}),
        ([row(subtotal=None)], {}),
        ([row(subtotal="nan")], {}),
        ([row(subtotal="-1")], {}),
        ([row(subtotal=True)], {}),
        ([row(subtotal="1" * 5000)], {}),
        ([row(billable_resource=None)], {}),
        ([row(billable_resource={"id": 7})], {}),
        (
            [row(daily=[{"date": "2026-11-22T00:00:00Z", "subtotal": "1.50", "minutes": 3}, {"date": 1}, 7])],
            {"j1": Bill(1.5, 180.0, (BilledDay("2026-11-22", 1.5, 180.0),))},
        ),
    ],
)
def test_a_bill_is_what_its_rows_say(rows: list[dict[str, Any]], found: dict[str, Bill]) -> None:
    assert bills_in(rows) == found
