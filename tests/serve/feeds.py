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
