"""Good rows of every feed, what becomes of them in raw tables, and files of every kind."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.support.warehouse import Warehouse

Row = dict[str, str | None]

FEED_NAMES = ("accounts", "subscribers", "subscriber_changes", "orders", "cdrs")
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
GOOD: dict[str, Row] = {
    "accounts": ACCOUNT,
    "subscribers": SUBSCRIBER,
    "subscriber_changes": CHANGE,
    "orders": ORDER,
    "cdrs": CDR,
}

ROWS: dict[str, list[Row]] = {
    "accounts": [
        ACCOUNT,
        ACCOUNT | {"account_id": "A2", "holder_name": NASTY, "closed_on": "2025-06-30"},
        ACCOUNT | {"account_id": "A3", "holder_name": None, "city": "  spaced  "},
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
}

DEFAULTS: dict[str, dict[str, Any]] = {"cdrs": {"call_type": "local", "action": "new"}}
DATES = ("opened_on", "closed_on", "effective_on")


def parsed(feed: str, row: Mapping[str, str | None]) -> dict[str, Any]:
    """A row as it must stand in its raw table, lineage apart."""
    values: dict[str, Any] = {}
    for name, text in row.items():
        if text is None:
            values[name] = DEFAULTS.get(feed, {}).get(name)
        elif name.endswith("_at"):
            values[name] = datetime.fromisoformat(text).astimezone(UTC)
        elif name in DATES:
            values[name] = date.fromisoformat(text)
        elif name in ("quantity", "bill_cycle_day"):
            values[name] = int(text)
        else:
            values[name] = text
    if feed == "orders" and values["status_at"] is None:
        values["status_at"] = values["requested_at"]
    return values


def carrier_of(feed: str) -> str | None:
    """The carrier to load a sample of this feed for."""
    return None if feed == "accounts" else "wireless"


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
