"""What a close settles for good, and what of it goes on as the carriers say now.

Accounts that know nothing of each other live through the same builds and closes of one warehouse:
two carriers' numbers change owners while calls of theirs are voided, at a third it happens in a
database that an earlier version closed; orders are matched anew or withdrawn; an account moves
west; an order comes before a build of some models only. Each test looks at its own accounts; all
marts are compared with the plain rater at every stage.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tandem import building
from tandem.database import exclusive
from tests.rules.both import Both
from tests.support.warehouse import Row, Warehouse

JANUARY, FEBRUARY, MARCH, APRIL = (date(2026, month, 1) for month in (1, 2, 3, 4))
# one number a carrier, which has one owner after another, and one of an account that moves
NUMBERS = {
    "wireless": "+14045550123",
    "wireline": "+14045550124",
    "internet": "+14045550125",
}
KIMS_NUMBER = "+14045550126"
WITHDRAWN = {"status": "withdrawn", "status_at": "2026-01-25T10:00:00Z"}
STAGES = (
    "loaded",
    "a night later",
    "January closed",
    "after January",
    "rebuilt",
    "owners again",
    "February closed",
    "after February",
    "rebuilt again",
    "March closed",
)


@dataclass(frozen=True)
class Picture:
    """How things stood at a stage.

    Attributes:
        owners: of the records taken out, by carrier and record.
        voided: records and voids by carrier and cycle, as the control counts them.
        plans: by account, each with its first day and the first one without it.
        usage: plans by which Kim's calls are rated.
        fees: of March, by account.
        differences: from the plain rater.
    """

    owners: dict[str, dict[str, str | None]]
    voided: dict[str, dict[date | None, int]]
    plans: dict[str, list[tuple[str, date, date | None]]]
    usage: dict[str, str]
    fees: dict[str, Decimal]
    differences: list[str]


class Town(Both):
    """Calls and their voids, owners of their numbers, and orders."""

    def owner(
        self, carrier: str, account_id: str, activated_on: str, number: str | None = None
    ) -> None:
        """What a carrier says of a number from now on."""
        minute, second = divmod(len(self.rater.feeds.loads), 60)
        row: Row = {
            "change_id": f"s{minute}-{second}",
            "changed_at": f"2026-02-20T00:{minute:02d}:{second:02d}Z",
            "account_id": account_id,
            "service_number": number or NUMBERS[carrier],
            "plan_id": None,
            "status": "active",
            "activated_at": f"{activated_on}T00:00:00Z",
        }
        self.load("subscriber_changes", [row], carrier)

    def take_out(self, carrier: str, *calls: tuple[str, str]) -> None:
        """Calls (id, day of 2026), each with its void."""
        rows = [call(NUMBERS[carrier], name, f"{day}T15") for name, day in calls]
        self.load("cdrs", [*rows, *({**row, "action": "void"} for row in rows)], carrier)

    def subscribe(self, plan_id: str, carrier: str, *account_ids: str) -> None:
        """A plan from January on."""
        self.load(
            "orders",
            [
                {
                    "order_id": f"o{account_id}",
                    "account_id": account_id,
                    "action": "subscribe",
                    "plan_id": plan_id,
                    "requested_at": "2025-12-20T09:00:00Z",
                    "effective_on": "2026-01-01",
                    "status": "completed",
                }
                for account_id in account_ids
            ],
            carrier,
        )

    def cancel(self, account_id: str, requested_on: str, effective_on: str) -> None:
        """The end of Wireless 500, days of 2026."""
        row = {
            "order_id": f"cancel-{account_id}",
            "account_id": account_id,
            "action": "cancel",
            "plan_id": "WIRELESS500",
            "requested_at": f"2026-{requested_on}T09:00:00Z",
            "effective_on": f"2026-{effective_on}",
            "status": "completed",
        }
        self.load("orders", [row], "wireless")

    def order(
        self, account_id: str, order_id: str, effective_on: str, requested_at: str, **more: str
    ) -> None:
        """An order for SHARE800, w... at wireless, l... at wireline; dates may differ by 3 days."""
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

    def picture(self) -> Picture:
        owners: dict[str, dict[str, str | None]] = {carrier: {} for carrier in NUMBERS}
        voids = self.warehouse.mart("rating.voided_usage")
        for row in voids:
            # a record and its void are the same account's
            owner = owners[row["carrier_id"]].setdefault(row["cdr_id"], row["account_id"])
            assert owner == row["account_id"]
        assert len(voids) == 2 * sum(len(records) for records in owners.values())
        voided: dict[str, dict[date | None, int]] = {carrier: {} for carrier in NUMBERS}
        for row in self.warehouse.mart("control.usage_control"):
            if row["voided"]:
                voided[row["carrier_id"]][row["cycle_start"]] = row["voided"]
        plans: dict[str, list[tuple[str, date, date | None]]] = defaultdict(list)
        for row in self.warehouse.rows(
            "select * from integrity.effective_plans order by account_id, effective_from"
        ):
            plan = (row["plan_id"], row["effective_from"], row["effective_to"])
            plans[row["account_id"]].append(plan)
        usage = self.warehouse.rows("select * from rating.rated_usage where account_id = 'KIM'")
        bills = self.warehouse.rows("select * from billing.bills where cycle_end = %s", APRIL)
        return Picture(
            owners,
            voided,
            plans,
            {row["cdr_id"]: row["plan_id"] for row in usage},
            {bill["account_id"]: bill["plan_fee_amount"] for bill in bills},
            self.differences(),
        )


def call(number: str, name: str, started: str) -> Row:
    """A call of a minute and a second, at an hour of 2026 such as 01-05T15."""
    return {
        "cdr_id": name,
        "calling_number": number,
        "called_number": "+12125550100",
        "direction": "originated",
        "service": "voice",
        "started_at": f"2026-{started}:00:00Z",
        "quantity": "61",
    }


@dataclass(frozen=True)
class Upgrade:
    """What an earlier version's database has become.

    Attributes:
        picture: of it.
        frozen: owners that the closes kept, before their table was taken away; after `init` made it
            anew; and after another `init`.
    """

    picture: Picture
    frozen: tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]


@dataclass(frozen=True)
class Life:
    """What a town has lived through."""

    pictures: dict[str, Picture]
    upgraded: Upgrade

    def owners(self, carrier: str) -> dict[str, dict[str, str | None]]:
        return {stage: picture.owners[carrier] for stage, picture in self.pictures.items()}

    def voided(self, carrier: str) -> dict[str, dict[date | None, int]]:
        return {stage: picture.voided[carrier] for stage, picture in self.pictures.items()}

    def plans(self, account_id: str) -> dict[str, list[tuple[str, date, date | None]]]:
        return {stage: picture.plans[account_id] for stage, picture in self.pictures.items()}


@pytest.fixture(scope="module")
def life(
    make_warehouse: Callable[[], Warehouse], copy_of: Callable[[Warehouse], Warehouse]
) -> Life:
    town = Town.of(make_warehouse())
    pictures: dict[str, Picture] = {}

    def look() -> None:
        pictures[STAGES[len(pictures)]] = town.picture()

    town.tell("ANN", "BOB", "CAT", "DAN", "FAY", "GIL", "HAL", "IDA", "LEE")
    town.tell("KIM", time_zone="America/New_York")
    town.subscribe("WIRELESS500", "wireless", "ANN", "BOB", "KIM", "LEE")
    town.subscribe("WIRELINE_LD", "wireline", "CAT", "DAN")
    for carrier in NUMBERS:
        town.subscribe("SHARE_DATA", carrier, "FAY", "GIL")
    town.owner("wireless", "ANN", "2025-12-01")
    town.owner("wireline", "CAT", "2025-12-01")
    town.owner("internet", "FAY", "2025-12-01")
    town.take_out("wireless", ("jan", "01-05"), ("feb", "02-10"), ("mar", "03-10"))
    town.take_out("wireline", ("jan", "01-10"))
    town.take_out("internet", ("jan", "01-05"), ("feb", "02-10"))
    # Hal's w1 and l1 agree on 1 March, and so do Ida's w11 and l11, while her w12 and l12 would
    # from the 2nd: that stands when January is closed
    town.order("HAL", "w1", "03-01", "20T10")
    town.order("HAL", "l1", "03-01", "20T11")
    town.order("IDA", "w11", "03-01", "20T10")
    town.order("IDA", "l11", "03-01", "20T11", counterpart_order_id="w11")
    town.order("IDA", "l12", "03-02", "21T10")
    town.order("IDA", "w12", "03-02", "21T11", counterpart_order_id="l12")
    town.owner("wireless", "KIM", "2025-12-01", KIMS_NUMBER)
    town.load("cdrs", [call(KIMS_NUMBER, "c1", "01-30T15")], "wireless")
    town.build()
    look()

    town.owner("wireless", "BOB", "2026-02-01")
    town.owner("wireline", "CAT", "2026-01-15")
    town.build()
    look()

    # of an account that nobody knows
    town.owner("wireline", "EVE", "2026-01-01")
    town.close(FEBRUARY)
    look()

    town.owner("wireless", "BOB", "2026-01-01")
    town.take_out("wireless", ("late", "01-06"))
    town.take_out("internet", ("late", "01-06"))
    # Kim's January is closed when an order that is too late ends the plan in it; by the new clock
    # the call of 06:00 UTC is one of 31 January
    town.tell("KIM", time_zone="America/Los_Angeles")
    town.cancel("KIM", "01-19", "01-20")
    town.load("cdrs", [call(KIMS_NUMBER, "c2", "02-01T06")], "wireless")
    # Each of Hal's is named by another order now, and is in sync with it from 4 and from 3 March.
    # Of Ida's, l11 and w12 are withdrawn.
    town.order("HAL", "w2", "03-03", "21T10", counterpart_order_id="l1")
    town.order("HAL", "l2", "03-04", "21T10", counterpart_order_id="w1")
    town.order("IDA", "l11", "03-01", "20T11", counterpart_order_id="w11", **WITHDRAWN)
    town.order("IDA", "w12", "03-02", "21T11", counterpart_order_id="l12", **WITHDRAWN)
    town.build()
    look()

    town.build(full_refresh=True)
    look()

    # nothing has ended since
    town.close(FEBRUARY)
    town.owner("wireless", "ANN", "2026-01-02")
    town.owner("wireline", "DAN", "2026-01-02")
    town.build()
    look()

    town.close(MARCH)
    look()

    town.owner("wireless", "BOB", "2026-01-03")
    town.take_out("internet", ("later", "01-07"))
    # Hal's l1 is withdrawn; Ida's are matched anew, with l13 and w13 from 4 March
    town.order("HAL", "l1", "03-01", "20T11", **WITHDRAWN)
    town.order("IDA", "l13", "03-04", "22T10", counterpart_order_id="w11")
    town.order("IDA", "w13", "03-04", "22T10", counterpart_order_id="l12")
    town.build()
    look()

    upgraded = upgrade(Town(copy_of(town.warehouse), deepcopy(town.rater)))

    town.build(full_refresh=True)
    look()

    town.cancel("LEE", "03-20", "04-05")
    with exclusive(town.warehouse.settings, "build") as connection:
        building.build(town.warehouse.settings, connection, select=["control"])
    town.close(APRIL)
    look()
    return Life(pictures, upgraded)


def upgrade(town: Town) -> Upgrade:
    """A database that was closed before closes kept owners, `init`, and what comes then."""
    frozen = "select * from issued.voided_usage where carrier_id = 'internet' order by cdr_id"
    before = town.warehouse.rows(frozen)
    town.warehouse.execute("drop table issued.voided_usage cascade")
    town.warehouse.init()
    after = town.warehouse.rows(frozen)
    town.owner("internet", "GIL", "2026-01-01")
    town.build(full_refresh=True)
    picture = town.picture()
    town.warehouse.init()
    return Upgrade(picture, (before, after, town.warehouse.rows(frozen)))


@pytest.mark.parametrize("stage", STAGES)
def test_the_plain_rater_says_the_same(life: Life, stage: str) -> None:
    assert life.pictures[stage].differences == []


def test_a_voided_record_follows_its_line_until_the_close(life: Life) -> None:
    owners, voided = life.owners("wireless"), life.voided("wireless")
    assert owners["loaded"] == {"jan": "ANN", "feb": "ANN", "mar": "ANN"}
    # a night later the number has been Bob's since 1 February
    expected: dict[str, str | None] = {"jan": "ANN", "feb": "BOB", "mar": "BOB"}
    assert owners["a night later"] == expected
    assert owners["January closed"] == expected
    # January is closed: that it was Bob's in January too comes too late for the first call, and not
    # for one of January that comes after the close, which falls into February
    expected["late"] = "BOB"
    assert owners["after January"] == expected
    assert voided["after January"] == {JANUARY: 2, FEBRUARY: 4, MARCH: 2}
    assert owners["rebuilt"] == expected
    # a close that ended nothing froze nothing either, and the number is Ann's again
    expected |= {"late": "ANN", "feb": "ANN", "mar": "ANN"}
    assert owners["owners again"] == expected
    assert owners["February closed"] == expected
    # and Bob's, after the close of February
    expected["mar"] = "BOB"
    assert owners["after February"] == expected
    assert voided["after February"] == {JANUARY: 2, FEBRUARY: 4, MARCH: 2}
    assert owners["rebuilt again"] == expected
    assert owners["March closed"] == expected


def test_a_void_of_a_line_that_goes_away_waits_for_the_next_one(life: Life) -> None:
    owners, voided = life.owners("wireline"), life.voided("wireline")
    assert owners["loaded"] == {"jan": "CAT"}
    assert voided["loaded"] == {JANUARY: 2}
    assert owners["a night later"] == {"jan": None}
    assert voided["a night later"] == {None: 2}
    # of an account that nobody knows: it has no cycle, and no close ends it
    for stage in ("January closed", "after January", "rebuilt"):
        assert owners[stage] == {"jan": "EVE"}, stage
        assert voided[stage] == {None: 2}, stage
    assert owners["owners again"] == {"jan": "DAN"}
    assert voided["owners again"] == {FEBRUARY: 2}


def test_a_database_closed_by_an_earlier_version_keeps_its_voided_records(life: Life) -> None:
    expected: dict[str, str | None] = dict.fromkeys(("jan", "feb", "late", "later"), "FAY")
    for stage in ("after February", "rebuilt again", "March closed"):
        assert life.owners("internet")[stage] == expected, stage
    before, after, later = life.upgraded.frozen
    assert [row["cycle_start"] for row in before] == [FEBRUARY, JANUARY, FEBRUARY]
    assert after == before
    # what is open goes to the next owner; and once only: it is not frozen by another init
    picture = life.upgraded.picture
    assert picture.owners["internet"] == expected | {"later": "GIL"}
    assert picture.voided["internet"] == {JANUARY: 2, FEBRUARY: 4, MARCH: 2}
    assert later == before


def test_orders_go_on_as_they_counted_at_the_last_close(life: Life) -> None:
    first, second, fourth = (date(2026, 3, day) for day in (1, 2, 4))
    hal = {stage: from_ for stage, [(_, from_, _)] in life.plans("HAL").items()}
    ida = {stage: from_ for stage, [(_, from_, _)] in life.plans("IDA").items()}
    for stage in ("loaded", "a night later", "January closed"):
        assert (hal[stage], ida[stage]) == (first, first), stage
    # Hal's orders have other counterparts, and still count from the 1st; of Ida's, w11 and l12 are
    # left, which agree on the 2nd. February is closed so.
    for stage in ("after January", "rebuilt", "owners again", "February closed"):
        assert (hal[stage], ida[stage]) == (first, second), stage
    # w1 counts thanks to l2 alone, from 4 March; matched anew, Ida's go on from the 2nd
    for stage in ("after February", "rebuilt again", "March closed"):
        assert (hal[stage], ida[stage]) == (fourth, second), stage
    for account_id in ("HAL", "IDA"):
        for [(plan_id, _, to)] in life.plans(account_id).values():
            assert (plan_id, to) == ("SHARE800", None)
    # 30.00 * 28 / 31 and 30.00 * 30 / 31
    fees = life.pictures["March closed"].fees
    assert (fees["HAL"], fees["IDA"]) == (Decimal("27.10"), Decimal("29.03"))


def test_a_closed_day_keeps_its_plan_when_it_comes_again(life: Life) -> None:
    # A call at 06:00 UTC is after the close in New York, and on 31 January in Los Angeles: on the
    # plan that this day was billed by.
    for stage in STAGES[:3]:
        assert life.pictures[stage].usage == {"c1": "WIRELESS500"}, stage
    for stage in STAGES[3:]:
        assert life.pictures[stage].usage == {"c1": "WIRELESS500", "c2": "WIRELESS500"}, stage


def test_a_partial_build_forgets_no_order(life: Life) -> None:
    # the cancel would never be seen, and the plan be billed for ever
    plans = life.plans("LEE")
    for stage in STAGES[:-1]:
        assert plans[stage] == [("WIRELESS500", JANUARY, None)], stage
    assert plans["March closed"] == [("WIRELESS500", JANUARY, date(2026, 4, 5))]
