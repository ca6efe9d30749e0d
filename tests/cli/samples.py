"""Good rows of every feed, what becomes of them in raw tables, and files of every kind."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tandem.feeds import FEEDS, REPORTED_QUANTITIES
from tests.support.warehouse import Warehouse

Row = dict[str, str | None]

FEED_NAMES = tuple(FEEDS)
ENDINGS = (".csv", ".csv.gz", ".csv.zst", ".jsonl", ".jsonl.gz", ".jsonl.zst", ".parquet")
AS_OF = datetime(2025, 6, 1, tzinfo=UTC)

NASTY = 'Robert\'); drop table raw.loads;-- <b>x</b> "q", =1+1\nsecond line'

ACCOUNT: Row = {
    "account_id": "A1",
    "holder_name": "Zoë Ångström",
    "address_line1": "1, Main Street",
    "address_line2": None,
    "city": "Atlanta",
    "region": "GA",
    "postal_code": "00301",
    "country": "US",
    "email": "zoe@example.com",
    "bill_cycle_day": "1",
    "time_zone": "America/New_York",
    "tax_jurisdiction_id": "US-GA-ATLANTA",
    "opened_on": "2024-02-29",
    "closed_on": None,
    "billing_system": None,
}
SUBSCRIBER: Row = {
    "account_id": "A1",
    "service_number": "+14045550123",
    "plan_id": "SHARE1000",
    "status": "active",
    "activated_at": "2025-01-01T00:00:00-05:00",
    "deactivated_at": None,
    "subscriber_name": "Zoë",
    "email": "zoe@example.com",
}
CHANGE: Row = {"change_id": "ch1", "changed_at": "2025-05-01T12:00:00+02:00"} | SUBSCRIBER
ORDER: Row = {
    "order_id": "o1",
    "account_id": "A1",
    "action": "subscribe",
    "plan_id": "SHARE1000",
    "service_number": None,
    "requested_at": "2025-05-01T12:00:00Z",
    "effective_on": "2025-05-02",
    "status": "submitted",
    "status_at": None,
    "counterpart_order_id": None,
}
CDR: Row = {
    "cdr_id": "c1",
    "calling_number": "+14045550123",
    "called_number": "+14045550199",
    "direction": "originated",
    "service": "voice",
    "call_type": None,
    "started_at": "2025-05-01T12:00:00Z",
    "quantity": "61",
    "other_party_type": None,
    "other_party_carrier_id": None,
    "action": None,
}
ADJUSTMENT: Row = {
    "adjustment_id": "adj1",
    "account_id": "A1",
    "pool_id": "anytime",
    "action": "credit",
    "quantity": "60",
    "reason_code": "marketing_promotion",
    "adjusted_at": "2025-05-01T12:00:00Z",
    "adjusted_by": "agent.ng",
    "bucket_cycle_start": None,
    "extend_cycles": None,
    "note": None,
}
OPENING: Row = {
    "account_id": "A1",
    "pool_id": "anytime",
    "earned_cycle_start": "2025-04-01",
    "expires_on": "2025-08-01",
    "quantity": "120",
    "deferred_amount": "2.50",
    "as_of": "2025-05-31T22:00:00-04:00",
}
REPORT: Row = {
    "account_id": "X1",
    "pool_id": "anytime",
    "cycle_start": "2025-05-01",
    "cycle_end": "2025-06-01",
    "allowance": "1000",
    "plan_used": "700",
    "overage": "30",
    "rollover_used": "20",
    "accumulated": "300",
    "expired": "0",
    "reported_at": "2025-06-01T04:00:00Z",
    "plan_fee": "50.00",
    "request_id": None,
}
GOOD: dict[str, Row] = {
    "accounts": ACCOUNT,
    "subscribers": SUBSCRIBER,
    "subscriber_changes": CHANGE,
    "orders": ORDER,
    "rollover_opening": OPENING,
    "rollover_adjustments": ADJUSTMENT,
    "rollover_results": REPORT,
    "cdrs": CDR,
}

ROWS: dict[str, list[Row]] = {
    "accounts": [
        ACCOUNT,
        ACCOUNT | {"account_id": "A2", "holder_name": NASTY, "closed_on": "2025-06-30"},
        ACCOUNT | {"account_id": "A3", "holder_name": None, "city": "  spaced  "},
        ACCOUNT | {"account_id": "A4", "billing_system": "tandem"},
        ACCOUNT | {"account_id": "A5", "billing_system": NASTY},
    ],
    "subscribers": [
        SUBSCRIBER,
        SUBSCRIBER | {"account_id": "A2", "plan_id": None, "subscriber_name": NASTY},
        SUBSCRIBER
        | {
            "account_id": "A3",
            "status": "disconnected",
            "deactivated_at": "2025-03-09 02:30:00.123456+05:45",
        },
    ],
    "subscriber_changes": [
        CHANGE,
        CHANGE | {"change_id": "ch2", "email": None, "subscriber_name": NASTY},
        CHANGE | {"change_id": "CH2", "changed_at": "2025-05-01T12:00:00.5-0330"},
    ],
    "orders": [
        ORDER,
        ORDER | {"status": "completed", "status_at": "2025-05-02T00:00:00Z"},
        ORDER
        | {
            "order_id": "o2",
            "action": "add_line",
            "plan_id": None,
            "service_number": "+14045550123",
            "counterpart_order_id": NASTY,
        },
    ],
    "cdrs": [
        CDR,
        CDR | {"cdr_id": NASTY, "called_number": "*86", "call_type": "roaming"},
        CDR | {"cdr_id": "c1", "action": "void"},
        CDR
        | {
            "cdr_id": "c3",
            "direction": "terminated",
            "calling_number": None,
            "started_at": "2025-05-01T12:00-05",
            "other_party_type": "unknown",
            "other_party_carrier_id": "=cmd|' /C calc'!A0",
            "quantity": "1000000000000",
        },
    ],
    "rollover_adjustments": [
        ADJUSTMENT,
        ADJUSTMENT | {"adjustment_id": NASTY, "reason_code": NASTY, "note": NASTY},
        # half a minute; a third of a unit of a pool that the catalog does not have yet
        ADJUSTMENT | {"adjustment_id": "adj2", "action": "debit", "quantity": "00.50"},
        ADJUSTMENT | {"adjustment_id": "ADJ2", "pool_id": NASTY, "quantity": "0." + 40 * "3"},
        ADJUSTMENT
        | {
            "adjustment_id": "adj3",
            "pool_id": "data",
            "action": "resale",
            "quantity": "0.000001",
            "bucket_cycle_start": "2024-02-29",
            "adjusted_at": "2025-05-01T12:00-0330",
        },
        ADJUSTMENT
        | {
            "adjustment_id": "adj4",
            "account_id": "nobody",
            "action": "extension",
            "quantity": "1000000000",
            "bucket_cycle_start": "2025-02-01",
            "extend_cycles": "1200",
        },
    ],
    "rollover_opening": [
        OPENING,
        # a date is its midnight, in UTC
        OPENING | {"earned_cycle_start": "2025-03-01", "as_of": "2025-06-01"},
        OPENING | {"pool_id": "data", "quantity": "0.000001", "deferred_amount": None},
        OPENING | {"pool_id": NASTY, "quantity": "7.0000001", "deferred_amount": "0.010"},
        OPENING | {"account_id": NASTY, "earned_cycle_start": "2024-02-29"},
    ],
    "rollover_results": [
        REPORT,
        REPORT | {"pool_id": "data", "accumulated": "299.999999", "request_id": NASTY},
        REPORT | {"pool_id": NASTY, "expired": "0.3333333333", "plan_fee": None},
        REPORT
        | {"cycle_start": "2025-06-01", "cycle_end": "2025-06-02", "plan_fee": "0"}
        | dict.fromkeys(REPORTED_QUANTITIES, "0"),
    ],
}

DEFAULTS: dict[str, dict[str, Any]] = {
    "accounts": {"billing_system": "tandem"},
    "cdrs": {"call_type": "local", "action": "new"},
    "rollover_opening": {"deferred_amount": Decimal(0)},
}
DATES = (
    "opened_on",
    "closed_on",
    "effective_on",
    "bucket_cycle_start",
    "earned_cycle_start",
    "expires_on",
    "cycle_start",
    "cycle_end",
)
DECIMALS = ("quantity", "deferred_amount", "plan_fee", *REPORTED_QUANTITIES)


def parsed(feed: str, row: Mapping[str, str | None]) -> dict[str, Any]:
    """A row as it must stand in its raw table, lineage apart."""
    values: dict[str, Any] = {}
    for name, text in row.items():
        if text is None:
            values[name] = DEFAULTS.get(feed, {}).get(name)
        elif name.endswith("_at") or name == "as_of":
            moment = datetime.fromisoformat(text)
            values[name] = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        elif name in DATES:
            values[name] = date.fromisoformat(text)
        elif name in ("bill_cycle_day", "extend_cycles") or (feed, name) == ("cdrs", "quantity"):
            values[name] = int(text)
        elif name in DECIMALS:
            values[name] = Decimal(text)
        else:
            values[name] = text
    if feed == "orders" and values["status_at"] is None:
        values["status_at"] = values["requested_at"]
    return values


def carrier_of(feed: str) -> str | None:
    """The carrier to load a sample of this feed for."""
    return "wireless" if FEEDS[feed].has_carrier else None


def as_of_of(feed: str) -> datetime | None:
    """The as-of to load a sample of this feed with."""
    return AS_OF if feed == "subscribers" else None


def stored(warehouse: Warehouse, feed: str) -> list[dict[str, Any]]:
    """The raw rows of a feed in the order in which they came, without the load's number."""
    rows = warehouse.rows(f"select * from raw.{feed} order by load_id, row_number")
    for row in rows:
        del row["load_id"]
    return rows


def empty(warehouse: Warehouse) -> None:
    """Forget everything that was loaded."""
    warehouse.execute(
        "truncate raw.loads, raw.rejects, " + ", ".join(f"raw.{feed}" for feed in FEED_NAMES)
    )


def rows_in_raw(warehouse: Warehouse) -> dict[str, int]:
    """How many rows each table of the raw schema has; tables that should not be there too."""
    names = warehouse.rows(
        "select table_name as name from information_schema.tables where table_schema = 'raw'"
    )
    return {
        row["name"]: warehouse.rows(f"select count(*) as n from raw.{row['name']}")[0]["n"]
        for row in names
    }


def csv_text(rows: Sequence[Mapping[str, str | None]], end: str = "\n") -> str:
    """Rows as CSV with a header."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), restval="", lineterminator=end)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def csv_lines(rows: Sequence[Mapping[str, str | None]]) -> list[str]:
    """Each row as CSV, without a header."""
    return [csv_text([row]).split("\n", 1)[1].removesuffix("\n") for row in rows]


def zstd(content: bytes) -> bytes:
    """Content as a zstd frame."""
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return bytes(sink.getvalue().to_pybytes())


def compressed(path: Path, content: bytes) -> Path:
    """Write content to a file, compressed as its name says."""
    if path.suffix == ".gz":
        content = gzip.compress(content, mtime=0)
    elif path.suffix == ".zst":
        content = zstd(content)
    path.write_bytes(content)
    return path


def write(path: Path, rows: Sequence[Mapping[str, str | None]]) -> Path:
    """Rows as a file of the format and compression that its name tells."""
    if ".parquet" in path.suffixes:
        names = list(rows[0])
        pq.write_table(
            pa.table({name: pa.array([row[name] for row in rows], pa.string()) for name in names}),
            path,
        )
        return path
    if ".jsonl" in path.suffixes:
        text = "".join(json.dumps(row) + "\n" for row in rows)
    else:
        text = csv_text(rows)
    return compressed(path, text.encode())
