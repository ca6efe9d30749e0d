"""Orders that counted at a close, when their counterparts are matched anew or withdrawn: the plain
rater and the warehouse agree, and both with figures worked out by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from tests.rules.both import Both
from tests.support.warehouse import Warehouse

FEBRUARY, MARCH, APRIL = (date(2026, month, 1) for month in (2, 3, 4))


class Orders(Both):
    """Orders of one account for SHARE800."""

    def order(self, order_id: str, effective_on: str, requested_at: str, **more: str) -> None:
        """An order, w... at wireless, l... at wireline; dates may differ by 3 days."""
        row = {
            "order_id": order_id,
            "account_id": "A1",
            "action": "subscribe",
            "plan_id": "SHARE800",
            "requested_at": f"2026-01-{requested_at}:00:00Z",
            "effective_on": f"2026-{effective_on}",
            "status": "completed",
        }
        self.load("orders", [row | more], "wireless" if order_id[0] == "w" else "wireline")

    def plan_from(self) -> date:
        """First day of the plan."""
        self.warehouse.build()
        self.assert_same()
        (plan,) = self.warehouse.mart("integrity.effective_plans")
        assert plan["effective_to"] is None
        first: date = plan["effective_from"]
        return first

    def fee_of_march(self) -> Decimal:
        self.close(APRIL)
        self.assert_same()
        (bill,) = (b for b in self.warehouse.mart("billing.bills") if b["cycle_end"] == APRIL)
        fee: Decimal = bill["plan_fee_amount"]
        return fee


@pytest.fixture
def both(warehouse: Warehouse) -> Orders:
    both = Orders.of(warehouse)
    both.load(
        "accounts",
        [
            {
                "account_id": "A1",
                "holder_name": "Ann",
                "bill_cycle_day": "1",
                "time_zone": "UTC",
                "tax_jurisdiction_id": "US",
                "opened_on": "2026-01-01",
            }
        ],
    )
    return both


def test_a_pair_matched_anew_goes_on_as_it_counted(both: Orders) -> None:
    # w1 and l1 agree on 1 March; that stands when January is closed. Then each is named by another
    # order, and is in sync with it from 4 and from 3 March: the plan still begins on 1 March.
    both.order("w1", "03-01", "20T10")
    both.order("l1", "03-01", "20T11")
    both.close(FEBRUARY)
    assert both.plan_from() == date(2026, 3, 1)
    both.order("w2", "03-03", "21T10", counterpart_order_id="l1")
    both.order("l2", "03-04", "21T10", counterpart_order_id="w1")
    assert both.plan_from() == date(2026, 3, 1)
    # withdrawn: w1 counts thanks to l2 alone, from 4 March; 30.00 * 28 / 31 = 27.10
    both.order("l1", "03-01", "20T11", status="withdrawn", status_at="2026-01-25T10:00:00Z")
    assert both.plan_from() == date(2026, 3, 4)
    assert both.fee_of_march() == Decimal("27.10")


def test_an_order_that_counts_anew_goes_on_as_it_counts_then(both: Orders) -> None:
    # w1 with l1 and w2 with l2 counted when January was closed. l1 and w2 are withdrawn: w1 and l2
    # agree on 2 March, and so it is when February is closed. Matched anew (with l3 and w3, from 4
    # March) they go on from 2 March: 30.00 * 30 / 31 = 29.03.
    both.order("w1", "03-01", "20T10")
    both.order("l1", "03-01", "20T11", counterpart_order_id="w1")
    both.order("l2", "03-02", "21T10")
    both.order("w2", "03-02", "21T11", counterpart_order_id="l2")
    both.close(FEBRUARY)
    assert both.plan_from() == date(2026, 3, 1)
    for order_id, day, requested_at in (("l1", "03-01", "20T11"), ("w2", "03-02", "21T11")):
        both.order(
            order_id,
            day,
            requested_at,
            status="withdrawn",
            status_at="2026-01-25T10:00:00Z",
            counterpart_order_id="w1" if order_id == "l1" else "l2",
        )
    assert both.plan_from() == date(2026, 3, 2)
    both.close(MARCH)
    both.order("l3", "03-04", "22T10", counterpart_order_id="w1")
    both.order("w3", "03-04", "22T10", counterpart_order_id="l2")
    assert both.plan_from() == date(2026, 3, 2)
    assert both.fee_of_march() == Decimal("29.03")
