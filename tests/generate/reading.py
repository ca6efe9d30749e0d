"""Reads the files of a generated town and judges their rows by the rules for feeds.

Written from the description of the feeds, not from the generator: it knows what a load must do
with a row, and nothing of how the row came about.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq

from tandem.generate import Summary, WrittenFile

Row = dict[str, str]

_SUBSCRIBER = "account_id service_number plan_id status activated_at deactivated_at"
COLUMNS = {
    "cdrs": "cdr_id calling_number called_number direction service call_type started_at quantity "
    "other_party_type other_party_carrier_id action",
    "subscribers": f"{_SUBSCRIBER} subscriber_name email",
    "subscriber_changes": f"change_id changed_at {_SUBSCRIBER} subscriber_name email",
    "accounts": "account_id holder_name address_line1 address_line2 city region postal_code "
    "country email bill_cycle_day time_zone tax_jurisdiction_id opened_on closed_on",
    "orders": "order_id account_id action plan_id service_number requested_at effective_on "
    "status_at status counterpart_order_id",
    "rollover_opening": "account_id pool_id earned_cycle_start expires_on quantity "
    "deferred_amount as_of",
    "rollover_adjustments": "adjustment_id account_id pool_id action quantity reason_code "
    "adjusted_at adjusted_by bucket_cycle_start extend_cycles note",
}
OPTIONAL = {
    "cdrs": "calling_number called_number call_type other_party_type other_party_carrier_id action",
    "subscribers": "plan_id deactivated_at subscriber_name email",
    "subscriber_changes": "plan_id deactivated_at subscriber_name email",
    "accounts": "holder_name address_line1 address_line2 city region postal_code country email "
    "closed_on",
    "orders": "plan_id service_number status_at counterpart_order_id",
    "rollover_opening": "deferred_amount",
    "rollover_adjustments": "note bucket_cycle_start extend_cycles",
}
CHOICES = {
    ("cdrs", "direction"): "originated terminated",
    ("cdrs", "service"): "voice sms mms im page data video event",
    ("cdrs", "call_type"): "local long_distance international roaming toll_free",
    ("cdrs", "other_party_type"): "mobile fixed unknown",
    ("cdrs", "action"): "new void",
    ("subscribers", "status"): "active suspended disconnected",
    ("subscriber_changes", "status"): "active suspended disconnected",
    ("orders", "action"): "subscribe change_plan cancel add_line remove_line update_subscriber",
    ("orders", "status"): "submitted completed failed withdrawn",
    ("rollover_adjustments", "action"): "credit debit resale extension",
}
TIMES = ("started_at", "changed_at", "requested_at", "adjusted_at", "as_of")
OTHER_TIMES = ("status_at", "activated_at", "deactivated_at")
DATES = (
    *("effective_on", "opened_on", "closed_on"),
    *("bucket_cycle_start", "earned_cycle_start", "expires_on"),
)
KEYS = {
    "cdrs": ("cdr_id", "action"),
    "subscriber_changes": ("change_id",),
    "orders": ("order_id",),
    "rollover_opening": ("account_id", "pool_id", "earned_cycle_start"),
    "rollover_adjustments": ("adjustment_id",),
}
#: Base units in a unit of each pool.
BASE_UNITS = {"anytime": 60, "messages": 1, "data": 1_000_000}
E164 = re.compile(r"\+[1-9][0-9]{6,14}")
SHORT = re.compile(r"[0-9*#]{2,8}")
NOW = datetime(2100, 1, 1, tzinfo=UTC)


def raw_lines(path: Path) -> bytes:
    """The bytes of a text file, unpacked."""
    if path.suffix == ".gz":
        return gzip.decompress(path.read_bytes())
    if path.suffix == ".zst":
        with pa.CompressedInputStream(pa.OSFile(str(path)), "zstd") as stream:
            return stream.read()
    return path.read_bytes()


def read_rows(path: Path) -> tuple[list[str], list[Row | None]]:
    """The header and the rows of a file; None for a row that has another number of fields."""
    if path.suffix == ".parquet":
        table = pq.read_table(path)
        rows: list[Row | None] = []
        for values in table.to_pylist():
            row = {}
            for name, value in values.items():
                text = "" if value is None else str(value)
                row[name] = value.isoformat() if isinstance(value, datetime) else text
            rows.append(row)
        return table.column_names, rows
    text = raw_lines(path).decode("utf-8")
    if ".jsonl" in path.name:
        header = COLUMNS["cdrs"].split()
        rows = []
        for line in text.splitlines():
            try:
                values = json.loads(line)
            except json.JSONDecodeError:
                rows.append(None)
                continue
            assert set(values) <= set(header)
            assert not isinstance(values.get("quantity"), bool)
            rows.append({name: str(values.get(name, "")) for name in header})
        return header, rows
    table = csv.reader(io.StringIO(text, newline=""), strict=True)
    header = next(table)
    return header, [
        dict(zip(header, cells, strict=True)) if len(cells) == len(header) else None
        for cells in table
    ]


def _instant(text: str) -> datetime | None:
    """The instant, or None if the text is none with an offset."""
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        return None
    return value if value.tzinfo is not None and "T" in text else None


def _day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return bool(re.fullmatch(r"\d{4}-\d{2}-\d{2}", text))


def _number(text: str, low: int, high: int | None = None) -> str | None:
    if not re.fullmatch(r"-?[0-9]+", text):
        return "bad_type"
    return None if low <= int(text) and (high is None or int(text) <= high) else "bad_value"


def _decimal(text: str, parts: int | None) -> str | None:
    """A decimal with a point; where it is known, of whole parts."""
    if not re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", text):
        return "bad_type"
    return "bad_value" if parts and Decimal(text) * parts % 1 else None


def reason_to_refuse(feed: str, row: Row | None) -> str | None:
    """Why a load must refuse a row, in the order in which reasons count; None if it must not."""
    if row is None:
        return "bad_shape"
    if _missing(feed, row):
        return "missing_value"
    if any(len(value) > 1000 for value in row.values()):
        return "too_long"
    found = {
        reason
        for name, value in row.items()
        if value
        for reason in [_judge(feed, row, name, value)]
        if reason
    }
    if feed.startswith("subscriber") and row["status"] == "disconnected":
        found |= set() if row["deactivated_at"] else {"bad_value"}
    if feed == "rollover_opening" and not found:
        found |= set() if row["expires_on"] > row["earned_cycle_start"] else {"bad_value"}
    order = ("bad_type", "bad_value", "bad_number", "future_time")
    return next((reason for reason in order if reason in found), None)


def _missing(feed: str, row: Row) -> bool:
    needed = set(COLUMNS[feed].split()) - set(OPTIONAL[feed].split())
    if feed == "cdrs":
        needed.add("called_number" if row["direction"] == "terminated" else "calling_number")
    if feed == "orders" and row["action"] in ("subscribe", "change_plan", "cancel"):
        needed.add("plan_id")
    if feed == "orders" and row["action"] in ("add_line", "remove_line"):
        needed.add("service_number")
    if feed == "rollover_adjustments" and row["action"] in ("resale", "extension"):
        needed.add("bucket_cycle_start")
    if feed == "rollover_adjustments" and row["action"] == "extension":
        needed.add("extend_cycles")
    return any(not row[name] for name in needed)


def _judge(feed: str, row: Row, name: str, value: str) -> str | None:
    if (feed, name) in CHOICES:
        return None if value in CHOICES[feed, name].split() else "bad_value"
    if name in TIMES or name in OTHER_TIMES:
        instant = _instant(value)
        if instant is None:
            return "bad_type"
        return "future_time" if name in TIMES and instant > NOW else None
    if name in DATES:
        return None if _day(value) else "bad_type"
    if name in ("calling_number", "called_number"):
        served = "calling_number" if row["direction"] == "originated" else "called_number"
        good = E164.fullmatch(value) or (name != served and SHORT.fullmatch(value))
        return None if good else "bad_number"
    if name == "service_number":
        return None if E164.fullmatch(value) else "bad_number"
    if name == "time_zone":
        return None if ZoneInfo(value) else "bad_value"
    if feed.startswith("rollover") and name == "quantity":
        return _decimal(value, BASE_UNITS.get(row["pool_id"])) or (
            None if Decimal(value) > 0 else "bad_value"
        )
    if name == "deferred_amount":
        return _decimal(value, 100) or (None if Decimal(value) >= 0 else "bad_value")
    limits = {
        ("cdrs", "quantity"): (0, None),
        ("accounts", "bill_cycle_day"): (1, 28),
        ("rollover_adjustments", "extend_cycles"): (
            1 if row.get("action") == "extension" else 0,
            None,
        ),
    }
    return _number(value, *limits[feed, name]) if (feed, name) in limits else None


@dataclass
class Loaded:
    """What a load of a file must have come to."""

    rows: int = 0
    duplicates: int = 0
    rejects: Counter[str] = field(default_factory=Counter)
    accepted: list[Row] = field(default_factory=list)


class Warehouse:
    """Takes the files of a town in their order, as a load would."""

    def __init__(self, summary: Summary) -> None:
        """Take in all files."""
        self.seen: dict[tuple[str, ...], tuple[object, ...]] = {}
        self.status: dict[tuple[str | None, str], str] = {}
        self.files: dict[str, Loaded] = {}
        for file in summary.files:
            self.files[file.path] = self._load(summary.out, file)

    def feed(self, feed: str) -> list[tuple[WrittenFile | str, Row]]:
        """All accepted rows of a feed with the path of their file."""
        return [
            (path, row)
            for path, loaded in self.files.items()
            if path.split("/")[1].split(".")[0] == feed
            for row in loaded.accepted
        ]

    def _load(self, root: Path, file: WrittenFile) -> Loaded:
        header, rows = read_rows(root / file.path)
        assert header == COLUMNS[file.feed].split()
        loaded = Loaded(rows=len(rows))
        for row in rows:
            reason = reason_to_refuse(file.feed, row)
            if reason is None and row is not None:
                reason = self._again(file, row)
            if reason == "duplicate":
                loaded.duplicates += 1
            elif reason:
                loaded.rejects[reason] += 1
            elif row is not None:
                loaded.accepted.append(row)
        return loaded

    def _again(self, file: WrittenFile, row: Row) -> str | None:
        """Whether the record is there already, with the same content or with other content."""
        if file.feed not in KEYS:
            return None
        if file.feed == "cdrs":
            row["call_type"] = row["call_type"] or "local"
            row["action"] = row["action"] or "new"
        key = (file.feed, file.carrier or "", *(row[name] for name in KEYS[file.feed]))
        content = tuple(
            _instant(value) if name in (*TIMES, *OTHER_TIMES) and value else value
            for name, value in row.items()
            if file.feed != "orders" or name not in ("status", "status_at")
        )
        if self.seen.setdefault(key, content) != content:
            return "conflicting_duplicate"
        if file.feed == "orders":
            return self._status(file, row)
        if key in self.status:
            return "duplicate"
        self.status[key] = "here"
        return None

    def _status(self, file: WrittenFile, row: Row) -> str | None:
        before = self.status.get((file.carrier, row["order_id"]))
        after = {None: 4, "submitted": 3, "completed": 1, "failed": 0, "withdrawn": 0}[before]
        allowed = ("withdrawn", "completed", "failed", "submitted")[:after]
        if row["status"] not in allowed:
            return "duplicate"
        self.status[file.carrier, row["order_id"]] = row["status"]
        return None


def served(row: Row) -> str:
    """The number of the carrier's own subscriber."""
    return row["calling_number"] if row["direction"] == "originated" else row["called_number"]


def other(row: Row) -> str:
    """The number at the other end."""
    return row["called_number"] if row["direction"] == "originated" else row["calling_number"]
