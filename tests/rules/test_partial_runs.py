"""A build of some models must not make the warehouse forget what is loaded and not built yet."""

from __future__ import annotations

from datetime import date

from tandem import building
from tandem.database import exclusive
from tests.support.warehouse import Warehouse

ACCOUNT = {
    "account_id": "A1",
    "holder_name": "Ann",
    "bill_cycle_day": "1",
    "time_zone": "America/New_York",
    "tax_jurisdiction_id": "US-GA-ATLANTA",
    "opened_on": "2025-01-01",
}
ORDER = {
    "order_id": "o1",
    "account_id": "A1",
    "action": "subscribe",
    "plan_id": "WIRELESS500",
    "requested_at": "2025-01-01T09:00:00Z",
    "effective_on": "2025-01-01",
    "status": "completed",
}
CANCEL = ORDER | {
    "order_id": "o2",
    "action": "cancel",
    "requested_at": "2025-01-20T09:00:00Z",
    "effective_on": "2025-01-21",
}


def test_a_partial_build_forgets_no_order(warehouse: Warehouse) -> None:
    # the cancel would never be seen, and the plan be billed for ever
    warehouse.load("accounts", [ACCOUNT])
    warehouse.load("orders", [ORDER], "wireless")
    warehouse.build()
    warehouse.load("orders", [CANCEL], "wireless")
    with exclusive(warehouse.settings, "build") as connection:
        building.build(warehouse.settings, connection, select=["control"])
    warehouse.build()
    plans = warehouse.mart("integrity.effective_plans")
    assert [(plan["plan_id"], plan["effective_to"]) for plan in plans] == [
        ("WIRELESS500", date(2025, 1, 21))
    ]
