"""Orders at one carrier only, orders that differ or fail: from feeds to whoever is told of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest

from tests.cli.running import environment, tandem
from tests.support.warehouse import Warehouse

MARTS = (
    "bundle_exceptions",
    "carrier_notifications",
    "order_instructions",
    "pass_through_orders",
    "fulfillment_notices",
    "order_history",
)
pytestmark = [
    pytest.mark.xdist_group("integrity_story"),
]

ACCOUNTS = ("AGREED", "UNNAMED", "ALONE", "FRESH", "DIFFERS", "FAILED", "ODD")
PLACED = "2025-06-02T10:00:00Z"
FRESH_AT = "2025-06-10T10:00:00Z"  # where the warehouse stands


def order(order_id: str, account: str, **more: str) -> dict[str, str]:
    return {
        "order_id": order_id,
        "account_id": account,
        "action": "subscribe",
        "plan_id": "SHARE1000",
        "requested_at": PLACED,
        "effective_on": "2025-06-05",
        "status": "completed",
    } | more


@pytest.fixture(scope="module")
def told(make_warehouse: Callable[[], Warehouse]) -> Iterator[Warehouse]:
    """A warehouse of accounts that have ordered the plan of two carriers; not to be changed.

    Both carriers have the orders of AGREED and UNNAMED, which has no e-mail address. Only the
    wireless one has those of ALONE, of eight days ago, and FRESH, of now. The wireline one has
    another plan for DIFFERS, and failed to make that of FAILED. ODD has a plan that nobody knows.
    """
    warehouse = make_warehouse()
    warehouse.load(
        "accounts",
        [
            {
                "account_id": account,
                "holder_name": f"{account.title()} Example",
                "email": "" if account == "UNNAMED" else f"{account.lower()}@example.com",
                "bill_cycle_day": "1",
                "time_zone": "America/New_York",
                "tax_jurisdiction_id": "US",
                "opened_on": "2025-01-01",
            }
            for account in ACCOUNTS
        ],
    )
    orders = [order(f"W-{account}", account) for account in ACCOUNTS]
    orders[ACCOUNTS.index("FRESH")]["requested_at"] = FRESH_AT
    orders[ACCOUNTS.index("ODD")]["plan_id"] = "NOPLAN"
    warehouse.load("orders", orders, "wireless")
    warehouse.load(
        "orders",
        [
            order("T-AGREED", "AGREED", requested_at="2025-06-02T12:00:00Z"),
            order("T-UNNAMED", "UNNAMED"),
            order("T-DIFFERS", "DIFFERS", plan_id="SHARE800", counterpart_order_id="W-DIFFERS"),
            order("T-FAILED", "FAILED", status="failed"),
        ],
        "wireline",
    )
    warehouse.build()
    yield warehouse


def in_json(warehouse: Warehouse, *arguments: object) -> Any:
    done = tandem(*arguments, "--json", env=environment(warehouse))
    assert (done.code, done.err) == (0, "")
    return json.loads(done.out)


def types_of(warehouse: Warehouse, *arguments: object) -> set[tuple[str, str, str]]:
    """Account, type and who must act."""
    return {
        (row["account_id"], row["exception_type"], row["notify_carrier_id"])
        for row in in_json(warehouse, "exceptions", *arguments)
    }


def test_exceptions_of_the_story(told: Warehouse) -> None:
    assert {
        ("ALONE", "missing_counterpart", "wireline"),
        ("DIFFERS", "mismatched", "wireline"),
        ("FAILED", "counterpart_failed", "wireline"),
        ("ODD", "unknown_plan", "wireless"),
    } <= types_of(told, "--open")
    accounts = {account for account, _, _ in types_of(told)}
    assert accounts == {"ALONE", "DIFFERS", "FAILED", "ODD"}
    (alone,) = in_json(told, "exceptions", "--account", "ALONE")
    assert (alone["state"], alone["opened_at"]) == ("open", "2025-06-03T10:00:00+00:00")
    assert alone["age_days"] == 7
    shown = tandem("exceptions", env=environment(told))
    assert shown.code == 0
    assert max(map(len, shown.out.splitlines())) <= 100


def test_messages_of_the_story(told: Warehouse) -> None:
    rows = in_json(told, "notifications")
    told_of = {(row["message_type"], row["to_carrier_id"], row["account_id"]) for row in rows}
    assert {
        ("notification", "wireline", "ALONE"),
        ("notification", "wireline", "FAILED"),
        ("notification", "wireless", "ODD"),
        ("hold", "wireless", "ALONE"),
        ("hold", "wireless", "DIFFERS"),
        ("withdraw", "wireless", "FAILED"),
    } <= told_of
    assert not {account for _, _, account in told_of} & {"AGREED", "UNNAMED", "FRESH"}
    open_ones = {row["exception_id"] for row in in_json(told, "exceptions", "--open")}
    assert {row["exception_id"] for row in rows} == open_ones
    assert all(row["request"] for row in rows)


def test_orders_of_the_story(told: Warehouse) -> None:
    for account, status in (
        ("AGREED", "in_sync"),
        ("ALONE", "missing_counterpart"),
        ("FRESH", "awaiting_counterpart"),
        ("DIFFERS", "mismatched"),
        ("FAILED", "counterpart_failed"),
        ("ODD", None),
    ):
        (change,) = in_json(told, "orders", "show", account)["changes"]
        assert change["sync_status"] == status, account
    done = tandem("orders", "show", "ALONE", env=environment(told))
    assert "Held back: Piedmont Telephone (wireline) has no order; it was due" in done.out
    done = tandem("orders", "show", "ODD", env=environment(told))
    assert "Held back: NOPLAN is no plan of the catalog." in done.out


def test_notices_of_the_story(told: Warehouse, tmp_path: Path) -> None:
    written = in_json(told, "notices", "--out", tmp_path)
    (path,) = map(Path, written["written"])
    assert [row["account_id"] for row in written["unreachable"]] == ["UNNAMED"]
    parsed = message_from_bytes(path.read_bytes(), policy=policy.default)
    assert parsed["To"] == "agreed@example.com"
    assert parsed["Subject"] == "Share 1000 is yours from 5 June 2025"
    # when the last of them had confirmed
    assert parsed["Date"] == "Mon, 02 Jun 2025 12:00:00 +0000"
    text = path.read_bytes().replace(b"=\r\n", b"").decode()
    assert "Peachtree Wireless, order W-AGREED" in text
    assert "Piedmont Telephone, order T-AGREED" in text


def test_what_is_passed_on_heals(
    told: Warehouse, copy_of: Callable[[Warehouse], Warehouse], tmp_path: Path
) -> None:
    mine = copy_of(told)
    out = tmp_path / "orders.jsonl"
    arguments = ("orders", "pass-through", "--carrier", "wireline", "--out", out)
    passed = in_json(mine, *arguments)
    assert passed["carriers"] == {"wireline": {"subscribe": 2}}
    # the other platform has them, and has not made them yet: nothing is settled
    mine.load_path("orders", out, "wireline")
    mine.build()
    again = tmp_path / "again.jsonl"
    in_json(mine, *arguments[:-1], again)
    first, second = (
        [json.loads(line) for line in path.read_text().splitlines()] for path in (out, again)
    )
    # it is named now what the other platform has under way
    assert {row["submitted_order_id"] for row in first} == {None}
    for row in second:
        assert row["submitted_order_id"] == row["order_id"]
    assert [row | {"submitted_order_id": None} for row in second] == first
    # it has made them
    made = tmp_path / "made.jsonl"
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    made.write_text(
        "".join(
            json.dumps(row | {"status": "completed", "status_at": "2025-06-10T11:00:00Z"}) + "\n"
            for row in rows
        ),
        encoding="utf-8",
    )
    assert mine.load_path("orders", made, "wireline").accepted == 2
    mine.build()
    assert in_json(mine, *arguments)["rows"] == 0
    for account in ("ALONE", "FRESH"):
        (change,) = in_json(mine, "orders", "show", account)["changes"]
        assert change["sync_status"] == "in_sync"
    (alone,) = in_json(mine, "exceptions", "--account", "ALONE")
    assert (alone["state"], alone["resolved_at"]) == ("resolved", "2025-06-10T11:00:00+00:00")
    assert not any(
        row["account_id"] == "ALONE"
        for row in in_json(mine, "notifications", "--carrier", "wireline")
    )
    accounts = sorted(row["account_id"] for row in in_json(mine, "notices"))
    assert accounts == ["AGREED", "ALONE", "FRESH", "UNNAMED"]
