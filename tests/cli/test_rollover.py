"""What accounts have rolled over: how it is told, to whom, and how it is adjusted."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pyarrow.parquet as pq
import pytest

from tandem.console import PlainConsole
from tandem.rollover import page
from tandem.rollover.buckets import MOST_FINISHED, sentences
from tandem.rollover.matrix import COLUMNS
from tandem.rollover.queries import Position
from tests.cli.running import Done, assert_one_sentence, environment, tandem
from tests.cli.town import assert_same, issued
from tests.support.warehouse import Row, Warehouse

pytestmark = pytest.mark.xdist_group("rollover")

JANUARY, FEBRUARY, MARCH, APRIL, MAY, JUNE = (date(2025, month, 1) for month in range(1, 7))

# in a terminal, from rows made up


def cycle(start: date, **figures: Any) -> dict[str, Any]:
    """A row of the matrix; figures that are not given are 0."""
    end = (start + timedelta(days=31)).replace(day=1)
    row: dict[str, Any] = {
        "account_id": "A1",
        "pool_id": "anytime",
        "unit_type": "minute",
        "cycle_start": start,
        "cycle_end": end,
        "became_customer_at": JANUARY,
        "ended_at": None,
        "rollover_status": "active",
        "is_closed": True,
    }
    row |= {column.name: Decimal("0.000000") for column in COLUMNS}
    return row | {name: figures[name] for name in figures}


def bucket(earned: date, expires_on: date, **values: Any) -> dict[str, Any]:
    """A bucket of 40 minutes, with what is left of it as ``remaining``."""
    left = Decimal(values.pop("remaining", 40))
    row = {
        "bucket_id": f"A1-anytime-{earned:%Y%m%d}-plan",
        "pool_id": "anytime",
        "unit_type": "minute",
        "source": "plan",
        "earned_cycle_start": earned,
        "expires_on": expires_on,
        "use_by": expires_on - timedelta(days=1),
        "earned_units": Decimal("40.000000"),
        "used_units": 40 - left,
        "debited_units": Decimal(0),
        "expired_units": Decimal(0),
        "remaining_units": left,
        "status": "available" if left else "depleted",
    }
    return row | values


def drawn(
    matrix: list[dict[str, Any]], buckets: list[dict[str, Any]] | None = None, **account: str
) -> list[str]:
    """The lines of the page."""
    stream = io.StringIO()
    position = Position(
        {"account_id": "A1", "holder_name": "Ann", "time_zone": "UTC"} | account,
        {"anytime": "Anytime minutes"},
        matrix,
        buckets or [],
    )
    page.show(position, PlainConsole(file=stream, width=100, highlight=False))
    lines = stream.getvalue().splitlines()
    assert max(map(len, lines)) <= 100
    return [line.rstrip() for line in lines]


def test_a_cycle_is_a_row_and_columns_of_zeros_are_left_out() -> None:
    lines = drawn(
        [
            cycle(
                JANUARY,
                allowance_units=Decimal("1000"),
                plan_used_units=Decimal("960.5"),
                accumulated_units=Decimal("39.5"),
                closing_balance=Decimal("39.5"),
            ),
            cycle(
                FEBRUARY,
                is_closed=False,
                allowance_units=Decimal("1000"),
                opening_balance=Decimal("39.5"),
                closing_balance=Decimal("39.5"),
            ),
        ]
    )
    (first,) = (line for line in lines if "2025-01-01" in line)
    assert first.split() == ["2025-01-01", "1,000.0", "960.5", "0", "0", "39.5", "39.5"]
    # what the close decides is not told before it
    (second,) = (line for line in lines if "2025-02-01" in line)
    assert second.split() == ["2025-02-01", "open", "1,000.0", "0", "39.5", "0", "39.5"]
    said = " ".join(" ".join(lines).split())
    assert (
        "0 in every cycle: beyond the plan, of it taken over, adjusted, expired, archived" in said
    )


def test_figures_have_two_decimals_at_most() -> None:
    lines = drawn([cycle(JANUARY, opening_balance=Decimal("1234567.005000"))])
    assert any("1,234,567.01" in line for line in lines)
    lines = drawn([cycle(JANUARY, opening_balance=Decimal("0.000001"))])
    assert any("<0.01" in line for line in lines)


@pytest.mark.parametrize("figure", ["7.000000", "98765.430000", "123456789012.340000"])
def test_a_full_matrix_fits_the_page(figure: str) -> None:
    starts = [date(2024 + month // 12, month % 12 + 1, 1) for month in range(13)]
    value = Decimal(figure)
    lines = drawn(
        [
            cycle(start, **{column.name: value for column in COLUMNS}, is_closed=index < 12)
            for index, start in enumerate(starts)
        ]
    )
    text = "\n".join(lines)
    assert "Left out" not in text
    for start in starts:
        assert text.count(str(start)) == 1, start
    shown = f"{value:,.2f}" if value != 7 else "7"
    assert len(re.findall(rf"(?<!\S){re.escape(shown)}(?!\S)", text)) == 13 * len(COLUMNS)
    assert "…" not in text


def test_buckets_read_without_colour() -> None:
    lines = drawn(
        [cycle(MARCH, is_closed=False, rollover_status="active")],
        [
            bucket(JANUARY, APRIL, remaining=10),
            bucket(FEBRUARY, JUNE),
            bucket(FEBRUARY, JUNE, source="adjustment", status="retained"),
            bucket(FEBRUARY, JUNE, source="resale", status="archived"),
            bucket(JANUARY, MARCH, remaining=0, expired_units=Decimal(40), status="expired"),
        ],
    )
    bars = {line.split()[0]: line.split()[1] for line in lines if re.match(r" *2025-\S+ +\D", line)}
    by_status = {
        line.split()[-1]: next(word for word in line.split() if word[0] in "█▓▒▚░")
        for line in lines
        if "2025-" in line and re.search("[█▓▒▚░]", line)
    }
    assert set(by_status["next"]) == {"▓", "░"} and "expires next" in "\n".join(lines)
    assert [set(by_status[name]) for name in ("available", "retained", "archived")] == [
        {"█"},
        {"▒"},
        {"▚"},
    ]
    assert set(by_status["expired"]) == {"░"}
    assert len(by_status["next"]) == len(by_status["available"]) == len(bars["2025-03-31"])
    # a quarter is left
    assert 0.2 < by_status["next"].count("▓") / len(by_status["next"]) < 0.3
    text = "\n".join(lines)
    assert "50 minutes left to use." in text
    assert "10 expire with this cycle unless used by 31 March 2025." in text
    assert "40 minutes kept for a return" in text
    assert "40 minutes archived." in text
    # the legend names the patterns that are there
    assert "▓ left, expires with this cycle   ▒ kept, cannot be used   ▚ archived" in text


def test_a_bucket_of_which_little_is_left_has_a_cell_of_it() -> None:
    rows = [bucket(JANUARY, JUNE, remaining="0.1"), bucket(FEBRUARY, JUNE, remaining="39.9")]
    lines = drawn([cycle(MARCH, is_closed=False)], rows)
    bars = [line.split()[1] for line in lines if "2025-05-31" in line]
    assert bars[0].count("█") == 1
    assert bars[1].count("░") == 1


def test_only_the_latest_of_the_finished_buckets_are_listed() -> None:
    finished = [
        bucket(date(2000 + year, 1, 1), date(2000 + year, 6, 1), remaining=0) for year in range(20)
    ]
    lines = drawn([cycle(MARCH, is_closed=False)], [*finished, bucket(JANUARY, JUNE)])
    listed = [line.split()[0] for line in lines if re.match(r" *20\d\d-05-31", line)]
    assert len(listed) == MOST_FINISHED + 1
    assert listed[0] == "2025-05-31" and listed[1] == "2019-05-31"
    assert any(f"and {20 - MOST_FINISHED} older ones" in line for line in lines)


def test_sentences_say_what_expires() -> None:
    rows = [bucket(JANUARY, APRIL), bucket(FEBRUARY, MAY)]
    assert sentences(rows, "minute", MARCH) == [
        "80 minutes left to use.",
        "Nothing expires with this cycle; the next 40 are to be used by 31 March 2025.",
    ]
    assert sentences(rows[:1], "minute", APRIL)[1] == (
        "All of it expires with this cycle unless used by 31 March 2025."
    )
    assert sentences(rows, "megabyte", APRIL) == [
        "80 MB left to use.",
        "40 expire with this cycle unless used by 31 March 2025.",
    ]
    assert sentences([], "minute", APRIL) == ["Nothing left to use."]
    # nothing ages while the pool has no rollover
    kept = [row | {"status": "retained"} for row in rows]
    assert len(sentences(kept, "minute", None)) == 2


def test_a_cycle_in_which_units_are_kept_says_so() -> None:
    row = cycle(FEBRUARY, rollover_status="retained", ended_at=FEBRUARY, is_closed=False)
    lines = drawn([row], [bucket(JANUARY, MARCH, status="retained")])
    text = "\n".join(lines)
    assert "open, retained" in text
    assert "Rollover ended on 1 February 2025." in text
    assert "unless used" not in text and "Nothing expires" not in text


def test_names_are_shown_and_not_obeyed() -> None:
    lines = drawn([cycle(JANUARY)], holder_name="[bold]Ann[/] \x1b[31mred\u202e")
    assert lines[0] == "Account A1  [bold]Ann[/] [31mred"


# on a warehouse

OPENED = JANUARY
CARRIERS = {
    "SHARE_DATA": ("wireless", "internet"),
    "WIRELESS500": ("wireless",),
    "WIRELINE_LD": ("wireline",),
}
PLANS = {
    "SHARED": "SHARE_DATA",
    "LEAVES": "SHARE_DATA",
    "ADJUSTED": "SHARE_DATA",
    "ALONE": "WIRELESS500",
    "NONE": "WIRELINE_LD",
}
MINUTES = "rollover.rollover_matrix where account_id = 'SHARED' and pool_id = 'anytime'"


def order(account: str, carrier: str, action: str, plan: str, effective_on: date) -> Row:
    requested_at = datetime.combine(effective_on, datetime.min.time(), UTC) - timedelta(days=5)
    return {
        "order_id": f"{account}-{action}",
        "account_id": account,
        "action": action,
        "plan_id": plan,
        "requested_at": requested_at.isoformat(),
        "effective_on": effective_on.isoformat(),
        "status": "completed",
    }


def adjustment(adjustment_id: str, action: str, quantity: str, at: str, **more: str) -> Row:
    return {
        "adjustment_id": adjustment_id,
        "account_id": "ADJUSTED",
        "pool_id": "anytime",
        "action": action,
        "quantity": quantity,
        "reason_code": "dispute_resolution",
        "adjusted_at": at,
        "adjusted_by": "ann",
    } | more


ADJUSTMENTS = [
    # local time is five hours less: still the 10th
    adjustment("J1", "credit", "30", "2025-02-11T03:30:00Z", note="[bold]sorry[/]"),
    adjustment("J2", "debit", "5.5", "2025-03-05T12:00:00Z"),
    # 494.5 of the 500 of January are left when they expire
    adjustment("J3", "resale", "600", "2025-05-10T12:00:00Z", bucket_cycle_start="2025-01-01"),
    adjustment("J4", "credit", "5", "2025-05-10T12:00:00Z", account_id="GHOST"),
]


@pytest.fixture(scope="module")
def told(make_warehouse: Callable[[], Warehouse]) -> Iterator[Warehouse]:
    """A warehouse with January to May closed, and June open; not to be changed.

    SHARED uses 450 minutes in each of the first months, so that each leaves 50 that live three
    cycles. LEAVES has gone in April.
    """
    warehouse = make_warehouse()
    warehouse.load(
        "accounts",
        [
            {
                "account_id": account,
                "holder_name": f"[bold]{account.title()}[/]",
                "bill_cycle_day": "1",
                "time_zone": "America/New_York",
                "tax_jurisdiction_id": "US",
                "opened_on": OPENED.isoformat(),
            }
            for account in PLANS
        ],
    )
    for carrier in ("wireless", "wireline", "internet"):
        orders = [
            order(account, carrier, "subscribe", plan, OPENED)
            for account, plan in PLANS.items()
            if carrier in CARRIERS[plan]
        ]
        orders.append(order("LEAVES", carrier, "cancel", "SHARE_DATA", APRIL))
        warehouse.load("orders", orders, carrier)
    warehouse.load(
        "subscribers",
        [
            {
                "account_id": "SHARED",
                "service_number": "+14045550101",
                "plan_id": "SHARE_DATA",
                "status": "active",
                "activated_at": "2024-12-01T00:00:00Z",
            }
        ],
        "wireless",
        datetime(2024, 12, 31, tzinfo=UTC),
    )
    warehouse.load(
        "cdrs",
        [
            {
                "cdr_id": f"c{month}",
                "calling_number": "+14045550101",
                "called_number": "+12125550100",
                "direction": "originated",
                "service": "voice",
                "started_at": f"2025-{month:02d}-07T18:00:00Z",
                "quantity": str(seconds),
                "other_party_type": "fixed",
            }
            for month, seconds in ((1, 27000), (2, 27000), (3, 33000), (6, 60))
        ],
        "wireless",
    )
    warehouse.load("rollover_adjustments", ADJUSTMENTS)
    warehouse.close(JUNE)
    yield warehouse


@pytest.fixture
def mine(told: Warehouse, copy_of: Callable[[Warehouse], Warehouse]) -> Warehouse:
    """A copy that a test may change."""
    return copy_of(told)


def rollover(warehouse: Warehouse, *arguments: object) -> Done:
    return tandem("rollover", *arguments, env=environment(warehouse))


def in_json(warehouse: Warehouse, *arguments: object) -> Any:
    done = rollover(warehouse, *arguments, "--json")
    assert (done.code, done.err) == (0, "")
    return json.loads(done.out)


def state_of(warehouse: Warehouse) -> dict[str, Any]:
    """What an adjustment or a request may change."""
    return issued(warehouse) | {
        name: sorted(map(str, warehouse.rows(f"select * from raw.{name}")))
        for name in ("loads", "rejects", "rollover_adjustments")
    }


def test_show_tells_what_the_marts_hold(told: Warehouse) -> None:
    shown = in_json(told, "show", "SHARED")
    assert (shown["account_id"], shown["holder_name"]) == ("SHARED", "[bold]Shared[/]")
    rows = told.rows("select * from rollover.rollover_matrix where account_id = 'SHARED'")
    assert len(shown["matrix"]) == len(rows) >= 12
    assert [row["cycle_start"] for row in shown["matrix"][:2]] == ["2025-01-01", "2025-02-01"]
    minutes = [row for row in shown["buckets"] if row["pool_id"] == "anytime"]
    assert [row["bucket_id"][-13:-5] for row in minutes] == sorted(
        row["bucket_id"][-13:-5] for row in minutes
    )
    first = minutes[0]
    assert (first["earned_units"], first["unit_type"]) == ("50.000000", "minute")
    assert (first["expires_on"], first["use_by"]) == ("2025-05-01", "2025-04-30")
    for row in shown["buckets"]:
        parts = ("used", "debited", "expired", "remaining")
        assert Decimal(row["earned_units"]) == sum(Decimal(row[f"{part}_units"]) for part in parts)


def test_show_reads_well(told: Warehouse) -> None:
    done = rollover(told, "show", "SHARED")
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert max(map(len, lines)) <= 100
    assert lines[0].strip() == "Account SHARED  [bold]Shared[/]"
    assert "Anytime minutes (anytime), in minutes. Rollover since 1 January 2025." in done.out
    assert "Shared data (data), in MB." in done.out
    (matrix,) = told.rows(f"select * from {MINUTES} and not is_closed order by cycle_start limit 1")
    due = f"{matrix['opening_balance']:,.0f}"
    assert matrix["cycle_start"] == JUNE and due
    assert "unless used by 30 June 2025." in done.out
    assert "expires next" in done.out and "▓" in done.out and "█" in done.out


def test_show_of_others(told: Warehouse) -> None:
    left = rollover(told, "show", "LEAVES")
    assert left.code == 0
    assert "archived" in left.out and "▚" in left.out
    assert "Rollover ended on 1 April 2025." in left.out
    none = rollover(told, "show", "NONE")
    assert (none.code, none.out) == (0, "")
    assert_one_sentence(none.err)
    assert in_json(told, "show", "NONE")["matrix"] == []


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def test_carriers_are_told_the_same_of_accounts_they_share(told: Warehouse, tmp_path: Path) -> None:
    reports = {}
    for carrier in ("wireless", "wireline", "internet"):
        path = tmp_path / f"{carrier}.csv"
        done = rollover(told, "report", "--carrier", carrier, "--out", path)
        assert (done.code, done.out) == (0, "")
        assert_one_sentence(done.err)
        reports[carrier] = read_csv(path)
        accounts = {row["account_id"] for row in reports[carrier]}
        assert f"Wrote {len(reports[carrier])} rows of {len(accounts)} accounts" in done.err
    by_carrier = {carrier: {row["account_id"] for row in rows} for carrier, rows in reports.items()}
    assert by_carrier["wireless"] == {"ADJUSTED", "ALONE", "LEAVES", "SHARED"}
    assert by_carrier["internet"] == {"ADJUSTED", "LEAVES", "SHARED"}
    assert by_carrier["wireline"] == set()
    shared = [row for row in reports["wireless"] if row["account_id"] != "ALONE"]
    assert shared == reports["internet"]
    # whoever has left is still reported, as long as the matrix has it
    assert len(reports["wireless"]) == len(told.mart("rollover.rollover_matrix"))
    keys = [(row["account_id"], row["pool_id"], row["cycle_start"]) for row in shared]
    assert keys == sorted(keys)


def test_a_report_is_the_same_in_every_format(told: Warehouse, tmp_path: Path) -> None:
    options = ("report", "--carrier", "internet", "--out")
    rows = read_csv(_written(told, tmp_path / "r.csv", *options))
    in_text = json.loads(_written(told, tmp_path / "r.json", *options).read_text())
    table = pq.read_table(_written(told, tmp_path / "r.parquet", *options)).to_pylist()
    for name in ("account_id", "pool_id", "cycle_start"):
        assert [row[name] for row in rows] == [row[name] for row in in_text]
        assert [row[name] for row in rows] == [str(row[name]) for row in table]
    for name in ("closing_balance", "expired_units"):
        assert [Decimal(row[name]) for row in rows] == [row[name] for row in table]
    forced = _written(
        told, tmp_path / "r.txt", "report", "--carrier", "internet", "--format", "csv", "--out"
    )
    assert read_csv(forced) == rows
    as_json = in_json(told, *options, tmp_path / "again.csv")
    assert (as_json["rows"], as_json["accounts"]) == (len(rows), 3)


def _written(warehouse: Warehouse, path: Path, *arguments: object) -> Path:
    assert rollover(warehouse, *arguments, path).code == 0
    return path


def test_the_archive_is_told_in_units(told: Warehouse, tmp_path: Path) -> None:
    done = rollover(told, "archive", "--out", tmp_path / "a.csv")
    assert (done.code, done.out) == (0, "")
    rows = read_csv(tmp_path / "a.csv")
    marts = told.mart("rollover.rollover_archive")
    assert len(rows) == len(marts) > 1
    assert {row["account_id"] for row in rows} == {"LEAVES"}
    assert {row["archived_on"] for row in rows} == {"2025-05-01"}
    assert {row["unit_type"] for row in rows} == {"minute", "megabyte"}
    minutes = sum(Decimal(row["archived_units"]) for row in rows if row["unit_type"] == "minute")
    assert minutes == 1500
    assert f"Wrote {len(rows)} archived balances of 1 account to" in done.err
    assert "6,000 MB, 1,500 minutes." in done.err.replace("\xa0", " ")
    assert in_json(told, "archive", "--out", tmp_path / "a.json")["units"] == {
        "megabyte": "6000.000000",
        "minute": "1500.000000",
    }
    assert len(json.loads((tmp_path / "a.json").read_text())) == len(rows)


def test_history_goes_by_local_dates(told: Warehouse) -> None:
    rows = in_json(told, "history", "ADJUSTED")
    assert [row["adjustment_id"] for row in rows] == ["J1", "J2", "J3"]
    assert rows[0]["local_time"] == "2025-02-10T22:30:00"
    of_a_day = in_json(told, "history", "ADJUSTED", "--from", "2025-02-10", "--to", "2025-02-10")
    assert [row["adjustment_id"] for row in of_a_day] == ["J1"]
    assert [
        row["adjustment_id"] for row in in_json(told, "history", "ADJUSTED", "--from", "2025-02-11")
    ] == ["J2", "J3"]
    assert in_json(told, "history", "ADJUSTED", "--to", "2025-02-09") == []
    # an adjustment that waits for its account
    assert [row["adjustment_id"] for row in in_json(told, "history", "GHOST")] == ["J4"]


def test_history_reads_well(told: Warehouse) -> None:
    done = rollover(told, "history", "ADJUSTED")
    assert done.code == 0
    lines = done.out.splitlines()
    assert max(map(len, lines)) <= 100
    assert lines[0].split() == [
        *("time", "action", "pool", "quantity", "applied", "unapplied", "counts", "in", "billed")
    ]
    assert lines[1].split() == [
        *("2025-02-10", "22:30", "credit", "anytime", "30.0", "30.0", "0.0", "2025-02-01")
    ]
    assert lines[2].strip() == "J1 · dispute_resolution · by ann · [bold]sorry[/]"
    assert "over_resale" in done.out and "98.90" in done.out and "105.5" in done.out
    assert "3 of 3 adjustments; times are those of America/New_York." in done.err
    none = rollover(told, "history", "ADJUSTED", "--to", "2025-01-01")
    assert (none.code, none.out) == (0, "")
    assert "no adjustment in these dates, and 3 in others" in none.err
    assert "has no adjustment." in rollover(told, "history", "SHARED").err


REFUSED = {
    "an unknown account to show": ["show", "NOBODY"],
    "an unknown account's history": ["history", "NOBODY"],
    "an unknown carrier": ["report", "--carrier", "nobody", "--out", "OUT.csv"],
    "an unknown format": ["report", "--carrier", "wireless", "--out", "OUT.xlsx"],
    "an archive without a format": ["archive", "--out", "OUT"],
    "no folder": ["archive", "--out", "OUT/none/a.csv"],
    "unknown accounts to ask for": ["request", "NOBODY", "SHARED", "NOONE"],
    "an answer in an unknown format": ["request", "--out", "OUT.xlsx", "--freeze", "R1"],
    "an answer where no folder is": ["request", "--out", "OUT/none/a.csv", "--freeze", "R1"],
    "quantity 0": ["adjust", "SHARED", "anytime", "credit", "0", "REASON"],
    "a negative quantity": ["adjust", "SHARED", "anytime", "debit", "-5", "REASON"],
    "a part of a second": ["adjust", "SHARED", "anytime", "credit", "0.001", "REASON"],
    "far too much": ["adjust", "SHARED", "anytime", "credit", "1e12", "REASON"],
    "an account nobody knows": ["adjust", "NOBODY", "anytime", "credit", "1", "REASON"],
    "a pool nobody knows": ["adjust", "SHARED", "nopool", "credit", "1", "REASON"],
    "a reason nobody knows": ["adjust", "SHARED", "anytime", "credit", "1", "--reason", "whim"],
    "a resale of what": ["adjust", "SHARED", "anytime", "resale", "1", "REASON"],
    "an extension of what": [
        "adjust",
        "SHARED",
        "anytime",
        "extension",
        "1",
        "--cycles",
        "1",
        "REASON",
    ],
    "an extension by what": [
        *("adjust", "SHARED", "anytime", "extension", "1", "--bucket-cycle", "2025-03-01", "REASON")
    ],
    "a resale of no bucket": [
        *("adjust", "SHARED", "anytime", "resale", "1", "--bucket-cycle", "2024-03-01", "REASON")
    ],
    "a resale of the living": [
        *("adjust", "SHARED", "anytime", "resale", "1", "--bucket-cycle", "2025-05-01", "REASON")
    ],
    "an extension of the dead": [
        *("adjust", "SHARED", "data", "extension", "1", "--bucket-cycle", "2025-01-01"),
        *("--cycles", "1", "REASON"),
    ],
    "tomorrow's tomorrow": [
        *("adjust", "SHARED", "anytime", "credit", "1", "--at", "2999-01-01T00:00:00Z", "REASON")
    ],
    "an id that is taken": ["adjust", "SHARED", "anytime", "credit", "1", "--id", "J1", "REASON"],
    "a very long note": [
        "adjust",
        "SHARED",
        "anytime",
        "credit",
        "1",
        "--note",
        "x" * 1001,
        "REASON",
    ],
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals_are_one_sentence(told: Warehouse, tmp_path: Path, name: str) -> None:
    arguments: list[str] = []
    for word in REFUSED[name]:
        arguments += (
            ["--reason", "error_correction"]
            if word == "REASON"
            else [word.replace("OUT", str(tmp_path / "out"))]
        )
    before = state_of(told)
    done = rollover(told, *arguments)
    assert (done.code, done.out) == (1, ""), done
    assert_one_sentence(done.err)
    assert list(tmp_path.iterdir()) == []
    assert_same(state_of(told), before)


def test_an_unknown_reason_is_told_those_that_there_are(told: Warehouse) -> None:
    done = rollover(told, "adjust", "SHARED", "anytime", "credit", "1", "--reason", "whim")
    assert "marketing_promotion" in done.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["show"],
        ["report", "--carrier", "wireless"],
        ["report", "--out", "x.csv"],
        ["archive"],
        ["history", "A1", "--from", "May"],
        ["adjust", "A1", "anytime", "credit", "1"],
        ["adjust", "A1", "anytime", "give", "1", "--reason", "r"],
        ["adjust", "A1", "anytime", "credit", "many", "--reason", "r"],
        ["adjust", "A1", "anytime", "credit", "NaN", "--reason", "r"],
        ["adjust", "A1", "anytime", "credit", "1", "--reason", "r", "--nots", "x"],
        ["adjust", "A1", "anytime", "credit", "1", "--reason", "r", "--cycles", "1"],
        ["adjust", "A1", "anytime", "credit", "1", "--reason", "r", "--bucket-cycle", "2025-01-01"],
        ["adjust", "A1", "anytime", "extension", "1", "--reason", "r", "--cycles", "0"],
        ["adjust", "A1", "anytime", "credit", "1", "--reason", "r", "--at", "2025-01-01"],
        ["adjust", "A1", "anytime", "credit", "1", "--reason", "r", "--id", " "],
        ["request", "--freeze", ""],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_2(arguments: list[str], tmp_path: Path) -> None:
    done = tandem("rollover", *arguments, env={"TANDEM_HOME": str(tmp_path / "home")})
    assert (done.code, done.out) == (2, ""), done.err
    assert not (tmp_path / "home").exists()


def test_an_adjustment_is_a_load_of_one_row(mine: Warehouse) -> None:
    done = rollover(
        *(mine, "adjust", "SHARED", "anytime", "credit", "30.5", "--reason", "error_correction"),
        *("--by", "=ann", "--at", "2025-06-05T08:00:00-04:00", "--note", "sorry \x1b[1m"),
    )
    assert (done.code, done.out) == (0, "")
    assert "tandem build" in done.err and "credit of 30.5 minutes" in done.err.replace("\xa0", " ")
    (load,) = mine.rows("select * from raw.loads order by load_id desc limit 1")
    assert (load["feed"], load["file_name"]) == ("rollover_adjustments", "rollover adjust")
    assert (load["rows_read"], load["accepted"], load["rejected"]) == (1, 1, 0)
    assert load["latest_at"] == datetime(2025, 6, 5, 12, tzinfo=UTC)
    (row,) = mine.rows("select * from raw.rollover_adjustments where load_id = %s", load["load_id"])
    assert re.fullmatch(r"CLI-\d{8}T\d{6}\.\d{6}Z", row["adjustment_id"])
    assert row["adjustment_id"] in done.err
    assert (row["account_id"], row["pool_id"], row["action"]) == ("SHARED", "anytime", "credit")
    assert (row["quantity"], row["adjusted_by"]) == (Decimal("30.5"), "=ann")
    assert row["note"] == "sorry \x1b[1m"
    assert row["bucket_cycle_start"] is None and row["extend_cycles"] is None


def test_an_adjustment_with_an_id_is_recorded_once(mine: Warehouse) -> None:
    resale = (
        *("adjust", "SHARED", "data", "resale", "100", "--reason", "resale_expired"),
        *("--bucket-cycle", "2025-01-01", "--at", "2025-06-05T08:00:00Z", "--id", "R7"),
    )
    recorded = in_json(mine, *resale)
    assert (recorded["adjustment_id"], recorded["warnings"]) == ("R7", [])
    before = state_of(mine)
    again = rollover(mine, *resale)
    assert again.code == 0
    assert "R7 was recorded before" in again.err and "nothing changed" in again.err
    assert_same(state_of(mine), before)
    assert in_json(mine, *resale)["load_id"] is None
    extension = rollover(
        *(mine, "adjust", "SHARED", "data", "extension", "1", "--reason", "expiry_extension"),
        *("--bucket-cycle", "2025-05-01", "--cycles", "2"),
    )
    assert extension.code == 0
    assert "extension of 2 cycles of the bucket of 2025-05-01" in extension.err
    loaded = mine.rows("select extend_cycles from raw.rollover_adjustments order by load_id desc")
    assert loaded[0]["extend_cycles"] == 2


def test_what_will_not_be_applied_is_told(mine: Warehouse) -> None:
    more = in_json(
        *(mine, "adjust", "SHARED", "data", "resale", "5000", "--reason", "resale_expired"),
        *("--bucket-cycle", "2025-01-01"),
    )
    assert "the rest will stay unapplied" in more["warnings"][0]
    none = rollover(
        mine, "adjust", "NONE", "anytime", "credit", "1", "--reason", "error_correction"
    )
    assert none.code == 0
    assert "stays unapplied" in none.err


def test_a_debit_of_more_than_there_is_is_told(mine: Warehouse) -> None:
    (shared,) = mine.rows(
        """
        select opening_balance + adjusted_units as balance from rollover.rollover_matrix
        where account_id = 'SHARED' and pool_id = 'anytime' and not is_closed
        order by cycle_start limit 1
        """
    )
    assert shared["balance"] > 0
    reason = ("--reason", "error_correction", "--at", "2025-06-05T08:00:00Z")
    all_of_it = f"{shared['balance']:f}"
    debit = ("adjust", "SHARED", "anytime", "debit")
    assert in_json(mine, *debit, all_of_it, *reason)["warnings"] == []
    more = in_json(mine, *debit, f"{shared['balance'] + 1:f}", *reason)
    assert more["warnings"] == [
        f"At the last build there were {shared['balance']:,.2f} to take from; what exceeds the"
        " balance will stay unapplied."
    ]


def test_requests_are_told_for_some_or_all(told: Warehouse, tmp_path: Path) -> None:
    marts = told.rows("select * from rollover.rollover_requests order by account_id, pool_id")
    everybody = in_json(told, "request")
    assert [(row["account_id"], row["pool_id"]) for row in everybody] == [
        (row["account_id"], row["pool_id"]) for row in marts
    ]
    some = in_json(told, "request", "SHARED", "ALONE")
    assert {row["account_id"] for row in some} == {"SHARED", "ALONE"}
    shown = rollover(told, "request", "SHARED")
    assert (shown.code, shown.err) == (0, "")
    assert max(map(len, shown.out.splitlines())) <= 100
    assert len(shown.out.splitlines()) == 3
    none = rollover(told, "request", "NONE")
    assert (none.code, none.out) == (0, "")
    assert_one_sentence(none.err)
    done = rollover(told, "request", "--out", tmp_path / "all.csv")
    assert (done.code, done.out) == (0, "")
    assert [Decimal(row["balance_units"]) for row in read_csv(tmp_path / "all.csv")] == [
        row["balance_units"] for row in marts
    ]
    assert len(told.rows("select 1 from issued.frozen_requests")) == 0


def test_a_frozen_answer_is_kept(mine: Warehouse, tmp_path: Path) -> None:
    first = rollover(mine, "request", "SHARED", "--freeze", "june")
    assert first.code == 0
    assert "Froze 2 figures under june" in first.err
    rows = mine.rows("select * from issued.frozen_requests order by pool_id")
    assert [(row["account_id"], row["pool_id"], row["cycle_start"]) for row in rows] == [
        ("SHARED", "anytime", JUNE),
        ("SHARED", "data", JUNE),
    ]
    figures = {row["pool_id"]: row for row in in_json(mine, "request", "SHARED")}
    for row in rows:
        told = figures[row["pool_id"]]
        assert row["base_units_per_unit"] == {"anytime": 60, "data": 10**6}[row["pool_id"]]
        assert (
            row["balance_quantity"] == Decimal(told["balance_units"]) * row["base_units_per_unit"]
        )
        assert row["expiring_quantity"] == (
            Decimal(told["expiring_units"]) * row["base_units_per_unit"]
        )
    (state,) = mine.rows("select cutoff_load_id from control.build_state")
    assert {row["cutoff_load_id"] for row in rows} == {state["cutoff_load_id"]}
    before = state_of(mine)
    again = rollover(mine, "request", "SHARED", "--freeze", "june")
    assert (again.code, again.out) == (0, first.out)
    assert "nothing changed" in again.err
    # what is loaded since makes no difference to what stands already
    adjusted = rollover(
        mine, "adjust", "SHARED", "anytime", "credit", "5", "--reason", "error_correction"
    )
    assert adjusted.code == 0
    kept = in_json(mine, "request", "SHARED", "--freeze", "june")
    assert {row["request_id"] for row in kept} == {"june"}
    assert [row["balance_units"] for row in kept] == [
        figures[row["pool_id"]]["balance_units"] for row in kept
    ]
    # one of the frozen cycle is put off, which is said
    put_off = in_json(
        *(mine, "adjust", "SHARED", "anytime", "credit", "5", "--reason", "error_correction"),
        *("--at", f"{JUNE}T12:00:00Z"),
    )
    assert "frozen under june: this counts in the cycle after it" in put_off["warnings"][0]
    # but new figures are only as good as the last build
    stale = rollover(mine, "request", "--freeze", "june", "--out", tmp_path / "all.csv")
    assert (stale.code, stale.out) == (1, "")
    assert_one_sentence(stale.err)
    assert "tandem build" in stale.err
    assert list(tmp_path.iterdir()) == []
    assert issued(mine) == {name: before[name] for name in issued(mine)}


def test_all_are_frozen_in_one_go(mine: Warehouse, tmp_path: Path) -> None:
    assert rollover(mine, "request", "SHARED", "--freeze", "j").code == 0
    done = rollover(mine, "request", "--freeze", "j", "--out", tmp_path / "all.parquet")
    assert (done.code, done.out) == (0, "")
    total = len(mine.mart("rollover.rollover_requests"))
    assert f"Froze {total - 2} figures under j (2 were before)" in done.err
    table = pq.read_table(tmp_path / "all.parquet").to_pylist()
    assert len(table) == total == len(mine.mart("issued.frozen_requests"))
    assert {row["request_id"] for row in table} == {"j"}


def test_an_id_of_another_cycle_is_refused(mine: Warehouse) -> None:
    assert rollover(mine, "request", "SHARED", "--freeze", "j").code == 0
    mine.execute("update issued.frozen_requests set cycle_start = '2025-05-01'")
    before = state_of(mine)
    for arguments in (["SHARED"], [], ["ALONE", "SHARED"]):
        done = rollover(mine, "request", *arguments, "--freeze", "j")
        assert (done.code, done.out) == (1, "")
        assert_one_sentence(done.err)
        assert "another cycle of SHARED" in done.err
    assert_same(state_of(mine), before)
    # of another account it is free
    assert rollover(mine, "request", "ALONE", "--freeze", "j").code == 0


def test_writing_waits_for_its_turn(told: Warehouse) -> None:
    env = environment(told) | {"TANDEM_LOCK_WAIT": "0.1"}
    with closing(psycopg.connect(told.url, application_name="tandem close")) as other:
        from tandem.database import LOCK_KEY  # noqa: PLC0415

        other.execute("select pg_advisory_lock(%s)", (LOCK_KEY,))
        for arguments in (
            ["request", "SHARED", "--freeze", "r"],
            ["adjust", "SHARED", "anytime", "credit", "1", "--reason", "error_correction"],
        ):
            done = tandem("rollover", *arguments, env=env)
            assert done.code == 1 and "tandem close" in done.err
        assert tandem("rollover", "request", "SHARED", env=env).code == 0


def test_before_the_first_build(clean: Warehouse, tmp_path: Path) -> None:
    for arguments in (
        ["show", "A1"],
        ["history", "A1"],
        ["report", "--carrier", "wireless", "--out", tmp_path / "x.csv"],
        ["archive", "--out", tmp_path / "x.csv"],
        ["request"],
        ["request", "--freeze", "r"],
    ):
        done = rollover(clean, *arguments)
        assert (done.code, done.out) == (1, "")
        assert_one_sentence(done.err)
    assert list(tmp_path.iterdir()) == []
