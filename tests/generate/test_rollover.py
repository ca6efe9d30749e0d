"""The household of the demo to whose rollover everything happens, worked out by the plain rater."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from tandem import demonstration
from tandem.feeds import FEEDS
from tandem.generate import Summary, Town, generate
from tests.rater.rater import Rater

from .conftest import CLEAN, TROUBLED
from .reading import Row, Warehouse, served
from .test_content import SEEDS

DEMO = Town(
    accounts=demonstration.ACCOUNTS,
    months=demonstration.MONTHS,
    seed=demonstration.SEED,
    first_month=demonstration.FIRST_MONTH,
    calls_per_account_per_day=demonstration.CALLS_PER_DAY,
)
JUNE, JULY, AUGUST = date(2025, 6, 1), date(2025, 7, 1), date(2025, 8, 1)
SEPTEMBER, OCTOBER = date(2025, 9, 1), date(2025, 10, 1)


def rows_of(load: Warehouse, summary: Summary, folder: str, account: str) -> Iterator[Any]:
    """Files of a folder in the order of a run, with the rows that concern the account."""
    numbers = {
        row["service_number"]
        for feed in ("subscribers", "subscriber_changes")
        for _, row in load.feed(feed)
        if row["account_id"] == account
    }
    order = list(FEEDS)
    for file in sorted(summary.files, key=lambda file: (order.index(file.feed), file.path)):
        if file.folder == folder:
            rows = load.files[file.path].accepted
            if file.feed == "cdrs":
                rows = [row for row in rows if served(row) in numbers]
            elif not file.feed.startswith("subscriber"):  # who is called is a line of ours
                rows = [row for row in rows if row["account_id"] == account]
            yield file, rows


@dataclass
class Household:
    """The household after two closes, in the open third month."""

    account: str
    rater: Rater

    def mart(self, name: str) -> list[dict[str, Any]]:
        return [row for row in self.rater.mart(name) if row.get("account_id") == self.account]

    def cycle(self, pool: str, start: date) -> dict[str, Any]:
        (found,) = (
            row
            for row in self.mart("rollover.rollover_matrix")
            if (row["pool_id"], row["cycle_start"]) == (pool, start)
        )
        return found

    def bucket(self, ending: str) -> dict[str, Any]:
        (found,) = (
            row
            for row in self.mart("rollover.rollover_buckets")
            if row["bucket_id"].startswith(f"{self.account}-{ending}")
        )
        return found

    def adjustment(self, action: str, cycle: date) -> dict[str, Any]:
        (found,) = (
            row
            for row in self.mart("rollover.adjustment_history")
            if (row["action"], row["cycle_start"]) == (action, cycle)
        )
        return found


def bill(town: Town, folder: Path) -> Household:
    summary = generate(town, folder)
    load = Warehouse(summary)
    (account,) = summary.stories["rollover"].account_ids
    rater = Rater.from_seeds(SEEDS)
    folders = [name for name in summary.folders if not name.endswith("-late")]
    for number, name in enumerate(folders):
        for late in (*((f"{folders[number - 1]}-late",) if number else ()), name):
            for file, rows in rows_of(load, summary, late, account):
                as_of = None
                if file.feed == "subscribers":
                    stamp = file.path.split(".")[2]
                    as_of = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
                result = rater.load(file.feed, rows, file.carrier, as_of)
                assert result.accepted == len(rows), file.path
        if number < 2:
            rater.close((JULY, AUGUST)[number])
    return Household(account, rater)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Household:
    return bill(DEMO, tmp_path_factory.mktemp("demo"))


def test_opening_balances_of_two_pools_are_taken_over(demo: Household) -> None:
    for pool in ("anytime", "data"):
        june = demo.cycle(pool, JUNE)
        assert june["taken_over_units"] == june["opening_balance"] > 0
        earned = [
            row["earned_cycle_start"]
            for row in demo.mart("rollover.rollover_buckets")
            if row["pool_id"] == pool and row["earned_cycle_start"] < JUNE
        ]
        assert len(earned) == 3
    entries = [row for row in demo.rater.issued.journal if row.event == "opening"]
    assert len(entries) == 6
    assert all(entry.amount > 0 for entry in entries)


def test_units_expire_at_the_end_of_the_first_cycle(demo: Household) -> None:
    unused = demo.bucket("data-20250301-plan")
    assert unused["status"] == "expired"
    assert unused["expired_quantity"] == unused["earned_quantity"]
    assert unused["used_quantity"] == unused["debited_quantity"] == 0
    drawn = demo.bucket("anytime-20250301-plan")
    assert drawn["status"] == "expired"
    assert 0 < drawn["expired_quantity"] < drawn["earned_quantity"]
    assert demo.cycle("anytime", JUNE)["expired_units"] > 30


def test_the_first_cycle_draws_and_earns_and_is_adjusted(demo: Household) -> None:
    june = demo.cycle("anytime", JUNE)
    assert june["is_closed"]
    assert 50 < june["rollover_used_units"] < 250
    assert june["plan_used_units"] == 0  # rollover is burnt first
    assert june["accumulated_units"] == june["allowance_units"] == 500
    assert demo.bucket("anytime-20250301-plan")["debited_quantity"] == 25 * 60
    for action, unapplied in (("credit", 0), ("debit", 0), ("resale", 40)):
        adjusted = demo.adjustment(action, JUNE)
        assert adjusted["unapplied_quantity"] == unapplied
        assert adjusted["applied_quantity"] == adjusted["quantity"] - unapplied
    exceptions = [
        row["exception_type"]
        for row in demo.mart("rollover.rollover_exceptions")
        if row["subject"] == demo.adjustment("resale", JUNE)["adjustment_id"]
    ]
    assert exceptions == ["over_resale"]


def test_the_change_of_plan_is_in_step_at_all_three_carriers(demo: Household) -> None:
    rows = [row for row in demo.mart("integrity.order_sync") if row["action"] == "change_plan"]
    assert {row["carrier_id"] for row in rows} == {"wireless", "wireline", "internet"}
    assert len(rows) == 6
    assert {row["sync_status"] for row in rows} == {"in_sync"}
    plans = {
        row["plan_id"]: (row["effective_from"], row["effective_to"])
        for row in demo.mart("integrity.effective_plans")
    }
    assert plans == {"SHARE_DATA": (JUNE, JULY), "SHARE800": (JULY, None)}
    assert demo.mart("rating.suspended_usage") == []
    assert {row["exception_type"] for row in demo.mart("integrity.bundle_exceptions")} <= {
        "over_resale"
    }


def test_minutes_carry_over_and_data_are_kept_for_a_cycle_and_archived(demo: Household) -> None:
    assert demo.cycle("anytime", JULY)["rollover_status"] == "active"
    assert demo.cycle("anytime", JULY)["opening_balance"] > 1000
    left = demo.cycle("data", JULY)
    assert left["ended_at"] == JULY
    assert left["rollover_status"] == "archived"
    assert left["archived_units"] == left["opening_balance"] > 3000
    archive = demo.mart("rollover.rollover_archive")
    assert len(archive) == 3
    assert {row["archived_on"] for row in archive} == {AUGUST}


def test_data_are_retained_until_the_second_close(tmp_path: Path) -> None:
    one_closed = replace(DEMO, accounts=30, months=1)
    after = bill(one_closed, tmp_path / "town")
    assert after.bucket("data-20250601-plan")["status"] == "retained"
    assert after.cycle("data", JULY)["rollover_status"] == "retained"


def test_the_second_cycle_sells_again_extends_and_meets_the_cap(demo: Household) -> None:
    july = demo.cycle("anytime", JULY)
    assert july["is_closed"]
    assert 0 < july["plan_used_units"] < 300
    assert july["accumulated_units"] > 0
    assert july["capped_units"] > 0
    assert july["closing_balance"] == 1600
    resale = demo.adjustment("resale", JULY)
    assert (resale["applied_quantity"], resale["unapplied_quantity"]) == (30, 0)
    assert demo.bucket("anytime-20250701-resale-")["earned_quantity"] == 30 * 60
    # about to expire, and paid for to stay two cycles longer
    assert demo.adjustment("extension", JULY)["unapplied_quantity"] == 0
    assert demo.bucket("anytime-20250401-plan")["expires_on"] == OCTOBER
    (second,) = (b for b in demo.rater.issued.bills if b.cycle.start == JULY)
    one_times = [line.amount for line in second.lines if line.charge_category == "one_time"]
    assert len(one_times) == 2
    assert all(amount > 1 for amount in one_times)


def test_the_third_cycle_is_open_draws_and_has_units_about_to_expire(demo: Household) -> None:
    august = demo.cycle("anytime", AUGUST)
    assert not august["is_closed"]
    assert august["plan_used_units"] == august["allowance_units"] == 800
    assert august["rollover_used_units"] > 100
    assert august["overage_assessed_units"] == august["rollover_used_units"]  # no overage
    expiring = [
        row
        for row in demo.mart("rollover.rollover_buckets")
        if row["expires_on"] == SEPTEMBER
        and row["remaining_quantity"]
        and row["status"] != "archived"
    ]
    assert len(expiring) == 2
    assert {row["status"] for row in expiring} == {"available"}


@pytest.mark.parametrize("seed", [1, 2])
def test_it_happens_in_other_towns_too(tmp_path: Path, seed: int) -> None:
    other = bill(replace(DEMO, seed=seed, accounts=40), tmp_path / "town")
    assert other.cycle("anytime", JUNE)["expired_units"] >= 30
    assert other.adjustment("resale", JULY)["unapplied_quantity"] == 0
    assert other.cycle("anytime", JULY)["closing_balance"] == 1600
    assert other.cycle("anytime", AUGUST)["rollover_used_units"] > 0


# The feed in any town.


def openings(load: Warehouse) -> list[Row]:
    return [row for _, row in load.feed("rollover_opening")]


def test_only_that_household_brings_units(troubled: Summary, troubled_load: Warehouse) -> None:
    rows = openings(troubled_load)
    assert {row["account_id"] for row in rows} == set(troubled.stories["rollover"].account_ids)
    assert {row["pool_id"] for row in rows} == {"anytime", "data"}
    files = [file.path for file in troubled.files if file.feed == "rollover_opening"]
    assert files == ["2026-06/rollover_opening.csv"]


def test_a_town_without_adjustments_has_neither_story_nor_openings(tmp_path: Path) -> None:
    plain = generate(replace(TROUBLED, adjustments=False), tmp_path / "town")
    assert "rollover" not in plain.stories
    assert len(plain.stories) == 13
    assert not any(file.feed.startswith("rollover") for file in plain.files)
    assert not any(kind.startswith("rollover") for kind in plain.trouble)


@pytest.mark.parametrize("days", [(15,), (28,)])
def test_cycles_need_not_begin_on_the_first(tmp_path: Path, days: tuple[int, ...]) -> None:
    town = replace(CLEAN, accounts=15, months=3, bill_cycle_days=days)
    summary = generate(town, tmp_path / "town")
    load = Warehouse(summary)
    assert len(openings(load)) == 6
    assert {row["earned_cycle_start"][8:] for row in openings(load)} == {str(days[0])}
    account = summary.stories["rollover"].account_ids[0]
    mine = [row for _, row in load.feed("rollover_adjustments") if row["account_id"] == account]
    assert len(mine) == 4


def test_adjustments_are_numbered_as_they_were_entered(troubled_load: Warehouse) -> None:
    rows = [row for _, row in troubled_load.feed("rollover_adjustments")]
    entered = sorted(rows, key=lambda row: row["adjustment_id"])
    assert [row["adjusted_at"] for row in entered] == sorted(row["adjusted_at"] for row in rows)
    assert [row["adjustment_id"] for row in entered] == [
        f"ADJ-{number:06d}" for number in range(1, len(rows) + 1)
    ]
