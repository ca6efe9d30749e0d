"""Neighbours of the town, with what seldom happens to rollover units: they are adjusted, taken
over, reported by another system, prolonged, sold again, expire and are archived.

All hold Wireless 500: 35.00 a month, 500 minutes, units live 12 cycles and are kept for 2 after the
plan is left, half of the fee for them is deferred, resale at 0.20 and extension at 0.02 a minute.
Their months are April to June 2025, which the first close ends, and July, which the second
prepares.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from tests.support.warehouse import Row, Warehouse

# account -> (billed by, first day)
ACCOUNTS = {
    "GIVEN": ("tandem", date(2025, 4, 1)),
    "USED": ("tandem", date(2025, 4, 1)),
    "LEFT": ("tandem", date(2025, 4, 1)),
    "LEAVING": ("tandem", date(2025, 4, 1)),
    "THEIRS": ("acme", date(2025, 5, 1)),
}
# their units are kept until the end of June and of July
CANCELLED = {"LEFT": date(2025, 4, 15), "LEAVING": date(2025, 5, 15)}
NUMBER = "+14045550199"

# account, earned, expires, minutes, deferred
OPENINGS = {
    "June": (
        # lapse with April, to be sold again
        "GIVEN 2024-04-01 2025-05-01 100 7.00",
        "USED 2024-05-01 2025-05-01 30 2.10",
        "USED 2024-06-01 2026-01-01 100 7.00",
        "LEFT 2024-06-01 2026-01-01 60 0.05",
        "THEIRS 2025-02-01 2025-07-01 50 2.50",
        "THEIRS 2025-03-01 2026-03-01 100 5.00",
        # gone before it could be taken over
        "LEFT 2024-01-01 2025-01-01 60 1.00",
    ),
    # forgotten at first; and one of a cycle that was ours
    "July": ("USED 2024-07-01 2026-01-01 12 0.84", "USED 2025-04-01 2026-01-01 100 7.00"),
}
# id, account, action, minutes, day, and of which bucket, for how many cycles
ADJUSTMENTS = {
    "June": (
        "g1 GIVEN credit 60 05-10",
        "g2 GIVEN debit 30 05-12",
        "g3 GIVEN resale 40 05-13 2024-04-01",
        # 60 are left to be sold
        "g4 GIVEN resale 80 05-14 2024-04-01",
        "g5 GIVEN extension 1 05-15 2025-04-01 2",
        # all that there is
        "g6 GIVEN debit 10000 06-10",
        "u1 USED resale 10 05-20 2024-05-01",
        # a pool that it no longer has
        "l1 LEFT credit 10 05-20",
        "t1 THEIRS credit 20 05-20",
        "t2 THEIRS extension 1 05-21 2025-03-01 1",
    ),
    "July": (
        "g7 GIVEN credit 50 07-10",
        "g8 GIVEN debit 20 07-11",
        "g9 GIVEN extension 1 07-12 2025-06-01 1",
        "u2 USED resale 10 07-10 2024-05-01",
        "u3 USED resale 15 07-11 2024-05-01",
        "t3 THEIRS debit 10 07-10",
        "t4 THEIRS extension 1 07-11 2025-06-01 1",
        # a day of June, which is closed
        "g10 GIVEN debit 5 06-12",
    ),
}
# account, cycle, allowance, of it used, overage, of it drawn, accumulated, expired
REPORTS = {
    "June": (
        "THEIRS 2025-05-01 2025-06-01 500 500 30 30 0 0",
        # the older units lapse: 50 - 30 - 5
        "THEIRS 2025-06-01 2025-07-01 500 400 5 5 90 15",
    ),
    "July": ("THEIRS 2025-07-01 2025-08-01 500 500 40 40 0 0",),
}
CALLS = {"June": ("2025-05-06", 550), "July": ("2025-07-08", 520)}


def _rows(names: str, lines: Iterable[str], **more: str) -> list[Row]:
    """Lines of words as rows; what a line does not reach is empty."""
    columns = names.split()
    return [
        dict.fromkeys(columns) | dict(zip(columns, line.split(), strict=False)) | more
        for line in lines
    ]


def move_in(warehouse: Warehouse) -> None:
    """Accounts, plans and a line."""
    warehouse.load(
        "accounts",
        [
            {
                "account_id": account_id,
                "holder_name": account_id.title(),
                "bill_cycle_day": "1",
                "time_zone": "UTC",
                "tax_jurisdiction_id": "US-GA-ATLANTA",
                "opened_on": opened_on.isoformat(),
                "billing_system": billing_system,
            }
            for account_id, (billing_system, opened_on) in ACCOUNTS.items()
        ],
    )
    orders = [
        (account_id, "subscribe", opened_on) for account_id, (_, opened_on) in ACCOUNTS.items()
    ]
    orders += [(account_id, "cancel", on) for account_id, on in CANCELLED.items()]
    warehouse.load(
        "orders",
        [
            {
                "order_id": f"{account_id}-{action}",
                "account_id": account_id,
                "action": action,
                "plan_id": "WIRELESS500",
                "requested_at": f"{effective_on}T00:00:00Z",
                "effective_on": effective_on.isoformat(),
                "status": "completed",
            }
            for account_id, action, effective_on in orders
        ],
        "wireless",
    )
    warehouse.load(
        "subscriber_changes",
        [
            {
                "change_id": "USED-1",
                "changed_at": "2025-04-01T00:00:00Z",
                "account_id": "USED",
                "service_number": NUMBER,
                "plan_id": "WIRELESS500",
                "status": "active",
                "activated_at": "2025-04-01T00:00:00Z",
            }
        ],
        "wireless",
    )


def live(warehouse: Warehouse, month: str) -> None:
    """What happens until the end of June, or in July."""
    warehouse.load(
        "rollover_opening",
        _rows(
            "account_id earned_cycle_start expires_on quantity deferred_amount",
            OPENINGS[month],
            pool_id="anytime",
            as_of="2025-05-01",
        ),
    )
    day, minutes = CALLS[month]
    warehouse.load(
        "cdrs",
        [
            {
                "cdr_id": f"USED-{month}",
                "calling_number": NUMBER,
                "called_number": "+12125550100",
                "direction": "originated",
                "service": "voice",
                "call_type": "local",
                "started_at": f"{day}T15:00:00Z",
                "quantity": str(minutes * 60),
                "other_party_type": "fixed",
            }
        ],
        "wireless",
    )
    adjustments = _rows(
        "adjustment_id account_id action quantity adjusted_at bucket_cycle_start extend_cycles",
        ADJUSTMENTS[month],
        pool_id="anytime",
        reason_code="error_correction",
        adjusted_by="agent",
    )
    warehouse.load(
        "rollover_adjustments",
        [row | {"adjusted_at": f"2025-{row['adjusted_at']}T10:00:00Z"} for row in adjustments],
    )
    reports = _rows(
        "account_id cycle_start cycle_end allowance plan_used overage rollover_used"
        " accumulated expired",
        REPORTS[month],
        pool_id="anytime",
        plan_fee="35.00",
    )
    warehouse.load(
        "rollover_results",
        [row | {"reported_at": f"{row['cycle_end']}T12:00:00Z"} for row in reports],
    )
