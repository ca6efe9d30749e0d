"""Marts to files: CSV, Parquet, JSON, JSON Lines."""

from __future__ import annotations

import csv
import glob
import io
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pa_parquet
from psycopg import sql

from tandem.database import Connection
from tandem.errors import Refused
from tandem.processes import is_running

MART_SCHEMAS = (
    "rating",
    "rollover",
    "unbilled",
    "billing",
    "settlement",
    "accounting",
    "integrity",
    "control",
)
FORMATS = ("csv", "parquet", "json")
FEED_FORMATS = ("csv", "jsonl", "parquet")  # those in which feeds come
BATCH = 20_000
# numbers of telephones begin with + and are none of a spreadsheet's formulas
NUMBER_COLUMNS = ("service_number", "other_number")

Table = tuple[str, str]  # schema and name


def export(
    connection: Connection,
    mart: str,
    out: Path,
    format_name: str | None = None,
    on_rows: Callable[[str, int, int], None] | None = None,
) -> int:
    """Write all rows of a mart to a file; the file is there whole or not at all.

    In CSV, a text that a spreadsheet would take for a formula (a leading ``=``, ``+``, ``-``,
    ``@``) gets an apostrophe before it; service numbers keep their plus.

    Args:
        connection: to read from.
        mart: ``schema.name``, or the name alone.
        out: the file.
        format_name: csv, parquet or json; None: by the file's extension.
        on_rows: told a word and how many rows have been written.

    Returns:
        How many rows were written.

    Raises:
        Refused: no such mart or format, or the file cannot be written.
    """
    chosen = format_of(out, format_name)
    return write_table(connection, _find(connection, mart), out, chosen, on_rows=on_rows)


def format_of(out: Path, format_name: str | None = None, formats: Sequence[str] = FORMATS) -> str:
    """The format of a file: the one that is named, else the one its extension tells.

    Raises:
        Refused: it is none of `formats`.
    """
    chosen = format_name or out.suffix.lower().removeprefix(".")
    if chosen not in formats:
        raise Refused(f"{chosen or out} is not a format; there are {', '.join(formats)}.")
    return chosen


@contextmanager
def gathered(connection: Connection, query: sql.Composable) -> Iterator[Table]:
    """The rows of a query in a temporary table of the server while the block runs, to be counted
    and written without working them out twice."""
    with connection.transaction():
        connection.execute("drop table if exists pg_temp.gathered")
        connection.execute(
            sql.SQL("create temporary table gathered on commit drop as {}").format(query)
        )
        row = connection.execute(
            "select nspname from pg_namespace where oid = pg_my_temp_schema()"
        ).fetchone()
        assert row is not None
        yield row[0], "gathered"


def write_table(
    connection: Connection,
    table: Table,
    out: Path,
    format_name: str,
    *,
    order_by: Sequence[str] = (),
    on_rows: Callable[[str, int, int], None] | None = None,
) -> int:
    """Write all rows of a table or view to a file, whole or not at all, as ``export`` does.

    Args:
        connection: to read from.
        table: schema and name.
        out: the file.
        format_name: one of ``FORMATS``, or jsonl.
        order_by: columns by which the rows are ordered, texts in byte order; none: CSV by the
            first three columns, others as it comes.
        on_rows: told a word and how many rows have been written.

    Returns:
        How many rows were written.

    Raises:
        Refused: the file cannot be written.
    """
    source = sql.SQL("{}.{}").format(*map(sql.Identifier, table))
    columns = _columns(connection, *table)
    texts = {name for name, kind, _ in columns if kind == "text"}
    order = sql.SQL(", ").join(
        sql.SQL('{} collate "C"' if name in texts else "{}").format(sql.Identifier(name))
        for name in order_by
    )
    try:
        with _whole_file(out) as handle:
            if format_name == "csv":
                places = range(1, 1 + min(3, len(columns)))
                if not order_by:
                    order = sql.SQL(", ").join(map(sql.Literal, places))
                return _write_csv(connection, source, columns, order, handle)
            if order_by:
                source = sql.SQL("(select * from {} order by {})").format(source, order)
            if format_name in ("json", "jsonl"):
                in_lines = format_name == "jsonl"
                return _write_json(connection, source, handle, on_rows, in_lines=in_lines)
            return _write_parquet(connection, source, columns, handle, on_rows)
    except OSError as error:
        raise Refused(f"{out} cannot be written: {error.strerror or error}.") from error


def write_rows(rows: Sequence[Mapping[str, Any]], out: Path) -> None:
    """Write a few rows to a CSV or JSON file, whole or not at all.

    Raises:
        Refused: another extension, or the file cannot be written.
    """
    kind = out.suffix.lower()
    if kind not in (".csv", ".json"):
        raise Refused(f"{out}: the name must end with .csv or .json.")
    text = io.StringIO()
    if kind == ".json":
        json.dump([dict(row) for row in rows], text, default=str, indent=2)
    elif rows:
        writer = csv.DictWriter(text, list(rows[0]))
        writer.writeheader()
        writer.writerows({name: _harmless(value) for name, value in row.items()} for row in rows)
    try:
        with _whole_file(out) as handle:
            handle.write(text.getvalue().encode())
    except OSError as error:
        raise Refused(f"{out} cannot be written: {error.strerror or error}.") from error


def _harmless(value: Any) -> Any:
    """A text that a spreadsheet does not take for a formula."""
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return "'" + value
    return value


def _find(connection: Connection, mart: str) -> Table:
    schema, _, name = mart.rpartition(".")
    found = connection.execute(
        """
        select table_schema, table_name from information_schema.tables
        where table_schema = any(%s) and table_name = %s and (%s = '' or table_schema = %s)
            and table_name !~ '^int_'
        """,
        (list(MART_SCHEMAS), name, schema, schema),
    ).fetchall()
    if not found:
        known = connection.execute(
            """
            select table_schema || '.' || table_name from information_schema.tables
            where table_schema = any(%s) and table_name !~ '^(int_|run_|build_)' order by 1
            """,
            (list(MART_SCHEMAS),),
        ).fetchall()
        listed = ", ".join(row[0] for row in known) or "none before the first build"
        raise Refused(f"There is no mart {mart}; there are: {listed}.")
    return found[0][0], found[0][1]


def _columns(connection: Connection, schema: str, name: str) -> list[tuple[str, str, int | None]]:
    rows = connection.execute(
        """
        select column_name, data_type, numeric_scale from information_schema.columns
        where table_schema = %s and table_name = %s order by ordinal_position
        """,
        (schema, name),
    ).fetchall()
    return [(row[0], row[1], row[2]) for row in rows]


@contextmanager
def _whole_file(out: Path) -> Iterator[IO[bytes]]:
    _sweep(out)
    part = out.with_name(f".{out.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as handle:
            yield handle
            handle.flush()
            os.fsync(handle.fileno())
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)


def _sweep(out: Path) -> None:
    """Remove what killed exports to the same file left behind, but nothing of one at work."""
    for left in out.parent.glob(f".{glob.escape(out.name)}.*.part"):
        owner = left.name.removesuffix(".part").rpartition(".")[2]
        if owner.isdigit() and not is_running(int(owner)):
            left.unlink(missing_ok=True)


def _write_csv(
    connection: Connection,
    source: sql.Composed,
    columns: list[tuple[str, str, int | None]],
    order: sql.Composed,
    handle: IO[bytes],
) -> int:
    expressions = [
        sql.SQL(
            "case when left({0}, 1) in ('=', '+', '-', '@', E'\\t', E'\\r') then '''' || {0}"
            " else {0} end as {0}"
        ).format(sql.Identifier(name))
        if kind == "text" and name not in NUMBER_COLUMNS
        else sql.Identifier(name)
        for name, kind, _ in columns
    ]
    statement = sql.SQL(
        "copy (select {} from {} as mart order by {}) to stdout with (format csv, header)"
    ).format(
        sql.SQL(", ").join(expressions),
        source,
        order,
    )
    cursor = connection.cursor()
    with cursor.copy(statement) as copy:
        for data in copy:
            handle.write(data)
    return cursor.rowcount


def _write_json(
    connection: Connection,
    source: sql.Composed,
    handle: IO[bytes],
    on_rows: Callable[[str, int, int], None] | None,
    *,
    in_lines: bool,
) -> int:
    rows = 0
    before, between, after = (b"", b"\n", b"\n") if in_lines else (b"[\n", b",\n", b"\n]\n")
    with connection.cursor("export") as cursor:
        cursor.itersize = BATCH
        cursor.execute(sql.SQL("select row_to_json(mart)::text from {} as mart").format(source))
        for (text,) in cursor:
            handle.write((between if rows else before) + text.encode())
            rows += 1
            if on_rows is not None and rows % BATCH == 0:
                on_rows(f"{rows:,} rows", rows, 0)
    if rows:
        handle.write(after)
    elif not in_lines:
        handle.write(b"[\n]\n")
    return rows


def _write_parquet(
    connection: Connection,
    source: sql.Composed,
    columns: list[tuple[str, str, int | None]],
    handle: IO[bytes],
    on_rows: Callable[[str, int, int], None] | None,
) -> int:
    schema = pa.schema([(name, _arrow_type(kind, scale)) for name, kind, scale in columns])
    rows = 0
    with (
        pa_parquet.ParquetWriter(handle, schema) as writer,
        connection.cursor("export") as cursor,
    ):
        cursor.itersize = BATCH
        cursor.execute(sql.SQL("select * from {} as mart").format(source))
        while batch := cursor.fetchmany(BATCH):
            arrays = [
                pa.array(_values(batch, place, field.type), field.type)
                for place, field in enumerate(schema)
            ]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
            rows += len(batch)
            if on_rows is not None:
                on_rows(f"{rows:,} rows", rows, 0)
    return rows


def _values(batch: list[tuple[Any, ...]], place: int, kind: pa.DataType) -> list[Any]:
    if pa.types.is_string(kind):
        return [None if row[place] is None else str(row[place]) for row in batch]
    return [row[place] for row in batch]


def _arrow_type(kind: str, scale: int | None) -> pa.DataType:
    types = {
        "bigint": pa.int64(),
        "integer": pa.int32(),
        "smallint": pa.int16(),
        "boolean": pa.bool_(),
        "date": pa.date32(),
        "time without time zone": pa.time64("us"),
        "timestamp with time zone": pa.timestamp("us", "UTC"),
    }
    if kind == "numeric":
        # amounts are exact; a rate or weight without a scale of its own gets ample room
        return pa.decimal128(38, scale if scale is not None else 12)
    return types.get(kind, pa.string())
