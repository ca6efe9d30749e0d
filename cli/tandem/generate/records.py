"""Calls as Arrow tables of the cdrs feed, and as CSV or JSON Lines text."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
from numpy.typing import NDArray

from tandem.generate.calendar import HOUR, Calendar
from tandem.generate.calls import (
    CALL_TYPES,
    DIRECTIONS,
    LOCAL,
    ORIGINATED,
    OTHER_TYPES,
    SERVICES,
    Calls,
)
from tandem.generate.places import CARRIERS, INTERNET, SHORT_CODES, WIRELINE

#: Columns of the cdrs feed, in the order in which our files have them.
COLUMNS = (
    "cdr_id",
    "calling_number",
    "called_number",
    "direction",
    "service",
    "call_type",
    "started_at",
    "quantity",
    "other_party_type",
    "other_party_carrier_id",
    "action",
)
#: Rows that write their times the other way from their carrier's habit.
CLOCK = "_clock"

# Habits of the carriers' switches. The wireline switch writes Atlanta time with its offset, the
# others UTC; the internet carrier leaves out what is the default.
_ATLANTA_TIME = (WIRELINE,)
_TERSE = (INTERNET,)

_PARQUET_SCHEMA = pa.schema(
    [
        (name, pa.string())
        if name not in ("started_at", "quantity")
        else (name, pa.int64() if name == "quantity" else pa.timestamp("us", tz="UTC"))
        for name in COLUMNS
    ]
)


@dataclass(frozen=True)
class RawRow:
    """A malformed row: the reason for which it must be refused, and its cells as text.

    `text` stands instead of the row where its shape is what is wrong.
    """

    reason: str
    cells: dict[str, str]
    text: str | None = None


def _texts(choices: tuple[str, ...], codes: NDArray[Any]) -> Any:
    """The words for some codes; the empty word is null."""
    return pa.array([c or None for c in choices], pa.string()).take(pa.array(codes))


def _numbers(digits: NDArray[np.int64]) -> Any:
    """E.164 texts; 0 is null, below are short codes."""
    text = pc.binary_join_element_wise("+", pc.cast(pa.array(digits), pa.string()), "")
    special = digits <= 0
    if special.any():
        words = pa.array([None, *SHORT_CODES], pa.string())
        codes = words.take(pa.array(np.where(special, -digits, 0)))
        text = pc.if_else(pa.array(special), codes, text)
    return text


def to_table(calls: Calls, carrier: int, ids: Any) -> Any:
    """The records of one carrier's calls; ids is an Arrow array of text."""
    served, other = _numbers(calls.served), _numbers(calls.other)
    makes = pa.array(calls.direction == ORIGINATED)
    call_type = _texts(CALL_TYPES, calls.call_type)
    action: str | None = "new"
    if carrier in _TERSE:
        call_type = pc.if_else(pa.array(calls.call_type == LOCAL), None, call_type)
        action = None
    return pa.table(
        {
            "cdr_id": ids,
            "calling_number": pc.if_else(makes, served, other),
            "called_number": pc.if_else(makes, other, served),
            "direction": _texts(DIRECTIONS, calls.direction),
            "service": _texts(SERVICES, calls.service),
            "call_type": call_type,
            "started_at": pa.array(calls.at, pa.timestamp("s")),
            "quantity": pa.array(calls.quantity),
            "other_party_type": _texts(OTHER_TYPES, calls.other_type),
            "other_party_carrier_id": _texts(("", *CARRIERS), calls.other_carrier + 1),
            "action": pa.repeat(pa.scalar(action, pa.string()), len(calls)),
            CLOCK: pa.repeat(pa.scalar(0, pa.int8()), len(calls)),
        }
    )


def make_ids(prefix: str, day: str, first: int, count: int) -> Any:
    """Record ids such as WL-20260601-0000001, `count` of them from number `first` on."""
    numbers = pc.cast(pa.array(np.arange(first, first + count)), pa.string())
    padded = pc.utf8_lpad(numbers, 7, "0")
    return pc.binary_join_element_wise(f"{prefix}-{day}-", padded, "")


def with_column(table: Any, name: str, values: Any) -> Any:
    """The table with other values in a column."""
    index = table.schema.get_field_index(name)
    return table.set_column(index, table.schema.field(name), values)


def as_void(table: Any) -> Any:
    """The same records, withdrawn."""
    void = pa.repeat(pa.scalar("void", pa.string()), table.num_rows)
    return with_column(table, "action", void)


def other_clock(table: Any, rows: NDArray[np.int8]) -> Any:
    """The same records, some written with another offset from UTC."""
    return with_column(table, CLOCK, pa.array(rows, pa.int8()))


def other_quantity(table: Any) -> Any:
    """The same records with another quantity."""
    return with_column(table, "quantity", pc.add(table.column("quantity"), 61))


def stack(tables: list[Any]) -> Any:
    """All rows of all tables."""
    return pa.concat_tables(tables)


def _started(table: Any, carrier: int, calendar: Calendar) -> Any:
    """Times as ISO 8601 text, with Z or with Atlanta's offset."""
    at = table.column("started_at").combine_chunks()
    clock = table.column(CLOCK).combine_chunks().to_numpy(zero_copy_only=False)
    local = (clock == 1) ^ (carrier in _ATLANTA_TIME)
    seconds = at.cast(pa.int64()).to_numpy(zero_copy_only=False)
    offset = np.where(local, calendar.offsets[0, calendar.hour_index(seconds)], 0)
    shown = pa.array(seconds + offset, pa.timestamp("s")).cast(pa.string())
    shown = pc.utf8_replace_slice(shown, start=10, stop=11, replacement="T")
    hours = np.where(local, -offset // HOUR, 0)
    names = pa.array(["Z", *(f"-{h:02d}:00" for h in range(1, 24))], pa.string())
    return pc.binary_join_element_wise(shown, names.take(pa.array(hours)), "")


def as_text(table: Any, carrier: int, calendar: Calendar) -> Any:
    """The table in the order of COLUMNS, with its times as text."""
    started = _started(table, carrier, calendar)
    return pa.table(
        {name: started if name == "started_at" else table.column(name) for name in COLUMNS}
    )


def as_parquet(table: Any) -> Any:
    """The table with the types of the Parquet files."""
    return (
        table.select(list(COLUMNS))
        .cast(
            pa.schema(
                [
                    pa.field(name, pa.timestamp("s") if name == "started_at" else field.type)
                    for name, field in zip(COLUMNS, _PARQUET_SCHEMA, strict=True)
                ]
            )
        )
        .set_column(
            COLUMNS.index("started_at"),
            _PARQUET_SCHEMA.field("started_at"),
            table.column("started_at").cast(pa.timestamp("us", tz="UTC")),
        )
    )


def parquet_schema() -> Any:
    """The schema of the Parquet files."""
    return _PARQUET_SCHEMA


def parquet_rows(rows: list[RawRow]) -> Any:
    """Malformed rows as far as Parquet's types can express them."""
    columns: dict[str, list[Any]] = {name: [] for name in COLUMNS}
    for row in rows:
        for name in COLUMNS:
            cell: Any = row.cells.get(name) or None
            if cell and name == "quantity":
                cell = int(cell)
            elif cell and name == "started_at":
                cell = datetime.fromisoformat(cell)
            columns[name].append(cell)
    return pa.table(columns, schema=_PARQUET_SCHEMA)


def csv_lines(text: Any) -> bytes:
    """Rows of a table of texts as CSV; no value of a CDR needs quotes."""
    sink = pa.BufferOutputStream()
    options = pacsv.WriteOptions(include_header=False, quoting_style="none")
    pacsv.write_csv(text, sink, options)
    return bytes(sink.getvalue().to_pybytes())


def csv_line(row: RawRow) -> bytes:
    """One malformed row as CSV."""
    text = row.text if row.text is not None else ",".join(row.cells.get(c, "") for c in COLUMNS)
    return text.encode() + b"\n"


def json_lines(text: Any) -> bytes:
    """Rows of a table of texts as JSON Lines, nulls left out. No value needs escapes."""
    parts: list[Any] = []
    for name in COLUMNS:
        column = text.column(name)
        quote = "" if name == "quantity" else '"'
        if name == "quantity":
            column = pc.cast(column, pa.string())
        start = "{" if name == COLUMNS[0] else ","
        value = pc.binary_join_element_wise(f'{start}"{name}":{quote}', column, quote, "")
        parts.append(pc.fill_null(value, ""))
    lines = pc.binary_join_element_wise(*parts, "}", "")
    joined = pc.binary_join_element_wise(lines, "\n", "")
    return "".join(joined.to_pylist()).encode()


def json_line(row: RawRow) -> bytes:
    """One malformed row as JSON Lines: a number where the text is a whole number."""
    if row.text is not None:
        return row.text.encode() + b"\n"
    values: dict[str, str | int] = {k: v for k, v in row.cells.items() if v}
    quantity = row.cells.get("quantity", "")
    if quantity.lstrip("-").isdigit():
        values["quantity"] = int(quantity)
    return json.dumps(values, separators=(",", ":")).encode() + b"\n"


def row_cells(table: Any, row: int, carrier: int, calendar: Calendar) -> dict[str, str]:
    """One row as texts, empty where null."""
    text = as_text(table.slice(row, 1), carrier, calendar).to_pylist()[0]
    return {name: "" if value is None else str(value) for name, value in text.items()}
