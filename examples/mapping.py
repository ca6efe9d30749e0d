"""What the examples share: arguments, feed files, keys for records that have none, phone numbers.

Nothing here judges a row. What cannot be read is handed on as it stands, so that the loader rejects
it, counts it and keeps its text; a mapping that skipped it would lose it without a trace.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import hashlib
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

Row = dict[str, str]

CDRS = (
    "cdr_id", "calling_number", "called_number", "direction", "service", "call_type", "started_at",
    "quantity", "other_party_type",
)  # fmt: skip
ACCOUNTS = (
    "account_id", "holder_name", "city", "country", "bill_cycle_day", "time_zone",
    "tax_jurisdiction_id", "opened_on",
)  # fmt: skip
SUBSCRIBERS = (
    "account_id", "service_number", "plan_id", "status", "activated_at", "deactivated_at",
    "subscriber_name", "email",
)  # fmt: skip
ORDERS = (
    "order_id", "account_id", "action", "plan_id", "service_number", "requested_at",
    "effective_on", "status", "counterpart_order_id",
)  # fmt: skip

BILL_CYCLE_DAYS = (1, 8, 15, 22)
NUMBERS_PER_RANGE = 1000


def folders(description: str) -> tuple[Path, Path]:
    """SOURCE_DIR and OUT_DIR from the command line; OUT_DIR is made."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("source_dir", type=Path, help="folder with the public files")
    parser.add_argument("out_dir", type=Path, help="folder for the feeds; made if absent")
    arguments = parser.parse_args()
    arguments.out_dir.mkdir(parents=True, exist_ok=True)
    return arguments.source_dir, arguments.out_dir


def read_rows(path: Path) -> Iterator[Row]:
    """Rows of a CSV file with a header; a field that a short row lacks is empty."""
    with path.open(newline="", encoding="utf-8") as handle:
        for row in csv.DictReader(handle, restval=""):
            row.pop(None, None)  # fields beyond the header
            yield row


def write_feed(path: Path, columns: Sequence[str], rows: Iterable[Row]) -> int:
    """Write a feed file, gzipped if its name says so; the same rows give the same bytes.

    Returns:
        How many rows were written.
    """
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    written = 0
    for row in rows:
        writer.writerow(row)
        written += 1
    content = text.getvalue().encode()
    path.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)
    return written


def record_id(*parts: str) -> str:
    """A key for a record whose source gives it none, made from what a network could not repeat.

    Two rows with the same parts get the same key: the loader then counts the second as a duplicate,
    or refuses it if the rest of it differs.
    """
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:20]


def opening_order(account_id: str, plan_id: str, carrier_id: str, opened: datetime) -> Row:
    """The completed order by which an account subscribed to its plan the day it was opened."""
    return {
        "order_id": f"{carrier_id}-{account_id}",
        "account_id": account_id,
        "action": "subscribe",
        "plan_id": plan_id,
        "requested_at": opened.isoformat(),
        "effective_on": opened.date().isoformat(),
        "status": "completed",
    }


def opening_line(
    account_id: str, service_number: str, plan_id: str, subscriber_name: str, opened: datetime
) -> Row:
    """A line in force since the day its account was opened."""
    return {
        "account_id": account_id,
        "service_number": service_number,
        "plan_id": plan_id,
        "status": "active",
        "activated_at": opened.isoformat(),
        "subscriber_name": subscriber_name,
    }


@dataclass
class FictionalNumbers:
    """Numbers that no telephone has, given out in order, always the same to the same owner.

    Attributes:
        prefixes: by kind of number, the E.164 number less its last three digits: a range that
            Ofcom keeps free for films and plays.
    """

    prefixes: dict[str, str]
    _given: dict[tuple[str, str], str] = field(default_factory=dict)
    _used: Counter[str] = field(default_factory=Counter)

    def of(self, kind: str, owner: str) -> str:
        """The number of an owner.

        Raises:
            ValueError: the range of that kind is used up.
        """
        if (kind, owner) not in self._given:
            place = self._used[kind]
            if place >= NUMBERS_PER_RANGE:
                raise ValueError(f"more than {NUMBERS_PER_RANGE} numbers of the kind {kind}")
            self._used[kind] += 1
            self._given[kind, owner] = f"{self.prefixes[kind]}{place:03d}"
        return self._given[kind, owner]
