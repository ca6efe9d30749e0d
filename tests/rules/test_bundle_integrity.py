"""A plan sold by two carriers is in effect only where both hold it; who keeps whom waiting is told.

All accounts order Share 800 of wireless and wireline; orders may differ by three days. They know
nothing of each other and live through the same days in one warehouse, of which a copy is kept at
each stage: a test looks at its own accounts. What is expected is worked out by hand, and every mart
is compared with the plain rater at each stage.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.rules.both import Both, Stage
from tests.support.warehouse import PROJECT, Row, Warehouse, copy_project

# where the warehouse stands, in 2026; at the third a close ends January and February
STAGES = (
    "02-28T12",
    "03-01T06",
    "03-02T10",
    "03-04T12",
    "03-12T12",
    "03-21T12",
)


class Orders(Both):
    """Accounts whose carriers do not agree."""

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
        """Another account's order brings the clock to an instant."""
        self.order("wireless", f"clock-{at} CLOCK cancel {at} submitted")


class Told(Stage):
    """What the carriers are told."""

    def told(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        return [
            tuple(f"{v:%m-%dT%H}" if isinstance(v, datetime) else v for v in row.values())
            for row in self.warehouse.rows(query, *parameters)
        ]

    def exceptions(self, *account_ids: str) -> list[tuple[Any, ...]]:
        """Type, order, who must act, opened, resolved."""
        return self.told(
            "select exception_type, order_id, notify_carrier_id, opened_at, resolved_at"
            " from integrity.bundle_exceptions where account_id = any(%s)"
            " order by order_id, opened_at",
            list(account_ids),
        )

    def plans(self, *account_ids: str) -> list[tuple[Any, ...]]:
        return self.told(
            "select account_id, plan_id, effective_from::text from integrity.effective_plans"
            " where account_id = any(%s) order by account_id",
            list(account_ids),
        )


@pytest.fixture(scope="module")
def stages(
    make_warehouse: Callable[[], Warehouse],
    copy_of: Callable[[Warehouse], Warehouse],
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Told]:
    town = Orders.of(make_warehouse())
    stages: dict[str, Told] = {}

    def keep() -> None:
        stages[STAGES[len(stages)]] = Told(copy_of(town.warehouse), town.differences())

    town.tell("HEALS", "LATE", "REFUSED", "ODD", "CIRCLE", "REPLACED", "OVER", "BEHIND", "CLOCK")
    town.tell("CONTRADICTS", time_zone="America/New_York")
    town.tell("WAIVED", "LAPSED")
    town.order("wireline", "l1 HEALS subscribe 02-28T06 completed")
    town.order("wireless", "w2 REPLACED subscribe 02-28T05 completed")
    town.order("wireline", "l2 REPLACED subscribe 02-28T06 submitted", counterpart_order_id="w2")
    share_800 = {"effective_on": "2026-01-05"}
    share_1000 = {"plan_id": "SHARE1000", "effective_on": "2026-02-05"}
    town.order("wireless", "w3 OVER subscribe 01-01T10 completed", **share_800)
    town.order("wireless", "w4 BEHIND subscribe 01-01T10 completed", **share_800)
    town.order("wireless", "w5 OVER change_plan 02-01T10 completed", **share_1000)
    town.order("wireline", "l5 OVER change_plan 02-01T11 completed", **share_1000)
    town.order("wireless", "w6 NEW subscribe 02-27T10 completed")
    town.order("wireless", "w7 ALONE subscribe 02-27T10 completed", plan_id="WIRELESS500")
    line = {
        "account_id": "CONTRADICTS",
        "service_number": "+14045550101",
        "plan_id": "WIRELESS500",
        "status": "active",
        "activated_at": "2025-12-01T00:00:00Z",
    }
    town.load("subscribers", [line], "wireless", datetime(2026, 1, 12, tzinfo=UTC))
    alone = {"plan_id": "WIRELESS500", "effective_on": "2026-01-01"}
    town.order("wireless", "w8 CONTRADICTS subscribe 01-01T10 completed", **alone)
    together = {"plan_id": "SHARE1000", "effective_on": "2026-03-01"}
    town.order("wireless", "w9 CONTRADICTS change_plan 02-01T10 completed", **together)
    town.order("wireline", "l9 CONTRADICTS change_plan 02-01T11 completed", **together)
    town.stand_at("02-28T12")
    town.build()
    keep()

    town.stand_at("03-01T06")
    town.build()
    keep()

    town.order("wireless", "w1 HEALS subscribe 03-01T12 submitted", counterpart_order_id="l1")
    town.order(
        "wireline", "l2 REPLACED subscribe 02-28T06 failed 03-01T16", counterpart_order_id="w2"
    )
    town.stand_at("03-02T10")
    town.close(date(2026, 3, 1))
    keep()

    town.order(
        "wireless", "w1 HEALS subscribe 03-01T12 completed 03-04T12", counterpart_order_id="l1"
    )
    town.order("wireline", "l10 REPLACED subscribe 03-02T11 completed 03-04T10")
    town.tell("NEW")
    # more days apart than the plan tolerates
    town.order("wireless", "w11 LATE subscribe 03-01T10 completed")
    town.order("wireline", "l11 LATE subscribe 03-01T11 completed", effective_on="2026-03-09")
    town.order("wireless", "w12 REFUSED subscribe 03-01T10 completed")
    town.order("wireline", "l12 REFUSED subscribe 03-01T11 failed")
    town.order("wireless", "w13 ODD subscribe 03-01T10 completed", plan_id="NOSUCH")
    # orders that name themselves, or each other in a circle over three, are counterparts of whom
    # they match
    town.order("wireless", "w14 CIRCLE subscribe 03-01T10 completed", counterpart_order_id="w14")
    town.order("wireline", "l14 CIRCLE subscribe 03-01T11 completed", counterpart_order_id="l14")
    town.order("wireless", "w15 WAIVED subscribe 03-01T10 completed")
    town.order("wireless", "w16 LAPSED subscribe 03-01T10 completed")
    town.build()
    keep()

    town.order(
        "wireless", "w1 HEALS subscribe 03-01T12 withdrawn 03-08T08", counterpart_order_id="l1"
    )
    town.order("wireline", "l17 REFUSED subscribe 03-03T10 completed 03-05T10")
    late = {"effective_on": "2026-01-05"}
    town.order(
        "wireline", "l3 OVER subscribe 03-10T10 completed", counterpart_order_id="w3", **late
    )
    town.order(
        "wireline", "l4 BEHIND subscribe 03-10T10 completed", counterpart_order_id="w4", **late
    )
    back = {"plan_id": "WIRELESS500", "effective_on": "2026-03-10"}
    town.order("wireless", "w18 CONTRADICTS change_plan 03-09T10 completed", **back)
    town.order("wireline", "l18 CONTRADICTS change_plan 03-09T10 completed", **back)
    town.stand_at("03-12T12")
    town.build()
    keep()

    again = {"plan_id": "SHARE1000", "effective_on": "2026-03-20"}
    town.order("wireless", "w19 CONTRADICTS change_plan 03-15T10 completed", **again)
    town.order("wireline", "l19 CONTRADICTS change_plan 03-15T11 completed", **again)
    town.stand_at("03-21T12")
    town.build()
    keep()
    return stages


@pytest.mark.parametrize("stage", STAGES)
def test_the_plain_rater_says_the_same(stages: dict[str, Told], stage: str) -> None:
    assert stages[stage].differences == []


def test_an_order_at_one_side_waits_is_told_and_heals(stages: dict[str, Told]) -> None:
    passed = (
        "select to_carrier_id, order_id, sync_status from integrity.pass_through_orders"
        " where account_id = 'HEALS'"
    )
    # within 24 hours it is awaited: passed on, and nobody is blamed
    at = stages["02-28T12"]
    assert at.told(passed) == [("wireless", "l1", "awaiting_counterpart")]
    assert at.exceptions("HEALS") == []
    assert at.plans("HEALS") == []
    at = stages["03-01T06"]
    assert at.told(passed) == [("wireless", "l1", "missing_counterpart")]
    missing = ("missing_counterpart", "l1", "wireless", "03-01T06", None)
    assert at.exceptions("HEALS") == [missing]
    to_others = (
        "select carrier_id, is_open from integrity.carrier_notifications where account_id = 'HEALS'"
    )
    assert at.told(to_others) == [("wireless", True)]
    to_origin = (
        "select instruction, carrier_id, order_id from integrity.order_instructions"
        " where account_id = 'HEALS'"
    )
    assert at.told(to_origin) == [("hold", "wireline", "l1")]
    # the other platform makes the change: with what is left of it both are done
    assert stages["03-02T10"].plans("HEALS") == []
    at = stages["03-04T12"]
    assert at.told(passed) == []
    # two: wireless's was answered before it was placed, and never out of sync
    assert at.exceptions("HEALS") == [(*missing[:4], "03-04T12")]
    assert at.told(to_others) == [("wireless", False)]
    assert at.plans("HEALS") == [("HEALS", "SHARE800", "2026-03-05")]
    (notice,) = at.told(
        "select carrier_id, order_id, order_keys, fulfilled_at, notice_id"
        " from integrity.fulfillment_notices where account_id = 'HEALS'"
    )
    assert notice[:4] == ("wireless", "w1", ["wireless:w1", "wireline:l1"], "03-04T12")
    # taken back later: another exception, at both sides
    at = stages["03-12T12"]
    assert at.exceptions("HEALS") == [
        (*missing[:4], "03-04T12"),
        ("counterpart_failed", "l1", "wireless", "03-08T08", None),
    ]
    assert at.told(f"{to_origin} and resolved_at is null") == [("withdraw", "wireline", "l1")]
    assert at.plans("HEALS") == []
    ids = at.told(
        "select count(distinct exception_id) from integrity.bundle_exceptions"
        " where account_id = 'HEALS'"
    )
    assert ids == [(2,)]
    # and ageing, of what nobody else of the town is told: open at the end of the first day, none
    # from its healing on, one again at the end
    ageing = at.told(
        "select on_date::text, still_open, resolved from integrity.exception_ageing"
        " where notify_carrier_id = 'wireless'"
        " and exception_type in ('missing_counterpart', 'counterpart_failed')"
        " order by on_date, exception_type"
    )
    assert ageing == [
        ("2026-03-01", 1, 0),
        ("2026-03-02", 1, 0),
        ("2026-03-03", 1, 0),
        ("2026-03-04", 0, 1),
        *((f"2026-03-{day:02d}", 1, 0) for day in range(8, 13)),
    ]


def test_orders_that_answer_otherwise(stages: dict[str, Told]) -> None:
    at = stages["03-04T12"]
    accounts = ("LATE", "REFUSED", "ODD", "CIRCLE")
    assert at.exceptions(*accounts) == [
        ("mismatched", "l11", "wireless", "03-02T11", None),
        ("mismatched", "w11", "wireline", "03-02T10", None),
        ("counterpart_failed", "w12", "wireline", "03-02T10", None),
        ("unknown_plan", "w13", "wireless", "03-01T10", None),
    ]
    instructions = (
        "select instruction, carrier_id, order_id from integrity.order_instructions"
        " where account_id = any(%s) order by order_id"
    )
    assert at.told(instructions, list(accounts)) == [
        ("hold", "wireline", "l11"),
        ("hold", "wireless", "w11"),
        ("withdraw", "wireless", "w12"),
    ]
    assert at.plans(*accounts) == [("CIRCLE", "SHARE800", "2026-03-05")]
    passed = "select order_id from integrity.pass_through_orders where account_id = any(%s)"
    assert at.told(passed, list(accounts)) == []
    # the refused one is placed again
    healed = ("counterpart_failed", "w12", "wireline", "03-02T10", "03-05T10")
    assert stages["03-12T12"].exceptions("REFUSED") == [healed]


def test_a_refusal_after_the_grace_period_turns_hold_into_withdraw(
    stages: dict[str, Told],
) -> None:
    told = (
        "select instruction, opened_at, resolved_at, exception_id, instruction_id"
        " from integrity.order_instructions where order_id = 'w2' order by opened_at"
    )
    ((*hold, exception_id, hold_id),) = stages["03-01T06"].told(told)
    assert hold == ["hold", "03-01T05", None]
    at = stages["03-02T10"]
    first, second = at.told(told)
    assert first == ("hold", "03-01T05", "03-01T16", exception_id, hold_id)
    assert second[:4] == ("withdraw", "03-01T16", None, exception_id)
    assert second[4] != hold_id
    # the type stays what it was when it was opened
    assert at.exceptions("REPLACED") == [
        ("missing_counterpart", "w2", "wireline", "03-01T05", None)
    ]
    # placed again and completed after all
    assert stages["03-04T12"].told(told) == [
        first,
        ("withdraw", "03-01T16", "03-04T10", *second[3:]),
    ]


def test_a_notice_tells_from_when_the_change_really_holds(stages: dict[str, Told]) -> None:
    # of orders for January that come after January and February were closed
    at = stages["03-12T12"]
    assert at.plans("BEHIND", "OVER") == [
        ("BEHIND", "SHARE800", "2026-03-01"),
        ("OVER", "SHARE1000", "2026-02-05"),
    ]
    # the one was overtaken before it could count, the other counts from the first open cycle on
    assert at.told(
        "select account_id, plan_id, effective_on::text, takes_effect_on::text"
        " from integrity.fulfillment_notices where account_id in ('BEHIND', 'OVER')"
        " order by account_id, plan_id"
    ) == [
        ("BEHIND", "SHARE800", "2026-01-05", "2026-03-01"),
        ("OVER", "SHARE1000", "2026-02-05", "2026-02-05"),
        ("OVER", "SHARE800", "2026-01-05", None),
    ]


def test_an_order_of_an_unknown_account_is_its_own_carriers_matter(
    stages: dict[str, Told],
) -> None:
    at = stages["03-01T06"]
    alone = ("unknown_account", "w7", "wireless", "02-27T10", None)
    assert at.exceptions("NEW", "ALONE") == [
        ("unknown_account", "w6", "wireless", "02-27T10", None),
        ("missing_counterpart", "w6", "wireline", "02-28T10", None),
        alone,
    ]
    # the rules demand the rows, and nobody is sent them
    waits = "select awaits_account from integrity.pass_through_orders where account_id = 'NEW'"
    assert at.told(waits) == [(True,)]
    to_others = (
        "select carrier_id, awaits_account from integrity.carrier_notifications"
        " where order_id = 'w6' order by carrier_id"
    )
    assert at.told(to_others) == [("wireless", False), ("wireline", True)]
    at = stages["03-04T12"]
    assert at.exceptions("NEW", "ALONE") == [
        ("missing_counterpart", "w6", "wireline", "02-28T10", None),
        alone,
    ]
    assert at.told(waits) == [(False,)]
    assert at.told(to_others) == [("wireline", False)]


def test_a_mismatch_stands_since_the_plan_in_effect_contradicts_the_line(
    stages: dict[str, Told],
) -> None:
    since = (
        "select expected, stands_since, exception_id from integrity.bundle_exceptions"
        " where exception_type = 'plan_mismatch' and account_id = 'CONTRADICTS'"
    )
    assert stages["02-28T12"].told(since) == []
    # the 1st of March in New York; in UTC the batch of January would be 47 days old
    ((*said, first),) = stages["03-01T06"].told(since)
    assert said == ["SHARE1000", "03-01T05"]
    # a close and repeated rows change nothing of it; taken back it heals
    for stage in ("03-02T10", "03-04T12"):
        assert stages[stage].told(since) == [(*said, first)]
    assert stages["03-12T12"].told(since) == []
    ((*said, second),) = stages["03-21T12"].told(since)
    assert said == ["SHARE1000", "03-20T04"]
    assert second != first


def test_what_is_waived_is_nobodys_task(stages: dict[str, Told], tmp_path: Path) -> None:
    at = stages["03-21T12"]
    whose = "account_id in ('WAIVED', 'LAPSED')"
    notified = f"select account_id from integrity.carrier_notifications where {whose} order by 1"
    assert at.told(notified) == [("LAPSED",), ("WAIVED",)]
    project = copy_project(
        tmp_path / "project",
        {
            "exception_waivers": [
                waiver("still", "WAIVED", "2026-03-22", "wireline migrates its platform"),
                waiver("over", "LAPSED", "2026-03-21", "until yesterday"),
            ]
        },
    )
    replace(at.warehouse, project=project).build()
    waived = at.told(
        "select account_id, waiver_reason, is_open from integrity.bundle_exceptions"
        f" where {whose} order by 1"
    )
    assert waived == [("LAPSED", None, True), ("WAIVED", "wireline migrates its platform", True)]
    assert at.told(notified) == [("LAPSED",)]
    instructed = f"select account_id from integrity.order_instructions where {whose}"
    assert at.told(instructed) == [("LAPSED",)]
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
