"""Whose a record is that a void took out: the owner of its line as known now while the cycle is
open, and for good the one that it had when the cycle was closed."""

from __future__ import annotations

from datetime import date

import pytest

from tests.rules.both import Both
from tests.support.warehouse import Row, Warehouse

JANUARY, FEBRUARY, MARCH = (date(2026, month, 1) for month in (1, 2, 3))
NUMBER = "+14045550123"


class Voids(Both):
    """Calls of one number, which has one owner after another, and their voids."""

    def owner(self, account_id: str, activated_at: str) -> None:
        """What wireless says of the number from now on."""
        said = len(self.rater.feeds.loads)
        row: Row = {
            "change_id": f"s{said}",
            "changed_at": f"2026-02-20T00:00:{said:02d}Z",
            "account_id": account_id,
            "service_number": NUMBER,
            "plan_id": None,
            "status": "active",
            "activated_at": activated_at,
        }
        self.load("subscriber_changes", [row], "wireless")

    def take_out(self, *calls: tuple[str, str]) -> None:
        """Calls (id, day of 2026), each with its void."""
        rows: list[Row] = [
            {
                "cdr_id": name,
                "calling_number": NUMBER,
                "called_number": "+12125550100",
                "direction": "originated",
                "service": "voice",
                "started_at": f"2026-{day}T15:00:00Z",
                "quantity": "61",
            }
            for name, day in calls
        ]
        self.load("cdrs", [*rows, *(row | {"action": "void"} for row in rows)], "wireless")

    def owners(self, *, full_refresh: bool = False) -> dict[str, str | None]:
        """Accounts of the records taken out, after a build."""
        self.warehouse.build(full_refresh=full_refresh)
        self.assert_same()
        told = self.warehouse.mart("rating.voided_usage")
        assert len(told) == 2 * len({row["cdr_id"] for row in told})
        owners = {row["cdr_id"]: row["account_id"] for row in told}
        assert {(row["cdr_id"], row["account_id"]) for row in told} == set(owners.items())
        return owners

    def voided(self) -> dict[date | None, int]:
        """Records and voids by cycle, as the control counts them."""
        control = self.warehouse.mart("control.usage_control")
        return {row["cycle_start"]: row["voided"] for row in control if row["voided"]}


@pytest.fixture
def both(warehouse: Warehouse) -> Voids:
    both = Voids.of(warehouse)
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
    both.load(
        "orders",
        [
            {
                "order_id": f"o{account_id}",
                "account_id": account_id,
                "action": "subscribe",
                "plan_id": "WIRELESS500",
                "requested_at": "2025-12-20T09:00:00Z",
                "effective_on": "2026-01-01",
                "status": "completed",
            }
            for account_id in ("ANN", "BOB")
        ],
        "wireless",
    )
    both.owner("ANN", "2025-12-01T00:00:00Z")
    return both


def test_a_voided_record_follows_its_line_until_the_close(both: Voids) -> None:
    both.take_out(("jan", "01-05"), ("feb", "02-10"), ("mar", "03-10"))
    assert both.owners() == {"jan": "ANN", "feb": "ANN", "mar": "ANN"}
    # a night later the number has been Bob's since 1 February
    both.owner("BOB", "2026-02-01T00:00:00Z")
    assert both.owners() == {"jan": "ANN", "feb": "BOB", "mar": "BOB"}
    both.close(FEBRUARY)
    both.assert_same()
    # January is closed: that it was Bob's in January too comes too late for the first call, and not
    # for one of January that comes after the close, which falls into February
    both.owner("BOB", "2026-01-01T00:00:00Z")
    both.take_out(("late", "01-06"))
    owners: dict[str, str | None] = {"jan": "ANN", "late": "BOB", "feb": "BOB", "mar": "BOB"}
    assert both.owners() == owners
    assert both.voided() == {JANUARY: 2, FEBRUARY: 4, MARCH: 2}
    assert both.owners(full_refresh=True) == owners
    # nothing has ended since: nothing is frozen either, and the number is Ann's again
    both.close(FEBRUARY)
    both.owner("ANN", "2026-01-02T00:00:00Z")
    owners |= {"late": "ANN", "feb": "ANN", "mar": "ANN"}
    assert both.owners() == owners
    # and Bob's, after the close of February
    both.close(MARCH)
    both.owner("BOB", "2026-01-03T00:00:00Z")
    owners["mar"] = "BOB"
    assert both.owners() == owners
    assert both.voided() == {JANUARY: 2, FEBRUARY: 4, MARCH: 2}
    assert both.owners(full_refresh=True) == owners


def test_a_void_of_a_line_that_goes_away_waits_for_the_next_one(both: Voids) -> None:
    both.take_out(("feb", "02-10"))
    assert both.owners() == {"feb": "ANN"}
    both.owner("ANN", "2026-02-15T00:00:00Z")
    assert both.owners() == {"feb": None}
    assert both.voided() == {None: 2}
    # of an account that nobody knows: it has no cycle, and no close ends it
    both.owner("EVE", "2026-02-01T00:00:00Z")
    assert both.owners() == {"feb": "EVE"}
    both.close(MARCH)
    assert both.owners(full_refresh=True) == {"feb": "EVE"}
    assert both.voided() == {None: 2}
    both.owner("BOB", "2026-02-02T00:00:00Z")
    assert both.owners() == {"feb": "BOB"}
    assert both.voided() == {MARCH: 2}


def test_a_database_closed_by_an_earlier_version_keeps_its_voided_records(both: Voids) -> None:
    both.take_out(("jan", "01-05"), ("feb", "02-10"))
    both.close(FEBRUARY)
    both.take_out(("late", "01-06"))
    both.close(MARCH)
    both.take_out(("later", "01-07"))
    owners: dict[str, str | None] = dict.fromkeys(("jan", "feb", "late", "later"), "ANN")
    assert both.owners() == owners
    frozen = "select * from issued.voided_usage order by cdr_id"
    before = both.warehouse.rows(frozen)
    assert [row["cycle_start"] for row in before] == [FEBRUARY, JANUARY, FEBRUARY]
    # as it was before there was such a table
    both.warehouse.execute("drop table issued.voided_usage cascade")
    both.warehouse.init()
    assert both.warehouse.rows(frozen) == before
    both.owner("BOB", "2026-01-01T00:00:00Z")
    owners["later"] = "BOB"
    assert both.owners(full_refresh=True) == owners
    # and once only: what is open now is not frozen by another init
    both.warehouse.init()
    assert both.warehouse.rows(frozen) == before
