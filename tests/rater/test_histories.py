"""Hostile histories through the rater alone: what must hold whatever happens."""

from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.properties.hostile_catalog import hostile_catalog
from tests.properties.playing import play
from tests.properties.scenarios import Close, hostile
from tests.properties.test_against_rater import CHECKPOINTS, CLOSES

from .arith import ZERO_CENTS
from .rater import Rater
from .test_rater import check_invariants

CATALOG = hostile_catalog(Path(__file__).parents[2] / "seeds")
ISSUED = ("accounting.journal", "billing.bill_lines", "rollover.rollover_archive")
Row = dict[str, Any]


@pytest.mark.parametrize("seed", range(1, 31))
def test_units_and_money_are_conserved(seed: int) -> None:
    rater = Rater(CATALOG)
    issued: dict[str, list[Row]] = {name: [] for name in ISSUED}
    for step in hostile(seed, 20, 250).steps(CLOSES, CHECKPOINTS):
        play(rater, step)
        if isinstance(step, Close):
            for name, before in issued.items():
                now = rater.mart(name)
                assert now[: len(before)] == before  # closed is closed
                issued[name] = now
    check_invariants(rater)
    balances_go_on(rater)
    archive_is_what_the_matrix_says(rater)
    deferred_is_recognised_once(rater)
    adjustments_are_all_there(rater)


def balances_go_on(rater: Rater) -> None:
    """A cycle opens with what the one before closed with, and what was taken over."""
    before: dict[tuple[str, str], Row] = {}
    for row in sorted(rater.mart("rollover.rollover_matrix"), key=lambda r: r["cycle_start"]):
        last = before.get((row["account_id"], row["pool_id"]))
        left = Decimal(0)
        if last is not None and last["cycle_end"] == row["cycle_start"]:
            left = last["closing_balance"]
        # each figure is rounded to 6 decimals of a unit on its own
        difference = row["opening_balance"] - left - row["taken_over_units"]
        assert abs(difference) < Decimal("0.000003"), row
        before[row["account_id"], row["pool_id"]] = row


def archive_is_what_the_matrix_says(rater: Rater) -> None:
    archived = {
        row["bucket_id"]: row["remaining_quantity"]
        for row in rater.mart("rollover.rollover_buckets")
        if row["status"] == "archived"
    }
    rows = rater.mart("rollover.rollover_archive")
    assert archived == {row["bucket_id"]: row["quantity"] for row in rows}
    in_matrix = sum(row["archived_units"] > 0 for row in rater.mart("rollover.rollover_matrix"))
    assert in_matrix == len({(r["account_id"], r["pool_id"], r["archived_on"]) for r in rows})


def deferred_is_recognised_once(rater: Rater) -> None:
    """Every entry has two sides, and deferred = usage + breakage + balance, in every statement of
    it: per bucket, in the account of the journal, in the roll-forward."""
    journal = rater.mart("accounting.journal")
    accounts: Counter[str] = Counter()
    for entry in journal:
        assert entry["debit_account"] != entry["credit_account"]
        assert (entry["bill_id"] is None) != (entry["bucket_id"] is None)
        accounts[entry["credit_account"]] += entry["amount"]
        accounts[entry["debit_account"]] -= entry["amount"]
    assert sum(accounts.values()) == 0
    balance = ZERO_CENTS
    for row in rater.mart("accounting.deferred_revenue"):
        spent = row["usage_amount"] + row["breakage_amount"] + row["balance_amount"]
        assert row["deferred_amount"] == spent
        balance += row["balance_amount"]
    assert accounts["deferred_revenue"] == balance
    roll_forward = rater.mart("accounting.deferred_revenue_roll_forward")
    assert [row["close_id"] for row in roll_forward] == list(range(1, len(roll_forward) + 1))
    for row in roll_forward:
        moved = row["deferred_amount"] - row["recognised_amount"] - row["breakage_amount"]
        assert row["closing_amount"] == row["opening_amount"] + moved
    assert roll_forward[-1]["closing_amount"] == balance


def adjustments_are_all_there(rater: Rater) -> None:
    accepted = sum(
        load.result.accepted for load in rater.feeds.loads if load.feed == "rollover_adjustments"
    )
    rows = rater.mart("rollover.adjustment_history")
    assert len(rows) == accepted
    for row in rows:
        parts = row["applied_quantity"] + row["unapplied_quantity"]
        # the parts are rounded to 6 decimals, each on its own
        assert abs(row["quantity"] - parts) < Decimal("0.000002"), row
    found = [
        (r["exception_type"], r["subject"]) for r in rater.mart("rollover.rollover_exceptions")
    ]
    assert len(found) == len(set(found))
