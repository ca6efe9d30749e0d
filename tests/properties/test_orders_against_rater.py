"""Orders out of step: the warehouse against the plain rater, whatever arrives in which order."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.properties.comparison import MARTS, differences
from tests.properties.hostile_catalog import hostile_catalog
from tests.properties.ordering import PLANS, accounts, order_rows
from tests.rater import Rater
from tests.support.warehouse import PROJECT, Databases, Row, Warehouse, copy_project

SEEDS = tuple(int(seed) for seed in os.environ.get("TANDEM_PROPERTY_SEEDS", "4").split(","))
ACCOUNTS = int(os.environ.get("TANDEM_PROPERTY_ACCOUNTS", "400"))
LOADS = 4
COMPARED = {
    "integrity.order_history",
    "integrity.order_sync",
    "integrity.bundle_exceptions",
    "integrity.carrier_notifications",
    "integrity.pass_through_orders",
    "integrity.fulfillment_notices",
    "integrity.order_instructions",
    "integrity.effective_plans",
}


@pytest.fixture(params=SEEDS)
def seed(request: pytest.FixtureRequest) -> int:
    """The seed of the orders."""
    return int(request.param)


@pytest.fixture
def hostile_warehouse(databases: Databases, tmp_path: Path) -> Iterator[Warehouse]:
    """An initialised warehouse with a plan of three carriers and plans that occupy one."""
    project = copy_project(tmp_path / "project", hostile_catalog(PROJECT / "seeds"))
    name = databases.prepare("hostile", tmp_path / "prepared", project)
    with databases.warehouse(tmp_path / "feeds", name, project) as warehouse:
        yield warehouse


def _pieces(seed: int, rows: list[tuple[str, Row]]) -> Iterator[list[tuple[str, list[Row]]]]:
    """The rows in a few nights, of each night one file a carrier."""
    chance = random.Random(seed)
    nights: list[dict[str, list[Row]]] = [{} for _ in range(LOADS)]
    for carrier, row in rows:
        chance.choice(nights).setdefault(carrier, []).append(row)
    for night in nights:
        yield sorted(night.items())


def _assert_nobody_is_billed_alone(warehouse: Warehouse) -> None:
    """A plan of several carriers is in effect only where each of them completed an order for it."""
    ordered = {
        (row["account_id"], row["plan_id"], row["carrier_id"])
        for row in warehouse.rows(
            "select account_id, plan_id, carrier_id from integrity.order_history"
            " where is_current and status = 'completed' and action <> 'cancel'"
        )
    }
    in_effect = warehouse.rows("select account_id, plan_id from integrity.effective_plans")
    assert in_effect
    alone = [
        (row["account_id"], row["plan_id"], carrier)
        for row in in_effect
        if len(PLANS[row["plan_id"]]) > 1
        for carrier in PLANS[row["plan_id"]]
        if (row["account_id"], row["plan_id"], carrier) not in ordered
    ]
    assert alone == []


def _assert_each_change_is_told_once(warehouse: Warehouse) -> None:
    notices = warehouse.rows("select order_keys from integrity.fulfillment_notices")
    told = Counter(key for row in notices for key in row["order_keys"])
    confirmed = {
        f"{row['carrier_id']}:{row['order_id']}"
        for row in warehouse.rows(
            "select carrier_id, order_id from integrity.order_sync group by 1, 2"
            " having bool_and(sync_status = 'in_sync')"
        )
    }
    assert confirmed - set(told) == set()
    assert [key for key, times in told.items() if times > 1] == []


def test_orders_stand_as_the_plain_rater_says(hostile_warehouse: Warehouse, seed: int) -> None:
    warehouse = hostile_warehouse
    rater = Rater(hostile_catalog(PROJECT / "seeds"))
    marts = [mart for mart in MARTS if mart.name in COMPARED]
    assert len(marts) == len(COMPARED)
    holders = accounts(ACCOUNTS)
    # some accounts come after their orders, one never
    brought = {0: holders[20:], 1: holders[10:20], 2: holders[1:10]}
    for night, files in enumerate(_pieces(seed, order_rows(seed, ACCOUNTS))):
        if night in brought:
            warehouse.load("accounts", brought[night])
            rater.load("accounts", brought[night], None, None)
        for carrier, rows in files:
            loaded = warehouse.load("orders", rows, carrier, max_rejects=100)
            judged = rater.load("orders", rows, carrier, None)
            assert (loaded.accepted, loaded.duplicate, loaded.rejected) == (
                judged.accepted,
                judged.duplicate,
                len(judged.rejected),
            )
        warehouse.build(full_refresh=night == LOADS - 1)
        rater.end_reported()
        found = differences(warehouse, rater, marts)
        assert not found, f"night {night}: {len(found)} differences\n" + "\n".join(found[:20])
        _assert_nobody_is_billed_alone(warehouse)
        _assert_each_change_is_told_once(warehouse)
    types = Counter(
        (row["exception_type"], row["is_open"])
        for row in warehouse.rows("select exception_type, is_open from integrity.bundle_exceptions")
    )
    # a test that meets nothing proves nothing
    assert types["unknown_account", True] > 0
    instructions = Counter(
        row["instruction"]
        for row in warehouse.rows(
            "select instruction from integrity.order_instructions as told"
            " inner join integrity.bundle_exceptions as exceptions using (exception_id)"
            " where exceptions.exception_type <> 'counterpart_failed'"
        )
    )
    assert min(instructions["hold"], instructions["withdraw"]) > 0
    taking_effect = Counter(
        row["is_taking_effect"]
        for row in warehouse.rows(
            "select takes_effect_on is not null as is_taking_effect"
            " from integrity.fulfillment_notices"
        )
    )
    assert set(taking_effect) == {True, False}
    assert set(types) >= {
        (kind, is_open)
        for kind in ("missing_counterpart", "mismatched", "counterpart_failed")
        for is_open in (True, False)
    }
