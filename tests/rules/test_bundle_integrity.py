"""A plan sold by two carriers is in effect only where both hold it; who keeps whom waiting is told.

All accounts order Share 800 of wireless and wireline; orders may differ by three days. What is
expected is worked out by hand, and every mart is compared with the plain rater.
"""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.rules.both import Both
from tests.support.warehouse import PROJECT, Row, Warehouse, copy_project


class Orders(Both):
    """Accounts whose carriers do not agree."""

    def open(self, *account_ids: str) -> None:
        self.load(
            "accounts",
            [
                {
                    "account_id": account_id,
                    "bill_cycle_day": "1",
                    "time_zone": "UTC",
                    "tax_jurisdiction_id": "US-GA-ATLANTA",
                    "opened_on": "2026-01-01",
                }
                for account_id in account_ids
            ],
        )

    def order(self, carrier: str, line: str, **more: str) -> None:
        """`order account action requested status [status_at]`; times of 2026 as 03-01T10."""
        order_id, account_id, action, requested, status, *rest = line.split()
        requested_at = f"2026-{requested}:00:00Z"
        row: Row = {
            "order_id": order_id,
            "account_id": account_id,
            "action": action,
            "plan_id": "SHARE800",
            "requested_at": requested_at,
            "effective_on": "2026-03-05",
            "status": status,
            "status_at": f"2026-{rest[0]}:00:00Z" if rest else None,
        }
        self.load("orders", [row | more], carrier)

    def stand_at(self, at: str) -> None:
        """Another account's order brings the clock to an instant of 2026."""
        self.order("wireless", f"clock-{at} CLOCK cancel {at} submitted")
        self.build()

    def build(self) -> None:
        super().build()
        self.assert_same()

    def told(self, query: str) -> list[tuple[Any, ...]]:
        return [
            tuple(f"{v:%m-%dT%H}" if isinstance(v, datetime) else v for v in row.values())
            for row in self.warehouse.rows(query)
        ]

    def exceptions(self) -> list[tuple[Any, ...]]:
        """Type, order, who must act, opened, resolved."""
        return self.told(
            "select exception_type, order_id, notify_carrier_id, opened_at, resolved_at"
            " from integrity.bundle_exceptions order by order_id, opened_at"
        )

    def plans(self) -> list[tuple[Any, ...]]:
        return self.told(
            "select account_id, plan_id, effective_from::text from integrity.effective_plans"
            " order by account_id"
        )


@pytest.fixture
def both(warehouse: Warehouse) -> Orders:
    return Orders.of(warehouse)


def test_an_order_at_one_side_waits_is_told_and_heals(both: Orders) -> None:
    both.open("A", "CLOCK")
    both.order("wireless", "w1 A subscribe 03-01T10 completed")
    both.stand_at("03-02T09")
    # within 24 hours it is awaited: passed on, and nobody is blamed
    passed = "select to_carrier_id, order_id, sync_status from integrity.pass_through_orders"
    assert both.told(passed) == [("wireline", "w1", "awaiting_counterpart")]
    assert both.exceptions() == []
    assert both.plans() == []
    both.stand_at("03-02T10")
    assert both.told(passed) == [("wireline", "w1", "missing_counterpart")]
    missing = ("missing_counterpart", "w1", "wireline", "03-02T10", None)
    assert both.exceptions() == [missing]
    to_others = "select carrier_id, is_open from integrity.carrier_notifications"
    assert both.told(to_others) == [("wireline", True)]
    to_origin = "select instruction, carrier_id, order_id from integrity.order_instructions"
    assert both.told(to_origin) == [("hold", "wireless", "w1")]
    # the other platform makes the change: with what is left of it both are done
    both.order("wireline", "l1 A subscribe 03-02T12 submitted", counterpart_order_id="w1")
    both.stand_at("03-03T10")
    assert both.plans() == []
    both.order("wireline", "l1 A subscribe 03-02T12 completed 03-04T12", counterpart_order_id="w1")
    both.build()
    assert both.told(passed) == []
    # two: wireline's was answered before it was placed, and never out of sync
    assert both.exceptions() == [(*missing[:4], "03-04T12")]
    assert both.told(to_others) == [("wireline", False)]
    assert both.plans() == [("A", "SHARE800", "2026-03-05")]
    notices = "select carrier_id, order_id, order_keys, fulfilled_at, notice_id"
    (notice,) = both.told(f"{notices} from integrity.fulfillment_notices")
    assert notice[:4] == ("wireless", "w1", ["wireless:w1", "wireline:l1"], "03-04T12")
    # taken back later: another exception, at both sides
    both.order("wireline", "l1 A subscribe 03-02T12 withdrawn 03-08T08", counterpart_order_id="w1")
    both.build()
    assert both.exceptions() == [
        (*missing[:4], "03-04T12"),
        ("counterpart_failed", "w1", "wireline", "03-08T08", None),
    ]
    assert both.told(f"{to_origin} where resolved_at is null") == [("withdraw", "wireless", "w1")]
    assert both.plans() == []
    ids = both.told("select count(distinct exception_id) from integrity.bundle_exceptions")
    assert ids == [(2,)]
    both.stand_at("03-08T20")
    # and ageing: open at the end of the first day, none from its healing on, one again at the end
    ageing = both.told(
        "select on_date::text, still_open, resolved from integrity.exception_ageing"
        " where notify_carrier_id = 'wireline' order by on_date, exception_type"
    )
    assert ageing == [
        ("2026-03-02", 1, 0),
        ("2026-03-03", 1, 0),
        ("2026-03-04", 0, 1),
        ("2026-03-08", 1, 0),
    ]


def test_orders_that_answer_otherwise(both: Orders) -> None:
    both.open("LATE", "REFUSED", "ODD", "CIRCLE", "CLOCK")
    # more days apart than the plan tolerates
    both.order("wireless", "w1 LATE subscribe 03-01T10 completed")
    both.order("wireline", "l1 LATE subscribe 03-01T11 completed", effective_on="2026-03-09")
    both.order("wireless", "w2 REFUSED subscribe 03-01T10 completed")
    both.order("wireline", "l2 REFUSED subscribe 03-01T11 failed")
    both.order("wireless", "w3 ODD subscribe 03-01T10 completed", plan_id="NOSUCH")
    # orders that name themselves, or each other in a circle over three, are counterparts of whom
    # they match
    both.order("wireless", "w4 CIRCLE subscribe 03-01T10 completed", counterpart_order_id="w4")
    both.order("wireline", "l4 CIRCLE subscribe 03-01T11 completed", counterpart_order_id="l4")
    both.stand_at("03-05T00")
    assert both.exceptions() == [
        ("mismatched", "l1", "wireless", "03-02T11", None),
        ("mismatched", "w1", "wireline", "03-02T10", None),
        ("counterpart_failed", "w2", "wireline", "03-02T10", None),
        ("unknown_plan", "w3", "wireless", "03-01T10", None),
    ]
    instructions = "select instruction, carrier_id, order_id from integrity.order_instructions"
    assert both.told(f"{instructions} order by order_id") == [
        ("hold", "wireline", "l1"),
        ("hold", "wireless", "w1"),
        ("withdraw", "wireless", "w2"),
    ]
    assert both.plans() == [("CIRCLE", "SHARE800", "2026-03-05")]
    assert both.told("select order_id from integrity.pass_through_orders") == []
    # the refused one is placed again
    both.order("wireline", "l9 REFUSED subscribe 03-03T10 completed 03-05T10")
    both.build()
    assert ("counterpart_failed", "w2", "wireline", "03-02T10", "03-05T10") in both.exceptions()


def test_a_refusal_after_the_grace_period_turns_hold_into_withdraw(both: Orders) -> None:
    both.open("A", "CLOCK")
    both.order("wireless", "s1w A subscribe 03-01T10 completed")
    both.order("wireline", "s1l A subscribe 03-01T11 submitted", counterpart_order_id="s1w")
    both.stand_at("03-02T12")
    told = (
        "select instruction, opened_at, resolved_at, exception_id, instruction_id"
        " from integrity.order_instructions where order_id = 's1w' order by opened_at"
    )
    ((*hold, exception_id, hold_id),) = both.told(told)
    assert hold == ["hold", "03-02T10", None]
    both.order("wireline", "s1l A subscribe 03-01T11 failed 03-02T16", counterpart_order_id="s1w")
    both.build()
    first, second = both.told(told)
    assert first == ("hold", "03-02T10", "03-02T16", exception_id, hold_id)
    assert second[:4] == ("withdraw", "03-02T16", None, exception_id)
    assert second[4] != hold_id
    # the type stays what it was when it was opened
    assert both.exceptions() == [("missing_counterpart", "s1w", "wireline", "03-02T10", None)]
    # placed again and completed after all
    both.order("wireline", "s2l A subscribe 03-03T11 completed 03-04T10")
    both.build()
    assert both.told(told) == [first, ("withdraw", "03-02T16", "03-04T10", *second[3:])]


def test_a_notice_tells_from_when_the_change_really_holds(both: Orders) -> None:
    both.open("OVER", "LATE", "CLOCK")
    share_1000 = {"plan_id": "SHARE1000", "effective_on": "2026-04-05"}
    both.order("wireless", "w1 OVER subscribe 03-01T10 completed")
    both.order("wireless", "w2 LATE subscribe 03-01T10 completed")
    both.order("wireless", "w3 OVER change_plan 04-01T10 completed", **share_1000)
    both.order("wireline", "l3 OVER change_plan 04-01T11 completed", **share_1000)
    both.order("wireless", "clock CLOCK cancel 05-02T00 submitted")
    both.close(date(2026, 5, 1))
    both.order("wireline", "l1 OVER subscribe 05-12T10 completed", counterpart_order_id="w1")
    both.order("wireline", "l2 LATE subscribe 05-12T10 completed", counterpart_order_id="w2")
    both.build()
    assert both.plans() == [("LATE", "SHARE800", "2026-05-01"), ("OVER", "SHARE1000", "2026-04-05")]
    # the one was overtaken before it could count, the other counts from the first open cycle on
    assert both.told(
        "select account_id, plan_id, effective_on::text, takes_effect_on::text"
        " from integrity.fulfillment_notices order by account_id, plan_id"
    ) == [
        ("LATE", "SHARE800", "2026-03-05", "2026-05-01"),
        ("OVER", "SHARE1000", "2026-04-05", "2026-04-05"),
        ("OVER", "SHARE800", "2026-03-05", None),
    ]


def test_an_order_of_an_unknown_account_is_its_own_carriers_matter(both: Orders) -> None:
    both.open("CLOCK")
    both.order("wireless", "w1 NEW subscribe 03-01T10 completed")
    both.order("wireless", "w2 ALONE subscribe 03-01T10 completed", plan_id="WIRELESS500")
    both.stand_at("03-03T00")
    alone = ("unknown_account", "w2", "wireless", "03-01T10", None)
    assert both.exceptions() == [
        ("unknown_account", "w1", "wireless", "03-01T10", None),
        ("missing_counterpart", "w1", "wireline", "03-02T10", None),
        alone,
    ]
    # the rules demand the rows, and nobody is sent them
    waits = "select awaits_account from integrity.pass_through_orders"
    assert both.told(waits) == [(True,)]
    to_others = (
        "select carrier_id, awaits_account from integrity.carrier_notifications"
        " where order_id = 'w1' order by carrier_id"
    )
    assert both.told(to_others) == [("wireless", False), ("wireline", True)]
    both.open("NEW")
    both.build()
    assert both.exceptions() == [("missing_counterpart", "w1", "wireline", "03-02T10", None), alone]
    assert both.told(waits) == [(False,)]
    assert both.told(to_others) == [("wireline", False)]


def test_a_mismatch_stands_since_the_plan_in_effect_contradicts_the_line(both: Orders) -> None:
    account = {
        "account_id": "A",
        "bill_cycle_day": "1",
        "time_zone": "America/New_York",
        "tax_jurisdiction_id": "US-GA-ATLANTA",
        "opened_on": "2026-01-01",
    }
    both.load("accounts", [account])
    line = {
        "account_id": "A",
        "service_number": "+14045550101",
        "plan_id": "WIRELESS500",
        "status": "active",
        "activated_at": "2025-12-01T00:00:00Z",
    }
    rest = {"plan_id": "WIRELESS500", "effective_on": "2026-01-01"}
    both.order("wireless", "w0 A subscribe 01-01T10 completed", **rest)
    rest = {"plan_id": "SHARE1000", "effective_on": "2026-03-01"}
    both.order("wireless", "w1 A change_plan 02-01T10 completed", **rest)
    both.order("wireline", "l1 A change_plan 02-01T11 completed", **rest)
    batch = datetime(2026, 1, 12, tzinfo=UTC)
    both.warehouse.load("subscribers", [line], "wireless", batch)
    both.rater.load("subscribers", [line], "wireless", batch)
    since = (
        "select expected, stands_since, exception_id from integrity.bundle_exceptions"
        " where exception_type = 'plan_mismatch'"
    )
    both.stand_at("02-28T12")
    assert both.told(since) == []
    # the 1st of March in New York; in UTC the batch of January would be 47 days old
    both.stand_at("03-01T06")
    ((*said, first),) = both.told(since)
    assert said == ["SHARE1000", "03-01T05"]
    # a repeated row changes nothing of it; taken back it heals
    both.order(
        "wireless",
        "w2 A change_plan 03-09T10 completed",
        **(rest | {"plan_id": "WIRELESS500", "effective_on": "2026-03-10"}),
    )
    both.order(
        "wireline",
        "l2 A change_plan 03-09T10 completed",
        **(rest | {"plan_id": "WIRELESS500", "effective_on": "2026-03-10"}),
    )
    both.stand_at("03-10T12")
    assert both.told(since) == []
    again = {"plan_id": "SHARE1000", "effective_on": "2026-03-20"}
    both.order("wireless", "w3 A change_plan 03-15T10 completed", **again)
    both.order("wireline", "l3 A change_plan 03-15T11 completed", **again)
    both.stand_at("03-21T12")
    ((*said, second),) = both.told(since)
    assert said == ["SHARE1000", "03-20T04"]
    assert second != first


def test_what_is_waived_is_nobodys_task(both: Orders, tmp_path: Path) -> None:
    both.open("A", "B", "CLOCK")
    both.order("wireless", "w1 A subscribe 03-01T10 completed")
    both.order("wireless", "w2 B subscribe 03-01T10 completed")
    both.stand_at("03-05T00")
    assert len(both.told("select 1 from integrity.carrier_notifications")) == 2
    project = copy_project(
        tmp_path / "project",
        {
            "exception_waivers": [
                waiver("still", "A", "2026-03-06", "wireline migrates its platform"),
                waiver("over", "B", "2026-03-05", "until yesterday"),
            ]
        },
    )
    replace(both.warehouse, project=project).build()
    waived = both.told(
        "select account_id, waiver_reason, is_open from integrity.bundle_exceptions order by 1"
    )
    assert waived == [("A", "wireline migrates its platform", True), ("B", None, True)]
    assert both.told("select account_id from integrity.carrier_notifications") == [("B",)]
    assert both.told("select account_id from integrity.order_instructions") == [("B",)]
    with (PROJECT / "seeds" / "exception_waivers.csv").open(encoding="utf-8") as handle:
        assert list(csv.DictReader(handle)) == []


def waiver(waiver_id: str, account_id: str, until: str, reason: str) -> Row:
    return {
        "waiver_id": waiver_id,
        "exception_type": "missing_counterpart",
        "account_id": account_id,
        "carrier_id": "",
        "order_id": "",
        "reason": reason,
        "waived_until": until,
    }
