"""Bundle integrity of a town: every case occurs, and the warehouse finds what was meant to be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from tandem import running
from tandem.database import exclusive
from tandem.generate import Summary, Town, generate
from tandem.generate.calendar import Calendar
from tandem.generate.model import ORDER_FAULTS
from tandem.generate.population import populate
from tests.support.warehouse import Warehouse

pytestmark = pytest.mark.xdist_group("loading")

TOWN = Town(
    accounts=90,
    months=2,
    seed=5,
    first_month=date(2025, 6, 1),
    calls_per_account_per_day=0.2,
)


@pytest.fixture(scope="module")
def summary(tmp_path_factory: pytest.TempPathFactory) -> Summary:
    """A town with trouble and few calls."""
    return generate(TOWN, Path(tmp_path_factory.mktemp("out_of_step")) / "town")


@pytest.fixture(scope="module")
def warehouse(summary: Summary, make_warehouse: Callable[[], Warehouse]) -> Warehouse:
    """The town, loaded and built."""
    made = make_warehouse()
    with exclusive(made.settings, "test") as connection:
        for folder in summary.folders:
            running.load_folder(connection, summary.out / folder)
    made.build()
    return made


@pytest.fixture(scope="module")
def exceptions(warehouse: Warehouse) -> list[dict[str, object]]:
    """Everything that does not agree, but for resold units."""
    rows = warehouse.mart("integrity.bundle_exceptions")
    return [row for row in rows if row["exception_type"] != "over_resale"]


#: Of each kind of trouble with orders: type of its exceptions, what is found, is it open.
ORDER_CASES = [
    ("missing_counterpart", "missing_counterpart", "no order", True),
    ("late_counterpart", "missing_counterpart", "no order", False),
    ("slow_counterpart", "missing_counterpart", "no order", False),
    ("third_missing", "missing_counterpart", "no order", True),
    ("counterpart_failed", "counterpart_failed", "failed", True),
    ("failed_then_retried", "counterpart_failed", "failed", False),
    ("withdrawn", "counterpart_failed", "withdrawn", True),
    ("called_off", None, "", False),
    ("mismatched_date", "mismatched", "completed", True),
    ("mismatched_plan", "mismatched", "completed", True),
    ("mismatched_action", "mismatched", "completed", True),
    ("unknown_plan", "unknown_plan", "SHARE9000", True),
    ("refused_late", "missing_counterpart", "submitted", True),
    ("unknown_account", "unknown_account", "X000001", True),
]


def test_every_mistake_in_orders_has_a_case() -> None:
    assert {kind for kind, *_ in ORDER_CASES} == set(ORDER_FAULTS)


@pytest.mark.parametrize(("kind", "exception_type", "found", "is_open"), ORDER_CASES)
def test_a_mistake_in_orders_is_found_as_what_it_is(
    summary: Summary,
    exceptions: list[dict[str, object]],
    kind: str,
    exception_type: str | None,
    found: str,
    is_open: bool,
) -> None:
    accounts = summary.cases[f"orders.{kind}"]
    assert len(accounts) == summary.trouble[f"orders.{kind}"] > 0
    for account in accounts:
        rows = [
            row
            for row in exceptions
            if row["account_id"] == account and row["exception_type"] != "plan_mismatch"
        ]
        assert {row["exception_type"] for row in rows} == ({exception_type} - {None})
        assert len(rows) == ORDER_FAULTS[kind][1]
        assert all(str(row["found"]).endswith(found) for row in rows)
        assert all(row["is_open"] == is_open for row in rows)


def test_the_warehouse_finds_as_many_exceptions_as_were_meant(
    summary: Summary, exceptions: list[dict[str, object]]
) -> None:
    assert Counter(row["exception_type"] for row in exceptions) == summary.exceptions
    assert set(summary.exceptions) == {
        "missing_counterpart",
        "counterpart_failed",
        "mismatched",
        "unknown_plan",
        "unknown_account",
        "plan_mismatch",
    }


def test_who_is_refused_late_is_told_to_hold_and_then_to_withdraw(
    summary: Summary, warehouse: Warehouse
) -> None:
    for account in summary.cases["orders.refused_late"]:
        told = [
            (row["opened_at"], row["instruction"], row["resolved_at"] is None)
            for row in warehouse.mart("integrity.order_instructions")
            if row["account_id"] == account
        ]
        assert [rest for _, *rest in sorted(told)] == [["hold", False], ["withdraw", True]]


def test_as_much_is_sold_again_beyond_what_expired_as_was_meant(
    summary: Summary, warehouse: Warehouse
) -> None:
    """But for the household of the story, whose units expire only at a close."""
    household = summary.stories["rollover"].account_ids
    found = [
        row
        for row in warehouse.mart("integrity.bundle_exceptions")
        if row["exception_type"] == "over_resale" and row["account_id"] not in household
    ]
    # one of its own is meant, too
    assert len(found) == summary.trouble["rollover_adjustments.over_resale"] - 1 > 0


@pytest.mark.parametrize("seed", range(1, 9))
def test_nobody_who_has_left_is_to_sell_again(seed: int) -> None:
    town = Town(accounts=120, months=4, seed=seed, first_month=date(2025, 6, 1))
    people = populate(town, Calendar(town.first_month, town.months), lambda *_: None)
    left = {order.account.account_id for order in people.orders if order.action == "cancel"}
    resold = [
        a.cells[0] for a in people.adjustments if (a.cells[2], a.cells[3]) == ("resale", "500")
    ]
    assert len(resold) == 3
    assert not left & set(resold)
    assert not {a.account_id for a in people.accounts if a.fault} & set(resold)


def test_accounts_without_trouble_have_no_exceptions(
    summary: Summary, exceptions: list[dict[str, object]]
) -> None:
    meant = {
        account
        for kind, accounts in summary.cases.items()
        if kind.startswith("orders.") or kind == "subscribers.plan_not_updated"
        for account in accounts
    }
    assert {row["account_id"] for row in exceptions} <= meant


def test_first_orders_are_placed_at_every_carrier(
    summary: Summary, exceptions: list[dict[str, object]]
) -> None:
    missing = {
        row["carrier_id"] for row in exceptions if row["exception_type"] == "missing_counterpart"
    }
    assert missing >= {"wireless", "wireline", "internet"}
    (account,) = summary.stories["passed_through"].account_ids
    (row,) = [row for row in exceptions if row["account_id"] == account]
    assert (row["carrier_id"], row["notify_carrier_id"]) == ("wireless", "wireline")


def test_what_one_carrier_alone_says_is_a_conflict(summary: Summary, warehouse: Warehouse) -> None:
    fields: dict[str, set[object]] = {}
    for row in warehouse.mart("integrity.casi_conflicts"):
        fields.setdefault(str(row["account_id"]), set()).add(row["field"])
    for kind, expected in (
        ("disconnected_at_one_carrier", {"lines"}),
        ("other_name_at_one_carrier", {"subscriber_name"}),
        ("other_email_at_one_carrier", {"email"}),
        ("plan_not_updated", {"plan"}),
    ):
        for account in summary.cases[f"subscribers.{kind}"]:
            # a carrier with other lines on the right plan contradicts nobody
            assert fields.get(account, expected) == expected, kind
    for kind in ("disconnected", "other_name", "other_email"):
        assert set(summary.cases[f"subscribers.{kind}_at_one_carrier"]) <= set(fields)


def test_batches_that_say_other_things_than_was_known(
    summary: Summary, warehouse: Warehouse
) -> None:
    found: dict[str, set[str]] = {}
    for row in warehouse.mart("integrity.casi_discrepancies"):
        found.setdefault(str(row["discrepancy_type"]), set()).add(str(row["account_id"]))
    for kind, discrepancy_type in (
        ("missing_in_batch", "missing_in_batch"),
        ("unannounced_line", "missing_in_casi"),
        ("unannounced_change", "field_mismatch"),
    ):
        accounts = set(summary.cases[f"subscribers.{kind}"])
        assert accounts
        assert accounts <= found[discrepancy_type]


def test_a_town_without_trouble_has_no_exceptions_to_make(tmp_path: Path) -> None:
    clean = generate(replace(TOWN, trouble=False), tmp_path / "clean")
    assert not clean.exceptions
    assert not clean.cases


def test_the_same_town_has_the_same_cases(summary: Summary, tmp_path: Path) -> None:
    again = generate(TOWN, tmp_path / "again")
    assert again.cases == summary.cases
    assert again.exceptions == summary.exceptions
