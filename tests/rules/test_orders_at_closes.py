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
    """Orders of accounts for SHARE800."""

    def order(
        self, account_id: str, order_id: str, effective_on: str, requested_at: str, **more: str
    ) -> None:
        """An order, w... at wireless, l... at wireline; dates may differ by 3 days."""
        row = {
            "order_id": order_id,
            "account_id": account_id,
            "action": "subscribe",
            "plan_id": "SHARE800",
            "requested_at": f"2026-01-{requested_at}:00:00Z",
            "effective_on": f"2026-{effective_on}",
            "status": "completed",
        }
        self.load("orders", [row | more], "wireless" if order_id[0] == "w" else "wireline")

    def plans_from(self) -> list[tuple[str, date]]:
        """Accounts with the first day of their plan."""
        self.warehouse.build()
        self.assert_same()
        plans = self.warehouse.mart("integrity.effective_plans")
        assert all(plan["effective_to"] is None for plan in plans)
        return sorted((plan["account_id"], plan["effective_from"]) for plan in plans)

    def fees_of_march(self) -> list[tuple[str, Decimal]]:
        self.close(APRIL)
        self.assert_same()
        bills = self.warehouse.mart("billing.bills")
        return sorted(
            (bill["account_id"], bill["plan_fee_amount"])
            for bill in bills
            if bill["cycle_end"] == APRIL
        )


@pytest.fixture
def both(warehouse: Warehouse) -> Orders:
    both = Orders.of(warehouse)
    both.load(
        "accounts",
        [
            {
                "account_id": account_id,
                "holder_name": account_id.title(),
                "bill_cycle_day": "1",
                "time_zone": "UTC",
                "tax_jurisdiction_id": "US",
                "opened_on": "2026-01-01",
            }
            for account_id in ("ANN", "BOB")
        ],
    )
    return both


def test_orders_go_on_as_they_counted_at_the_last_close(both: Orders) -> None:
    withdrawn = {"status": "withdrawn", "status_at": "2026-01-25T10:00:00Z"}
    # Ann's w1 and l1 agree on 1 March, and so do Bob's w11 and l11, while his w12 and l12 would
    # from the 2nd: that stands when January is closed
    both.order("ANN", "w1", "03-01", "20T10")
    both.order("ANN", "l1", "03-01", "20T11")
    both.order("BOB", "w11", "03-01", "20T10")
    both.order("BOB", "l11", "03-01", "20T11", counterpart_order_id="w11")
    both.order("BOB", "l12", "03-02", "21T10")
    both.order("BOB", "w12", "03-02", "21T11", counterpart_order_id="l12")
    both.close(FEBRUARY)
    assert both.plans_from() == [("ANN", date(2026, 3, 1)), ("BOB", date(2026, 3, 1))]
    # Each of Ann's is named by another order now, and is in sync with it from 4 and from 3 March:
    # the plan still begins on the 1st. Of Bob's, l11 and w12 are withdrawn: w11 and l12 agree on
    # the 2nd.
    both.order("ANN", "w2", "03-03", "21T10", counterpart_order_id="l1")
    both.order("ANN", "l2", "03-04", "21T10", counterpart_order_id="w1")
    both.order("BOB", "l11", "03-01", "20T11", counterpart_order_id="w11", **withdrawn)
    both.order("BOB", "w12", "03-02", "21T11", counterpart_order_id="l12", **withdrawn)
    assert both.plans_from() == [("ANN", date(2026, 3, 1)), ("BOB", date(2026, 3, 2))]
    # February is closed so; matched anew, with l13 and w13 from 4 March, Bob's go on from the 2nd.
    # Ann's l1 is withdrawn after it: w1 counts thanks to l2 alone, from 4 March.
    both.close(MARCH)
    both.order("ANN", "l1", "03-01", "20T11", **withdrawn)
    both.order("BOB", "l13", "03-04", "22T10", counterpart_order_id="w11")
    both.order("BOB", "w13", "03-04", "22T10", counterpart_order_id="l12")
    assert both.plans_from() == [("ANN", date(2026, 3, 4)), ("BOB", date(2026, 3, 2))]
    # 30.00 * 28 / 31 and 30.00 * 30 / 31
    assert both.fees_of_march() == [("ANN", Decimal("27.10")), ("BOB", Decimal("29.03"))]
