"""An account that moves west after a close: hours of its last closed day come again."""

from __future__ import annotations

from datetime import date
from typing import Any

from tests.rules.both import Both
from tests.support.warehouse import Row, Warehouse

NUMBER = "+14045550123"
ACCOUNT: Row = {
    "account_id": "A1",
    "holder_name": "Ann",
    "bill_cycle_day": "1",
    "time_zone": "America/New_York",
    "tax_jurisdiction_id": "US",
    "opened_on": "2026-01-01",
}
ORDER: Row = {
    "order_id": "o1",
    "account_id": "A1",
    "action": "subscribe",
    "plan_id": "WIRELESS500",
    "requested_at": "2026-01-01T09:00:00Z",
    "effective_on": "2026-01-01",
    "status": "completed",
}
LINE: Row = {
    "change_id": "s1",
    "changed_at": "2026-01-01T00:00:00Z",
    "account_id": "A1",
    "service_number": NUMBER,
    "plan_id": "WIRELESS500",
    "status": "active",
    "activated_at": "2026-01-01T00:00:00Z",
}


def call(cdr_id: str, started_at: str) -> Row:
    return {
        "cdr_id": cdr_id,
        "calling_number": NUMBER,
        "called_number": "+12125550100",
        "direction": "originated",
        "service": "voice",
        "started_at": started_at,
        "quantity": "61",
    }


def test_a_closed_day_keeps_its_plan_when_it_comes_again(warehouse: Warehouse) -> None:
    # January is closed in New York at 05:00 UTC, on Wireless 500. Then the account moves to Los
    # Angeles, and an order that is too late ends the plan on 20 January. A call at 06:00 UTC is
    # after the close, and on 31 January by its new clock: on the plan that this day was billed by.
    both = Both.of(warehouse)
    both.load("accounts", [ACCOUNT])
    both.load("orders", [ORDER], "wireless")
    both.load("subscriber_changes", [LINE], "wireless")
    both.load("cdrs", [call("c1", "2026-01-30T15:00:00Z")], "wireless")
    both.close(date(2026, 2, 1))
    both.load("accounts", [ACCOUNT | {"time_zone": "America/Los_Angeles"}])
    late: dict[str, Any] = {
        "order_id": "o2",
        "action": "cancel",
        "requested_at": "2026-01-19T09:00:00Z",
        "effective_on": "2026-01-20",
    }
    both.load("orders", [ORDER | late], "wireless")
    both.load("cdrs", [call("c2", "2026-02-01T06:00:00Z")], "wireless")
    warehouse.build()
    both.assert_same()
    usage = {row["cdr_id"]: row["plan_id"] for row in warehouse.mart("rating.rated_usage")}
    assert usage == {"c1": "WIRELESS500", "c2": "WIRELESS500"}
