"""Files that are refused whole: one sentence, and nothing of them in the database."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tandem.errors import Refused
from tandem.loading.source import examine
from tests.cli.samples import (
    ACCOUNT,
    AS_OF,
    CDR,
    FEED_NAMES,
    GOOD,
    ROWS,
    SUBSCRIBER,
    Row,
    as_of_of,
    carrier_of,
    compressed,
    csv_text,
    rows_in_raw,
    write,
    zstd,
)
from tests.support.warehouse import Warehouse

pytestmark = pytest.mark.xdist_group("loading")

NOBODY = 65534

MANY = csv_text([CDR | {"cdr_id": f"c{i}", "called_number": None} for i in range(20_000)])
BAD = [CDR | {"cdr_id": f"c{i}", "service": "fax" if i % 5 == 0 else "voice"} for i in range(100)]


def without(row: Row, *names: str) -> Row:
    return {name: value for name, value in row.items() if name not in names}


def parquet_with(path: Path, **columns: pa.Array) -> Path:
    table = {name: pa.array([value], pa.string()) for name, value in CDR.items()}
    pq.write_table(pa.table(table | columns), path)
    return path


def cut(path: Path, content: bytes, keep: float = 0.5) -> Path:
    path.write_bytes(content[: int(len(content) * keep)])
    return path


def flipped(path: Path, content: bytes) -> Path:
    middle = len(content) // 2
    changed = bytes(byte ^ 0xFF for byte in content[middle : middle + 40])
    path.write_bytes(content[:middle] + changed + content[middle + 40 :])
    return path


def parquet_bytes(folder: Path) -> bytes:
    return write(folder / "whole.parquet", ROWS["cdrs"]).read_bytes()


@dataclass(frozen=True)
class Refusal:
    """How to make a file, and words of the sentence that refuses it."""

    make: Callable[[Path], Path]
    words: str
    feed: str = "cdrs"
    options: dict[str, Any] = field(default_factory=dict)


def text(name: str, content: str | bytes) -> Callable[[Path], Path]:
    data = content.encode() if isinstance(content, str) else content
    return lambda folder: compressed(folder / name, data)


def rows_as(name: str, rows: list[Row]) -> Callable[[Path], Path]:
    return lambda folder: write(folder / name, rows)


REFUSALS = {
    "missing file": Refusal(lambda folder: folder / "none.csv", "There is no file"),
    "folder": Refusal(lambda folder: folder, "is not a file"),
    "empty csv": Refusal(text("c.csv", ""), "is empty"),
    "only blank lines": Refusal(text("c.csv", "\n\r\n\n"), "is empty"),
    "empty gzip": Refusal(text("c.csv.gz", ""), "is empty"),
    "empty file named gz": Refusal(lambda folder: cut(folder / "c.csv.gz", b""), "is empty"),
    "empty parquet": Refusal(lambda folder: cut(folder / "c.parquet", b""), "Parquet"),
    "column missing": Refusal(rows_as("c.csv", [without(CDR, "quantity")]), "lacks quantity"),
    "columns missing": Refusal(
        rows_as("c.csv", [without(CDR, "quantity", "service")]), "lacks service and quantity"
    ),
    "column missing in parquet": Refusal(
        rows_as("c.parquet", [without(CDR, "cdr_id")]), "lacks cdr_id"
    ),
    "header of another feed": Refusal(rows_as("a.csv", [ACCOUNT]), "lacks cdr_id"),
    "header in capitals": Refusal(
        rows_as("c.csv", [{name.upper(): value for name, value in CDR.items()}]), "lacks cdr_id"
    ),
    "column twice": Refusal(
        text("c.csv", csv_text([CDR]).replace("call_type", "service", 1)), "service twice"
    ),
    "latin-1": Refusal(
        text("c.csv", csv_text([CDR | {"cdr_id": "Zoë"}]).encode("latin-1")), "not text in UTF-8"
    ),
    "latin-1 deep in the file": Refusal(
        text("c.csv", MANY.encode() + b"\xff\n"), "not text in UTF-8"
    ),
    "latin-1 in json": Refusal(text("c.jsonl", b'{"cdr_id": "\xeb"}\n'), "not text in UTF-8"),
    "utf-16": Refusal(text("c.csv", csv_text([CDR]).encode("utf-16")), "binary"),
    "NUL": Refusal(text("c.csv", csv_text([CDR | {"cdr_id": "a\0b"}])), "binary"),
    "NUL deep in the file": Refusal(text("c.csv", MANY + "\0\n"), "binary"),
    "NUL in json": Refusal(text("c.jsonl", b'{"cdr_id": "a\0b"}\n'), "binary"),
    "NUL in parquet": Refusal(
        lambda folder: parquet_with(folder / "c.parquet", cdr_id=pa.array(["a\0b"])), "NUL"
    ),
    "bytes in parquet": Refusal(
        lambda folder: parquet_with(folder / "c.parquet", cdr_id=pa.array([b"\xff\xfe"])), "read"
    ),
    "nested parquet": Refusal(
        lambda folder: parquet_with(folder / "c.parquet", cdr_id=pa.array([["a"]])), "read"
    ),
    "picture": Refusal(text("c.csv", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" * 9), "UTF-8"),
    "gzip without its suffix": Refusal(text("c.csv", gzip.compress(MANY.encode())), "UTF-8"),
    "csv called gz": Refusal(lambda folder: cut(folder / "c.csv.gz", MANY.encode()), "damaged"),
    "csv called zst": Refusal(lambda folder: cut(folder / "c.csv.zst", MANY.encode()), "damaged"),
    "csv called parquet": Refusal(text("c.parquet", MANY), "Parquet"),
    "csv called jsonl": Refusal(text("c.jsonl", MANY), "would be rejected"),
    "truncated gzip": Refusal(
        lambda folder: cut(folder / "c.csv.gz", gzip.compress(MANY.encode())), "cut short"
    ),
    "gzip without its last byte": Refusal(
        lambda folder: cut(folder / "c.csv.gz", gzip.compress(b"x" * 10)[:-1], 1), "cut short"
    ),
    "damaged gzip": Refusal(
        lambda folder: flipped(folder / "c.csv.gz", gzip.compress(MANY.encode())), "damaged"
    ),
    "truncated zstd": Refusal(
        lambda folder: cut(folder / "c.csv.zst", zstd(MANY.encode())), "cut short"
    ),
    "zstd without its last byte": Refusal(
        lambda folder: cut(folder / "c.jsonl.zst", zstd(b"{}\n" * 9)[:-1], 1), "cut short"
    ),
    "damaged zstd": Refusal(
        lambda folder: flipped(folder / "c.csv.zst", zstd(MANY.encode())), "damaged"
    ),
    "truncated parquet": Refusal(
        lambda folder: cut(folder / "c.parquet", parquet_bytes(folder)), "Parquet"
    ),
    "damaged parquet": Refusal(
        lambda folder: flipped(folder / "c.parquet", parquet_bytes(folder)), "c.parquet"
    ),
    "line without end": Refusal(text("c.csv", csv_text([CDR]) + "x" * (3 << 20)), "longer than"),
    "quoted line without end": Refusal(
        text("c.csv", csv_text([CDR]) + '"' + "x" * (3 << 20)), "longer than"
    ),
    "json line without end": Refusal(text("c.jsonl", '{"a": "' + "x" * (6 << 20)), "longer than"),
    "carriage returns for line ends": Refusal(
        text("c.csv", csv_text([CDR, CDR], end="\r")), "carriage return"
    ),
    "too many rejects": Refusal(rows_as("c.csv", BAD), "20 of 100 rows would be rejected"),
    "too many rejects in json": Refusal(rows_as("c.jsonl.zst", BAD), "20 of 100 rows"),
    "too many rejects for the option": Refusal(
        rows_as("c.csv", BAD), "more than 19 %", options={"max_rejects": 19}
    ),
    "no reject allowed": Refusal(
        rows_as("c.csv", [*ROWS["cdrs"], CDR | {"service": "fax"}]),
        "more than 0 %",
        options={"max_rejects": 0},
    ),
    "conflicts count": Refusal(
        rows_as("c.csv", [CDR, CDR | {"quantity": "1"}]), "1 of 2 rows would be rejected"
    ),
    "wrong carrier": Refusal(
        rows_as("c.csv", [CDR]), "wireles is no carrier", options={"carrier": "wireles"}
    ),
    "wrong carrier of accounts": Refusal(
        rows_as("a.csv", [ACCOUNT]), "nobody is no carrier", "accounts", {"carrier": "nobody"}
    ),
    "no carrier": Refusal(rows_as("c.csv", [CDR]), "needs --carrier", options={"carrier": None}),
    "as-of for cdrs": Refusal(
        rows_as("c.csv", [CDR]), "--as-of goes with subscribers", options={"as_of": AS_OF}
    ),
    "no as-of": Refusal(
        rows_as("s.csv", [SUBSCRIBER]), "needs --as-of", "subscribers", {"as_of": None}
    ),
    "as-of ahead": Refusal(
        rows_as("s.csv", [SUBSCRIBER]),
        "more than 24 hours ahead",
        "subscribers",
        {"as_of": datetime.now(UTC) + timedelta(hours=25)},
    ),
    "name without format": Refusal(text("c.txt", csv_text([CDR])), "does not tell the format"),
    "unknown format": Refusal(
        text("c.csv", csv_text([CDR])), "is not a format", options={"format_name": "xlsx"}
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refused_whole(clean: Warehouse, tmp_path: Path, name: str) -> None:
    refusal = REFUSALS[name]
    good = write(tmp_path / "good.csv", ROWS[refusal.feed][:1])
    clean.load_path(refusal.feed, good, carrier_of(refusal.feed), as_of_of(refusal.feed))
    before = rows_in_raw(clean)
    options: dict[str, Any] = {
        "carrier": carrier_of(refusal.feed),
        "as_of": as_of_of(refusal.feed),
    } | refusal.options
    path = refusal.make(tmp_path)
    with pytest.raises(Refused) as refused:
        clean.load_path(refusal.feed, path, **options)
    sentence = str(refused.value)
    assert refusal.words in sentence
    assert "\n" not in sentence and len(sentence) < 600
    assert sentence.endswith((".", "?"))
    # nothing of it is there, no table of the load's own either
    assert rows_in_raw(clean) == before


@pytest.mark.parametrize("feed", FEED_NAMES)
def test_each_column_that_a_header_must_have(clean: Warehouse, tmp_path: Path, feed: str) -> None:
    required = {
        "accounts": "account_id bill_cycle_day time_zone tax_jurisdiction_id opened_on",
        "subscribers": "account_id service_number status activated_at",
        "subscriber_changes": "change_id changed_at account_id service_number status activated_at",
        "orders": "order_id account_id action plan_id requested_at effective_on status",
        "cdrs": "cdr_id calling_number called_number direction service started_at quantity",
        "rollover_adjustments": "adjustment_id account_id pool_id action quantity reason_code"
        " adjusted_at adjusted_by",
        "rollover_opening": "account_id pool_id earned_cycle_start expires_on quantity as_of",
        "rollover_results": "account_id pool_id cycle_start cycle_end allowance plan_used overage"
        " rollover_used accumulated expired reported_at",
    }[feed].split()
    row = GOOD[feed]
    for name in row:
        key = dict.fromkeys(
            ("change_id", "cdr_id", "order_id", "adjustment_id", "account_id"), name
        )
        ids: Row = {column: value for column, value in key.items() if column in row}
        path = write(tmp_path / f"{name}.csv", [without(row | ids, name)])
        if name in required:
            with pytest.raises(Refused, match=f"lacks {name}"):
                clean.load_path(feed, path, carrier_of(feed), as_of_of(feed))
        else:
            assert clean.load_path(feed, path, carrier_of(feed), as_of_of(feed)).read == 1, name


def test_as_of_less_than_a_day_ahead_is_taken(clean: Warehouse, tmp_path: Path) -> None:
    soon = datetime.now(UTC) + timedelta(hours=23)
    path = write(tmp_path / "s.csv", [SUBSCRIBER])
    assert clean.load_path("subscribers", path, "wireless", soon).accepted == 1


def test_a_refused_file_can_be_mended_and_loaded(clean: Warehouse, tmp_path: Path) -> None:
    path = write(tmp_path / "c.csv", BAD)
    with pytest.raises(Refused):
        clean.load_path("cdrs", path, "wireless")
    result = clean.load_path("cdrs", path, "wireless", max_rejects=20)
    assert (result.accepted, result.rejected, result.load_id) == (80, 20, 1)


@contextmanager
def ordinary_user() -> Iterator[None]:
    """Root may read any file; for a moment, be somebody who may not."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("locked", ["file", "folder"])
def test_unreadable_file(locked: str) -> None:
    # what a load does with a file before anything else; pytest's own folders are closed to others
    with TemporaryDirectory() as made:
        folder = Path(made)
        folder.chmod(0o755)
        path = write(folder / "c.csv", [CDR])
        (path if locked == "file" else folder).chmod(0)
        try:
            with ordinary_user(), pytest.raises(Refused, match=r"c\.csv: cannot be read \(Perm"):
                examine(path)
        finally:
            folder.chmod(0o755)
