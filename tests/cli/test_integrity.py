"""What does not agree between carriers: how it is listed, told to them, and told to subscribers."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tandem.bills.files import UNFINISHED
from tandem.feeds import FEEDS
from tandem.integrity.mail import NO_SENDER, Notice, Sender, is_address, message, page_of, render
from tandem.integrity.words import INSTRUCTIONS, KINDS
from tandem.outbox.product_order import product_order
from tests.cli import made_up
from tests.cli.made_up import AS_OF, BUILT, account, ago, exception, notice, passed, status, sync
from tests.cli.running import Done, assert_one_sentence, environment, tandem
from tests.support.warehouse import Warehouse

pytestmark = pytest.mark.xdist_group("integrity")

NASTY = "[bold]<b>Ann</b>[/] \x1b[31m\r\nBcc: eve@example.com\u202e"
OPEN = exception("missing_counterpart", "A1", ago(days=12, hours=3))
DIFFERS = exception(
    "mismatched",
    "A2",
    ago(hours=5),
    found="T-A2: subscribe SHARE800 2025-06-01 completed",
)
FAILED = exception(
    "counterpart_failed", "A3", ago(days=40), found="T-A3: subscribe SHARE1000 2025-06-01 failed"
)
WAIVED = exception(
    "plan_mismatch",
    "A4",
    ago(days=90),
    order_id=None,
    service_number="+14045550123",
    other_carrier_id=None,
    notify_carrier_id="wireless",
    expected="SHARE1000",
    found=None,
    waiver_reason="spring move",
    waived_until=date(2025, 7, 1),
)
ODD = exception(
    "unknown_plan",
    "A5",
    ago(days=3),
    other_carrier_id=None,
    notify_carrier_id="wireless",
    expected="a plan of the catalog",
    found=NASTY,
)
HEALED = exception("missing_counterpart", "A6", ago(days=20), resolved_at=ago(days=18))
RESOLD = exception(
    "over_resale",
    "A7",
    ago(days=1),
    carrier_id="wireline",
    order_id=None,
    other_carrier_id=None,
    expected="at most what expired and was not resold yet",
    found="J1: 105.5 units over",
)
ALL = [HEALED, RESOLD, WAIVED, ODD, DIFFERS, OPEN, FAILED]


@pytest.fixture(scope="module")
def told(make_warehouse: Callable[[], Warehouse]) -> Iterator[Warehouse]:
    """Marts with one of each kind; not to be changed."""
    warehouse = make_warehouse()
    made_up.make(warehouse)
    accounts = [account(f"A{number}") for number in range(1, 8)]
    accounts[1]["holder_name"] = NASTY
    accounts[2]["email"] = None
    accounts[3]["email"] = "a4@example.com\r\nBcc: eve@example.com"
    made_up.fill(warehouse, "integrity.int_accounts", [*accounts, account("QUIET")])
    made_up.fill(warehouse, "integrity.bundle_exceptions", ALL)
    notifications = [made_up.notification(row) for row in ALL]
    made_up.fill(warehouse, "integrity.carrier_notifications", notifications)
    instructions = [
        made_up.instruction("hold", OPEN),
        made_up.instruction("hold", HEALED),
        made_up.instruction("withdraw", FAILED),
    ]
    made_up.fill(warehouse, "integrity.order_instructions", instructions)
    made_up.fill(
        warehouse,
        "integrity.pass_through_orders",
        [
            passed("A2", "wireline", "cancel", order_id='=cmd|"x"', account_id="@A2"),
            passed("A1", "wireline"),
            passed("A1", "internet"),
            passed("A3", "wireline", requested_at=datetime(2025, 5, 28, 15, 30, 0, 5, UTC)),
        ],
    )
    made_up.fill(
        warehouse,
        "integrity.fulfillment_notices",
        [
            notice("A1"),
            notice("A2", "change_plan", fulfilled_at=datetime(2025, 6, 2, 3, 30, tzinfo=UTC)),
            notice("A3", "cancel"),
            notice("A4"),
            notice("A5", "cancel", plan_id="OLD<PLAN>"),
            notice("A1", "change_plan", takes_effect_on=None),
        ],
    )
    _fill_orders(warehouse)
    yield warehouse


def _fill_orders(warehouse: Warehouse) -> None:
    """Of A1: a change that both made, one that differs, one that is late, one that is awaited, one
    that failed, and a line."""
    first, second, third, fourth, fifth = (
        datetime(2025, month, 3, 9, tzinfo=UTC) for month in (1, 2, 3, 4, 6)
    )
    fifth = AS_OF - timedelta(hours=2)
    made = [
        made_up.status("wireless", "W1", "submitted", first, is_current=False),
        made_up.status("wireless", "W1", "completed", first, load_id=2, status_at=second),
        made_up.status("wireline", "T1", "completed", first),
        made_up.status("wireless", "W2", "completed", second, action="change_plan"),
        made_up.status(
            "wireline", "T2", "completed", second, action="change_plan", plan_id="SHARE800"
        ),
        made_up.status("wireless", "W3", "completed", third, plan_id="SHARE_DATA"),
        made_up.status("internet", "I3", "submitted", third, plan_id="SHARE_DATA"),
        made_up.status("wireless", "W4", "completed", fourth, action="cancel"),
        made_up.status("wireline", "T4", "failed", fourth, action="cancel"),
        made_up.status("wireless", NASTY, "completed", fifth),
        made_up.status("wireless", "W5", "completed", fifth, plan_id="OLDPLAN"),
        made_up.status("wireline", "T5", "completed", fifth, plan_id="WIRELINE_LD"),
        made_up.status(
            "wireless",
            "L1",
            "completed",
            first,
            action="add_line",
            plan_id=None,
            service_number="+14045550123",
        ),
    ]
    made_up.fill(warehouse, "integrity.order_history", made)
    by_id = {row["order_id"]: row for row in made}
    made_up.fill(
        warehouse,
        "integrity.order_sync",
        [
            made_up.sync(by_id["W1"], "in_sync", "wireline", "T1"),
            made_up.sync(by_id["T1"], "in_sync", "wireless", "W1"),
            made_up.sync(by_id["W2"], "mismatched", "wireline", "T2"),
            made_up.sync(by_id["T2"], "mismatched", "wireless", "W2"),
            made_up.sync(by_id["W3"], "missing_counterpart", "internet", "I3"),
            made_up.sync(by_id["W4"], "counterpart_failed", "wireline", "T4"),
            made_up.sync(by_id[NASTY], "awaiting_counterpart", "wireline", None),
        ],
    )


def run(warehouse: Warehouse, *arguments: object, **env: str) -> Done:
    return tandem(*arguments, env=environment(warehouse) | env)


def in_json(warehouse: Warehouse, *arguments: object) -> Any:
    done = run(warehouse, *arguments, "--json")
    assert (done.code, done.err) == (0, "")
    return json.loads(done.out)


def lines_of(done: Done) -> list[str]:
    """Lines of a page that went well; none is too wide, and none gives the terminal orders."""
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert max(map(len, lines)) <= 100
    assert "\x1b" not in done.out and "\u202e" not in done.out
    return [line.rstrip() for line in lines]


def accounts_of(rows: list[dict[str, Any]]) -> list[str]:
    return [row["account_id"] for row in rows]


# exceptions


def test_exceptions_come_most_urgent_first(told: Warehouse) -> None:
    rows = in_json(told, "exceptions")
    # open ones by age, then what is waived, then what is resolved
    assert accounts_of(rows) == ["A3", "A1", "A5", "A7", "A2", "A4", "A6"]
    assert [row["age_days"] for row in rows] == [40, 12, 3, 1, 0, 90, 2]
    assert [row["state"] for row in rows] == ["open"] * 5 + ["waived", "resolved"]
    assert accounts_of(in_json(told, "exceptions", "--open")) == accounts_of(rows)[:6]


@pytest.mark.parametrize(
    ("arguments", "accounts"),
    [
        (["--type", "missing_counterpart"], ["A1", "A6"]),
        (["--type", "missing_counterpart", "--open"], ["A1"]),
        (["--account", "A2"], ["A2"]),
        (["--account", "QUIET"], []),
        (["--carrier", "internet"], []),
        (["--carrier", "wireline"], ["A3", "A1", "A7", "A2", "A6"]),
        (["--carrier", "wireless"], ["A3", "A1", "A5", "A2", "A4", "A6"]),
        (["--carrier", "wireless", "--type", "unknown_plan"], ["A5"]),
    ],
    ids=" ".join,
)
def test_exceptions_can_be_chosen(
    told: Warehouse, arguments: list[str], accounts: list[str]
) -> None:
    assert accounts_of(in_json(told, "exceptions", *arguments)) == accounts
    done = run(told, "exceptions", *arguments)
    assert done.code == 0
    if not accounts:
        assert done.out == ""
        assert_one_sentence(done.err)


def test_exceptions_read_well(told: Warehouse) -> None:
    lines = lines_of(run(told, "exceptions"))
    assert lines[0].split() == [
        "id",
        "open",
        "for",
        "what",
        "account",
        "order",
        "or",
        "line",
        "must",
        "act",
    ]
    assert re.split(" {2,}", lines[1]) == [
        FAILED["exception_id"][:8],
        "40 days",
        "Counterpart failed",
        "A3",
        "wireless W-A3",
        "wireline",
    ]
    text = "\n".join(lines)
    assert "    expected subscribe SHARE1000 effective 2025-06-01 · found no order ·" in text
    assert "· found no order · opened 2025-06-08 09:00\n" in text
    assert "waived until 2025-07-01: spring move" in text
    assert "wireless (404)\xa0555-0123" in text
    assert "expected SHARE1000 · found nothing" in text
    assert "resolved on 2025-06-02 12:00 after 2 days" in text
    assert "found [bold]<b>Ann</b>[/] [31m Bcc: eve@example.com" in text
    said = " ".join(text.split())
    assert said.endswith(
        "5 open: Counterpart failed 1, Orders differ 1, No counterpart 1, Resold too much 1,"
        " Unknown plan 1; 1 waived, 1 resolved. Open 1 for under a day, 2 for under 7 days, 1 for"
        " under 30 days, 1 for 30 days and more; the oldest for 40 days, as of 2025-06-20 12:00"
        " UTC."
    )


def test_a_limit_says_so(told: Warehouse) -> None:
    done = run(told, "exceptions", "--limit", 2)
    lines = lines_of(done)
    assert sum("expected" in line for line in lines) == 2
    assert any(line.startswith("5 open:") for line in lines)
    assert done.err == "These are the first 2 of 7; --limit 7 shows all, --json too.\n"
    assert len(in_json(told, "exceptions", "--limit", "2")) == 7


def test_long_ids_stay_whole(told: Warehouse, copy_of: Callable[[Warehouse], Warehouse]) -> None:
    mine = copy_of(told)
    long = exception("mismatched", "A" * 150, ago(days=50), found="x" * 300, order_id="W" * 120)
    made_up.fill(mine, "integrity.bundle_exceptions", [long])
    lines = lines_of(run(mine, "exceptions", "--limit", 1))
    text = "".join(line.strip() for line in lines)
    assert "A" * 150 in text and "W" * 120 in text and "x" * 300 in text


def test_every_type_has_words() -> None:
    assert set(KINDS) == {
        "counterpart_failed",
        "mismatched",
        "missing_counterpart",
        "unknown_plan",
        "unknown_account",
        "plan_mismatch",
        "over_resale",
    }
    assert len({kind.title for kind in KINDS.values()}) == len(KINDS)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["exceptions", "--carrier", "acme"], "there are internet, wireless, wireline"),
        (["exceptions", "--account", "GHOST"], "no account GHOST"),
        (["notifications", "--carrier", "acme"], "acme is no carrier"),
        (["notifications", "--out", "m.xlsx"], "there are csv, jsonl, json, parquet"),
        (["notifications", "--out", "no/such/folder/m.csv"], "cannot be written"),
        (["orders", "pass-through", "--out", "o.json"], "there are csv, jsonl, parquet"),
        (["orders", "pass-through", "--out", "o.csv", "--carrier", "x"], "x is no carrier"),
        (["orders", "pass-through", "--out", "no/such/folder/o.csv"], "cannot be written"),
        (["orders", "show", "GHOST"], "no account GHOST"),
        (["notices", "--account", "GHOST"], "no account GHOST"),
        (["notices", "--out", "README.md"], "cannot be written"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_is_refused_in_a_sentence(
    told: Warehouse, arguments: list[str], words: str
) -> None:
    done = run(told, *arguments)
    assert (done.code, done.out) == (1, "")
    assert_one_sentence(done.err)
    assert words in done.err
    assert not Path("o.csv").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["exceptions", "--type", "late"],
        ["exceptions", "--limit", "0"],
        ["notifications", "--limit", "x"],
        ["notices", "--since", "yesterday"],
        ["notices", "--from", "Ann <ann@example.com>"],
        ["notices", "--from", "ann@example.com\nBcc: eve@example.com"],
        ["orders", "pass-through"],
        ["orders", "show"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_2(told: Warehouse, arguments: list[str]) -> None:
    done = run(told, *arguments)
    assert (done.code, done.out) == (2, "")
    assert "Usage:" in done.err and "Traceback" not in done.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["exceptions"],
        ["notifications"],
        ["notices"],
        ["orders", "show", "A1"],
        ["orders", "pass-through", "--out", "o.csv"],
    ],
    ids=" ".join,
)
def test_before_the_first_build(
    make_warehouse: Callable[[], Warehouse], arguments: list[str]
) -> None:
    done = run(make_warehouse(), *arguments)
    assert (done.code, done.out) == (1, "")
    assert_one_sentence(done.err)
    assert "Nothing has been built here yet" in done.err


# messages to carriers


def test_notifications_tell_whoever_must_act(told: Warehouse) -> None:
    rows = in_json(told, "notifications")
    by_type: dict[str, list[str]] = {}
    for row in rows:
        by_type.setdefault(row["message_type"], []).append(row["account_id"])
    assert by_type == {
        "hold": ["A1"],
        "withdraw": ["A3"],
        "notification": ["A4", "A5", "A3", "A1", "A7", "A2"],
    }
    (hold,) = (row for row in rows if row["message_type"] == "hold")
    assert (hold["to_carrier_id"], hold["other_carrier_id"]) == ("wireless", "wireline")
    assert hold["request"] == INSTRUCTIONS["hold"]
    assert (hold["exception_type"], hold["found"]) == ("missing_counterpart", "no order")
    for row in rows:
        if row["message_type"] == "notification":
            assert row["request"] == KINDS[row["exception_type"]].request
    everything = in_json(told, "notifications", "--all")
    assert len(everything) == len(rows) + 2
    assert {row["account_id"] for row in everything if not row["is_open"]} == {"A6"}
    of_one = in_json(told, "notifications", "--carrier", "wireless")
    assert of_one == [row for row in rows if row["to_carrier_id"] == "wireless"]
    assert of_one


def test_notifications_read_well(told: Warehouse) -> None:
    text = "\n".join(lines_of(run(told, "notifications", "--all")))
    assert "To carriers that must act\n" in text
    assert "To the platforms that took the orders\n" in text
    assert KINDS["missing_counterpart"].request in text
    assert f"    {INSTRUCTIONS['hold']} (wireline)" in text
    assert re.search(r"wireless +Withdraw +A3 +W-A3 +2025-05-11 12:00\n", text)
    none = run(told, "notifications", "--carrier", "internet")
    assert (none.code, none.out) == (0, "")
    assert_one_sentence(none.err)


def test_notifications_as_files(told: Warehouse, tmp_path: Path) -> None:
    done = run(told, "notifications", "--out", tmp_path / "m.csv")
    assert (done.code, done.out) == (0, "")
    assert done.err == (
        f"Wrote 8 messages to {tmp_path / 'm.csv'}: for wireless 1 order to hold, 2 notifications,"
        " 1 withdrawal; for wireline 4 notifications.\n"
    )
    rows = in_json(told, "notifications")
    with (tmp_path / "m.csv").open(newline="", encoding="utf-8") as handle:
        in_csv = list(csv.DictReader(handle))
    assert [row["message_id"] for row in in_csv] == [row["message_id"] for row in rows]
    assert "+14045550123" in {row["service_number"] for row in in_csv}
    assert run(told, "notifications", "--out", tmp_path / "m.jsonl").code == 0
    text = (tmp_path / "m.jsonl").read_text(encoding="utf-8")
    assert [json.loads(line)["found"] for line in text.splitlines()] == [
        row["found"] for row in rows
    ]
    before = (tmp_path / "m.csv").read_bytes()
    counted = in_json(told, "notifications", "--out", tmp_path / "m.csv")
    assert counted["carriers"]["wireline"] == {"notification": 4}
    assert (tmp_path / "m.csv").read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"m.csv", "m.jsonl"}


# orders


def test_pass_through_is_a_file_of_the_feed(told: Warehouse, tmp_path: Path) -> None:
    out = tmp_path / "o.csv"
    done = run(told, "orders", "pass-through", "--carrier", "wireline", "--out", out)
    assert (done.code, done.out) == (0, "")
    assert done.err == f"Wrote 3 orders to {out}: for wireline 1 cancel, 2 subscribe.\n"
    with out.open(newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    feed = {column.name for column in FEEDS["orders"].columns}
    assert set(rows[0]) == feed | {"submitted_order_id"}
    by_account = {row["account_id"]: row for row in rows}
    assert by_account["A1"] == {
        "order_id": "wireless:W-A1",
        "account_id": "A1",
        "action": "subscribe",
        "plan_id": "SHARE1000",
        "service_number": "",
        "requested_at": "2025-05-28T15:30:00Z",
        "effective_on": "2025-06-01",
        "status": "submitted",
        "status_at": "2025-05-28T15:30:00Z",
        "counterpart_order_id": "W-A1",
        "submitted_order_id": "",
    }
    # a spreadsheet takes nothing for a formula
    assert by_account["'@A2"]["counterpart_order_id"] == '\'=cmd|"x"'
    assert by_account["A3"]["requested_at"] == "2025-05-28T15:30:00.000005Z"
    before = out.read_bytes()
    assert in_json(told, "orders", "pass-through", "--carrier", "wireline", "--out", out) == {
        "file": str(out),
        "rows": 3,
        "carriers": {"wireline": {"cancel": 1, "subscribe": 2}},
        "behind": 0,
    }
    assert out.read_bytes() == before


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_tandem_loads_what_it_passes_on(
    told: Warehouse, copy_of: Callable[[Warehouse], Warehouse], ending: str, tmp_path: Path
) -> None:
    mine = copy_of(told)
    out = tmp_path / f"o.{ending}"
    assert run(mine, "orders", "pass-through", "--carrier", "wireline", "--out", out).code == 0
    again = tmp_path / f"again.{ending}"
    assert run(mine, "orders", "pass-through", "--carrier", "wireline", "--out", again).code == 0
    assert again.read_bytes() == out.read_bytes()
    loaded = mine.load_path("orders", out, "wireline")
    assert (loaded.accepted, loaded.rejected) == (3, 0)
    (row,) = mine.rows("select * from raw.orders where account_id = 'A1'")
    assert (row["order_id"], row["counterpart_order_id"]) == ("wireless:W-A1", "W-A1")
    assert row["status"] == "submitted"
    assert row["requested_at"] == datetime(2025, 5, 28, 15, 30, tzinfo=UTC)
    if ending != "csv":
        (row,) = mine.rows("select * from raw.orders where account_id = '@A2'")
        assert row["counterpart_order_id"] == '=cmd|"x"'


def test_pass_through_for_all_says_for_whom(told: Warehouse, tmp_path: Path) -> None:
    out = tmp_path / "o.parquet"
    done = run(told, "orders", "pass-through", "--out", out)
    assert done.err == (
        f"Wrote 4 orders to {out}: for internet 1 subscribe; for wireline 1 cancel, 2 subscribe.\n"
        "It is for several carriers: split it by to_carrier_id before it is loaded, or write one"
        " each with --carrier.\n"
    )
    rows = pq.read_table(out).to_pylist()
    assert [row["to_carrier_id"] for row in rows] == ["internet"] + ["wireline"] * 3
    for ending, empty in (("csv", 1), ("jsonl", 0)):
        none = tmp_path / f"none.{ending}"
        done = run(told, "orders", "pass-through", "--carrier", "wireless", "--out", none)
        assert done.err == f"Wrote 0 orders to {none}.\n"
        assert len(none.read_text(encoding="utf-8").splitlines()) == empty


def test_an_order_id_as_long_as_can_be_stays_loadable(
    told: Warehouse, copy_of: Callable[[Warehouse], Warehouse], tmp_path: Path
) -> None:
    mine = copy_of(told)
    long = passed("LONG", "wireline", order_id="W" * 1000)
    made_up.fill(mine, "integrity.pass_through_orders", [long])
    out = tmp_path / "o.jsonl"
    assert run(mine, "orders", "pass-through", "--carrier", "wireline", "--out", out).code == 0
    assert mine.load_path("orders", out, "wireline").rejected == 0
    (row,) = mine.rows("select * from raw.orders where account_id = 'LONG'")
    assert row["order_id"] == f"wireless:{long['message_id']}"
    assert row["counterpart_order_id"] == "W" * 1000


def load_news(mine: Warehouse, account_id: str, load_id: int = BUILT + 1) -> None:
    """A row of an order of the account that no build has seen."""
    mine.execute(
        "insert into raw.loads select %s, 'orders', null, null, 'f', 's', 0, 0, 0, 0, 0, null,"
        " now(), 'me'",
        load_id,
    )
    row = status("wireless", f"W-{account_id}", "withdrawn", ago(hours=1), account_id=account_id)
    del row["is_current"]
    made_up.fill(mine, "raw.orders", [row | {"load_id": load_id, "row_number": 1}])


def test_files_leave_out_who_waits_for_a_build(
    told: Warehouse, copy_of: Callable[[Warehouse], Warehouse], tmp_path: Path
) -> None:
    mine = copy_of(told)
    names = {row["account_id"] for row in in_json(mine, "notices") if not row["why_not"]}
    gone = sorted(names)[0]
    load_news(mine, "A1")
    load_news(mine, gone, BUILT + 2) if gone != "A1" else None
    waiting = len({"A1", gone})
    out = tmp_path / "o.jsonl"
    done = run(mine, "orders", "pass-through", "--carrier", "wireline", "--out", out)
    assert done.code == 0 and "'tandem build'" in done.err
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert {row["account_id"] for row in rows} == {"@A2", "A3"}
    said = in_json(mine, "notices", "--out", tmp_path / "n")
    assert said["behind"] == waiting
    assert {name for name in names if name != gone} and len(said["written"]) == len(
        [
            row
            for row in in_json(mine, "notices")
            if not row["why_not"] and row["account_id"] != gone
        ]
    )
    # half a build says nothing at all
    mine.execute("truncate control.build_state")
    for arguments in (["orders", "pass-through"], ["notices"]):
        refused = run(mine, *arguments, "--out", tmp_path / "x.csv")
        assert refused.code == 1
        assert_one_sentence(refused.err)


def test_a_refusal_is_shown_with_the_order(
    told: Warehouse, copy_of: Callable[[Warehouse], Warehouse]
) -> None:
    mine = copy_of(told)
    (row,) = mine.rows(
        "select account_id, order_id, carrier_id, counterpart_carrier_id"
        " from integrity.order_sync where sync_status = 'awaiting_counterpart'"
    )
    body = product_order(
        passed(
            row["account_id"],
            row["counterpart_carrier_id"],
            order_id=row["order_id"],
            from_carrier_id=row["carrier_id"],
            time_zone=None,
        )
    )
    message_row = {
        "message_id": "0" * 32,
        "kind": "pass_through",
        "channel": "ordering",
        "carrier_id": row["counterpart_carrier_id"],
        "account_id": row["account_id"],
        "ordered_at": AS_OF,
        "body": json.dumps(body),
        "created_at": AS_OF,
        "state": "refused",
        "next_attempt_at": AS_OF,
        "last_error": "422 Unprocessable Entity: [bold]credit[/] hold",
        "answered_at": AS_OF,
    }
    made_up.fill(mine, "outbox.messages", [message_row])
    text = " ".join(run(mine, "orders", "show", row["account_id"]).out.split())
    assert "refused the order: 422 Unprocessable Entity: [bold]credit[/] hold." in text
    shown = in_json(mine, "orders", "show", row["account_id"])
    said = [
        one["refusal_state"] for c in shown["changes"] for o in c["orders"] for one in o["sync"]
    ]
    assert said.count("refused") == 1


def test_a_file_names_the_order_that_is_under_way(
    told: Warehouse, copy_of: Callable[[Warehouse], Warehouse], tmp_path: Path
) -> None:
    mine = copy_of(told)
    mine.execute("delete from integrity.order_sync where account_id = 'A1'")
    order = status("wireless", "W-A1", "completed", ago(days=3))
    row = sync(order, "missing_counterpart", "wireline", "L-7")
    made_up.fill(mine, "integrity.order_sync", [row | {"counterpart_status": "submitted"}])
    out = tmp_path / "o.jsonl"
    assert run(mine, "orders", "pass-through", "--carrier", "wireline", "--out", out).code == 0
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert {row["account_id"]: row["submitted_order_id"] for row in rows}["A1"] == "L-7"
    assert mine.load_path("orders", out, "wireline").rejected == 0


def test_orders_stand_side_by_side(told: Warehouse) -> None:
    lines = lines_of(run(told, "orders", "show", "A1"))
    text = "\n".join(lines)
    assert lines[0] == "Account A1  Holder of A1  as of 2025-06-20 12:00 UTC"
    names = r"Peachtree Wireless \(wireless\) +Piedmont Telephone \(wireline\)\n"
    assert re.search(rf"subscribe SHARE1000\n +{names} +W1 +T1\n", text)
    assert re.search(r"submitted 2025-01-03 09:00 +completed 2025-01-03 09:00\n", text)
    assert "completed 2025-02-03 09:00\n  In sync: all carriers agree.\n" in text
    said = " ".join(text.split())
    for sentence in (
        "change_plan SHARE1000 / change_plan SHARE800",
        "Held back: Piedmont Telephone (wireline) has change_plan SHARE800 from 2025-06-01, not"
        " change_plan SHARE1000 from 2025-06-01.",
        "Held back: Piedmont Broadband (internet) has not completed order I3; it was due at"
        " 2025-03-04 09:00 UTC.",
        "Held back: order T4 at Piedmont Telephone (wireline) failed.",
        "Held back: Piedmont Telephone (wireline) has no order; it has time until 2025-06-21 10:00"
        " UTC.",
        "add_line (404) 555-0123",
        "Held back: OLDPLAN is no plan of the catalog.",
        "Concerns this carrier alone.",
        "1 open exception: tandem exceptions --open --account A1",
    ):
        assert sentence in said, sentence
    assert "[bold]<b>Ann</b>[/] [31m Bcc: eve@example.com" in text
    # two orders that differ are told of once
    assert text.count("change_plan SHARE800 from") == 1


def test_orders_of_an_account_in_json(told: Warehouse) -> None:
    shown = in_json(told, "orders", "show", "A1")
    assert (shown["account_id"], shown["open_exceptions"]) == ("A1", 1)
    changes = shown["changes"]
    assert [change["sync_status"] for change in changes] == [
        None,
        "in_sync",
        "mismatched",
        "missing_counterpart",
        "counterpart_failed",
        None,
        "awaiting_counterpart",
        None,
    ]
    wireless, wireline = changes[1]["orders"]
    assert [row["status"] for row in wireless["statuses"]] == ["submitted", "completed"]
    assert wireless["status"] == "completed"
    assert wireline["sync"] == [
        {
            "counterpart_carrier_id": "wireless",
            "counterpart_order_id": "W1",
            "sync_status": "in_sync",
            "refusal_state": None,
            "refusal": None,
        }
    ]
    none = run(told, "orders", "show", "QUIET")
    assert (none.code, none.out) == (0, "")
    assert_one_sentence(none.err)


# notices


def mail(path: Path) -> EmailMessage:
    parsed = message_from_bytes(path.read_bytes(), policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def bodies(parsed: EmailMessage) -> tuple[str, str]:
    """Text and HTML."""
    text, html = parsed.iter_parts()
    assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    return text.get_content(), html.get_content()


def test_notices_are_written_once(told: Warehouse, tmp_path: Path) -> None:
    out = tmp_path / "notices"
    done = run(told, "notices", "--out", out)
    assert done.code == 0
    assert done.err == (
        f"Wrote 3 notices to {out}; 2 cannot be sent, for want of an e-mail address.\n"
        "1 change more never took effect: a later one, or the end of the account, came first."
        " Nobody is told.\n"
    )
    assert re.search(r"A3 +cancel .* no e-mail address", done.out)
    assert re.search(r"A4 +subscribe .* the e-mail address is none", done.out)
    names = {f"{made_up.key(*parts)}.eml" for parts in (("A1", "subscribe"), ("A5", "cancel"))}
    assert names < {path.name for path in out.iterdir()}
    before = {path: path.read_bytes() for path in out.iterdir()}
    assert len(before) == 3
    changed = sorted(before)[0]
    changed.write_bytes(b"as it was sent")
    changed_once = sorted(before)[1]
    changed_once.unlink()
    again = in_json(told, "notices", "--out", out)
    assert again["written"] == [str(changed_once)]
    assert again["kept"] == 2
    assert accounts_of(again["unreachable"]) == ["A3", "A4"]
    assert changed.read_bytes() == b"as it was sent"
    assert changed_once.read_bytes() == before[changed_once]


def test_notices_of_a_killed_run_leave_nothing(told: Warehouse, tmp_path: Path) -> None:
    # no process has this number
    left = tmp_path / f"{UNFINISHED}{2**22 + 1}~{'0' * 32}"
    left.write_bytes(b"half of a notice")
    before = [path.name for path in tmp_path.iterdir()]
    assert run(told, "notices", "--out", tmp_path).code == 0
    names = [path.name for path in tmp_path.iterdir()]
    assert before and left.name in before and left.name not in names
    assert len(names) == 3


def test_a_notice_tells_the_subscriber(told: Warehouse, tmp_path: Path) -> None:
    contact = {"TANDEM_NOTICES_FROM": "care@piedmont.example"}
    arguments = ("notices", "--account", "A1", "--out", tmp_path, "--contact", "call 611")
    assert run(told, *arguments, **contact).code == 0
    (path,) = tmp_path.iterdir()
    parsed = mail(path)
    notice_id = made_up.key("A1", "subscribe")
    assert path.name == f"{notice_id}.eml"
    assert parsed["From"] == "Piedmont Telephone <care@piedmont.example>"
    assert parsed["To"] == "a1@example.com"
    assert parsed["Subject"] == "Share 1000 is yours from 1 June 2025"
    assert parsed["Date"] == "Thu, 29 May 2025 02:30:00 +0000"
    assert parsed["Message-ID"] == f"<{notice_id}@piedmont.example>"
    assert parsed.get_boundary() == f"=_{notice_id}"
    for body in bodies(parsed):
        for words in (
            "Dear Holder of A1,",
            "You asked for Share 1000, and Peachtree Wireless and Piedmont Telephone have both set"
            " it up.",
            "1 June 2025",
            "order W-A1",
            "order T-A1",
            "Answer this message, or ask Piedmont Telephone: call 611.",
        ):
            assert words in " ".join(body.split()), words


def test_notices_by_local_date_and_account(told: Warehouse) -> None:
    # in New York it is still the 1st
    since = in_json(told, "notices", "--since", "2025-06-01")
    assert accounts_of(since) == ["A2"]
    assert in_json(told, "notices", "--since", "2025-06-02") == []
    rows = in_json(told, "notices")
    assert len(rows) == 5
    assert [row["why_not"] for row in rows if row["account_id"] in ("A1", "A3")] in (
        [None, "no e-mail address"],
        ["no e-mail address", None],
    )
    lines = lines_of(run(told, "notices"))
    assert len(lines) == 6
    nothing = run(told, "notices", "--account", "QUIET")
    assert (nothing.code, nothing.out) == (0, "")
    assert_one_sentence(nothing.err)


class Tags(HTMLParser):
    """The tags of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


BY = Sender("Piedmont Telephone", None, None, {"wireless": "Peachtree", "wireline": "Piedmont"})


def made(**more: Any) -> Notice:
    values: dict[str, Any] = {
        "notice_id": "0" * 32,
        "account_id": "A1",
        "holder_name": "Zoë",
        "email": "zoe@example.com",
        "action": "subscribe",
        "plan": "Share 1000",
        "orders": (("wireless", "W1"), ("wireline", "T1")),
        "takes_effect_on": date(2025, 3, 1),
        "fulfilled_at": datetime(2025, 2, 28, 23, 59, tzinfo=UTC),
    }
    return Notice(**values | more)


@pytest.mark.parametrize(
    "field", ["account_id", "holder_name", "plan", "action"], ids=lambda field: f"in {field}"
)
@pytest.mark.parametrize(
    "text",
    [
        NASTY,
        "Ann\nBcc: eve@example.com",
        "Ann\r\n\r\n<script>alert(1)</script>",
        "Ann\x0bBcc: eve@example.com\x85\u2028To: eve@example.com",
        '"><img src=x onerror=alert(1)>',
        "{{ 7 * 7 }}{% include 'x' %}",
        "--=_" + "0" * 32 + "--",
        "é" * 1000,
        "a, b <eve@example.com>; c " * 40,
        "\ud800",
    ],
    ids=range(10),
)
def test_names_obey_nothing(field: str, text: str) -> None:
    plain_page = message_from_bytes(render(made(), BY), policy=policy.default)
    assert isinstance(plain_page, EmailMessage)
    by = Sender(text, None, text, {"wireless": text}) if field == "plan" else BY
    data = render(made(**{field: text, "orders": (("wireless", text), ("x", "y"))}), by)
    data.decode("ascii")
    parsed = message_from_bytes(data, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    assert parsed.keys() == plain_page.keys()
    assert parsed["To"] == "zoe@example.com"
    assert [each.addr_spec for each in parsed["From"].addresses] == [NO_SENDER]
    assert not parsed.defects
    text_body, html = bodies(parsed)
    tags = Tags(html)
    assert {tag for tag, _ in tags.seen} == {tag for tag, _ in Tags(bodies(plain_page)[1]).seen}
    assert not any(name.startswith("on") for _, given in tags.seen for name in given)
    assert "49" not in html
    assert "\x1b" not in text_body and "\u202e" not in text_body


@pytest.mark.parametrize(
    ("action", "subject", "sentence", "day"),
    [
        ("subscribe", "Share 1000 is yours from 1 March 2025", "have both set it up", "1 March"),
        ("change_plan", "Your plan is Share 1000 from 1 March 2025", "made the change", "1 March"),
        # the day from which a cancellation counts is the first without the plan
        ("cancel", "Share 1000 ends: its last day is 28 February 2025", "ended it", "28 February"),
    ],
)
def test_what_changed_is_said_in_words(action: str, subject: str, sentence: str, day: str) -> None:
    page = page_of(made(action=action), BY)
    assert page.subject == subject
    assert sentence in page.sentence
    assert page.date == f"{day} 2025"
    assert page.ask == "Ask Piedmont Telephone."


def test_any_number_of_carriers_confirms() -> None:
    one = page_of(made(orders=(("internet", "I1"),)), BY)
    assert one.sentence == "You asked for Share 1000, and internet has set it up."
    three = page_of(made(orders=(("wireless", "1"), ("wireline", "2"), ("x", "3"))), BY)
    assert "Peachtree, Piedmont and x have all set it up" in three.sentence
    assert page_of(made(holder_name=None), BY).salutation == "Hello,"


def test_equal_notices_give_equal_bytes() -> None:
    assert render(made(), BY) == render(made(), BY)
    other_zone = made().fulfilled_at.astimezone(None)
    assert render(made(fulfilled_at=other_zone), BY) == render(made(), BY)
    code = (
        "import sys; from tests.cli.test_integrity import BY, made, render;"
        "sys.stdout.buffer.write(render(made(), BY))"
    )
    again = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert again.stdout == render(made(), BY)


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("ann@example.com", True),
        ("a.b+c@mail.example.co.uk", True),
        ("ann@localhost", False),
        ("ann", False),
        ("ann@example.com, eve@example.com", False),
        ("Ann <ann@example.com>", False),
        ("ann@example.com\n", False),
        ('"a b"@example.com', False),
        ("zoë@example.com", False),
        (".ann@example.com", False),
        ("a" * 250 + "@example.com", False),
    ],
)
def test_addresses(text: str, is_one: bool) -> None:
    assert is_address(text) is is_one
    if not is_one:
        with pytest.raises(ValueError, match="no e-mail address"):
            message(made(email=text), BY)
