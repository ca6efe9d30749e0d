"""A few accounts with lines at both carriers."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.support.warehouse import Warehouse

ACCOUNTS = [f"A{number}" for number in range(1, 10)]


def load(warehouse: Warehouse) -> None:
    """Accounts A1 to A9 of 2025; A8 is closed, all lines of A9 are suspended.

    A7 has a suspended line at the wireline carrier and an active one at the other.
    """
    warehouse.load(
        "accounts",
        [
            {
                "account_id": account_id,
                "holder_name": f"Holder {account_id}",
                "bill_cycle_day": "1",
                "time_zone": "America/New_York",
                "tax_jurisdiction_id": "US-GA-GLYNN",
                "opened_on": "2025-01-01",
                "closed_on": "2025-05-01" if account_id == "A8" else None,
            }
            for account_id in ACCOUNTS
        ],
    )
    for place, carrier in enumerate(("wireless", "wireline")):
        warehouse.load(
            "subscribers",
            [
                {
                    "account_id": account_id,
                    "service_number": f"+1912555{place}{number:03}",
                    "status": "suspended"
                    if account_id == "A9" or (account_id, carrier) == ("A7", "wireline")
                    else "active",
                    "activated_at": "2025-01-02T00:00:00Z",
                }
                for number, account_id in enumerate(ACCOUNTS)
            ],
            carrier,
            datetime(2025, 5, 31, tzinfo=UTC),
        )


def put_on_plan(warehouse: Warehouse, account_id: str, plan_id: str) -> None:
    """Both carriers say that the account's lines are on the plan."""
    number = ACCOUNTS.index(account_id)
    for place, carrier in enumerate(("wireless", "wireline")):
        warehouse.load(
            "subscriber_changes",
            [
                {
                    "change_id": f"{account_id}-{plan_id}",
                    "changed_at": "2025-06-02T12:00:00Z",
                    "account_id": account_id,
                    "service_number": f"+1912555{place}{number:03}",
                    "plan_id": plan_id,
                    "status": "active",
                    "activated_at": "2025-01-02T00:00:00Z",
                }
            ],
            carrier,
        )


def sell_again(warehouse: Warehouse, account_id: str) -> None:
    """An agent sells units again that never were there to expire."""
    warehouse.load(
        "rollover_adjustments",
        [
            {
                "adjustment_id": f"{account_id}-RESALE",
                "account_id": account_id,
                "pool_id": "anytime",
                "action": "resale",
                "quantity": "40",
                "reason_code": "resale_expired",
                "adjusted_at": "2025-06-02T12:00:00Z",
                "adjusted_by": "agent",
                "bucket_cycle_start": "2025-01-01",
            }
        ],
    )
