"""From a file to rows of text, block by block, in bounded memory.

Rows are numbered from 1 after the header; blank lines are no rows. A reader yields ``Block``s: the
rows that have the shape of the feed as an Arrow table of strings, and the others with their text.
Whether a value is any good is not judged here.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet

from tandem.errors import Refused
from tandem.feeds import Feed
from tandem.loading.source import Source

BLOCK_BYTES = 1 << 20
# Fields have at most 1000 characters, so no good record is longer. A quote that is still open
# after this many bytes was opened by mistake: its line is set aside and reading goes on below it.
MAX_RECORD_BYTES = 1 << 16
PARQUET_ROWS = 20_000
# Records are flat; what is nested deeper than this in an unknown column would exhaust the stack of
# Postgres' parser.
MAX_JSON_DEPTH = 100
BYTE_ORDER_MARK = b"\xef\xbb\xbf"

_FIELD = rb'(?:"(?:[^"]|"")*"[^,\n]*|[^",\n][^,\n]*|)'
_RECORD = re.compile(_FIELD + rb"(?:," + _FIELD + rb")*\n")
_JSON_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"')
_JSON_BRACKET = re.compile(rb"[\[\]{}]")


@dataclass(frozen=True)
class BadRow:
    """A row whose shape is not that of the feed.

    Attributes:
        row_number: from 1 after the header.
        reason: what is wrong, as a sentence without full stop.
        raw_text: the row as it stands in the file.
    """

    row_number: int
    reason: str
    raw_text: str


@dataclass(frozen=True)
class Block:
    """Some consecutive rows.

    Attributes:
        row_numbers: of the rows of ``table``.
        table: one string column per column of the feed that the file has.
        bad_rows: the rows between them that have no shape.
    """

    row_numbers: Sequence[int]
    table: pa.Table
    bad_rows: list[BadRow]


@dataclass
class Rows:
    """The rows of one file; iterate ``blocks`` once.

    Attributes:
        columns: the columns of the feed that the file has, in the order of the tables.
        unknown_columns: what else it has; ignored. Known for JSON Lines only after reading.
    """

    columns: list[str]
    blocks: Iterator[Block]
    unknown_columns: list[str] = field(default_factory=list)


def read(source: Source, feed: Feed, stream: BinaryIO) -> Rows:
    """Open the rows of a file.

    Args:
        source: the file; its format decides how it is read.
        feed: whose columns are wanted.
        stream: its bytes, decompressed.

    Raises:
        Refused: here or while iterating: not text in UTF-8, no header, a required column missing.
    """
    if source.format == "jsonl":
        return Rows(["raw_text"], _json_blocks(source, stream))
    if source.format == "parquet":
        return _read_parquet(source, feed, stream)
    return _read_csv(source, feed, stream)


def raw_texts(source: Source, feed: Feed, wanted: set[int]) -> dict[int, str]:
    """The text of some rows as it stands in the file, by a second reading.

    For Parquet, which has no text, the row as a JSON object.
    """
    found: dict[int, str] = {}
    if not wanted:
        return found
    with source.open() as stream:
        if source.format == "csv":
            _csv_header(source, stream)
            first = 1
            for records in _csv_records(source, stream):
                texts = records.texts()
                for row_number in wanted.intersection(range(first, first + len(texts))):
                    found[row_number] = _decode(source, texts[row_number - first])
                first += len(texts)
        else:
            rows = read(source, feed, stream)
            for block in rows.blocks:
                here = set(block.row_numbers) & wanted
                if not here:
                    continue
                places = [i for i, number in enumerate(block.row_numbers) if number in here]
                for place, row in zip(places, block.table.take(places).to_pylist(), strict=True):
                    found[block.row_numbers[place]] = (
                        row["raw_text"] if source.format == "jsonl" else json.dumps(row)
                    )
    return found


# CSV


@dataclass
class _Records:
    """Whole CSV records: the text they stand in, and which of them were set aside as unclosed."""

    text: bytes
    spans: list[tuple[int, int]] | None = None  # None: one record a line
    unclosed: set[int] = field(default_factory=set)  # indexes into spans

    def texts(self) -> list[bytes]:
        """The records one by one."""
        if self.spans is None:
            return self.text.split(b"\n")[:-1]
        return [self.text[start:end].removesuffix(b"\n") for start, end in self.spans]


def _read_csv(source: Source, feed: Feed, stream: BinaryIO) -> Rows:
    header = _csv_header(source, stream)
    columns, unknown = _match_header(source, feed, header)
    return Rows(columns, _csv_blocks(source, feed, stream, header), unknown)


def _csv_header(source: Source, stream: BinaryIO) -> list[str]:
    line = stream.readline(MAX_RECORD_BYTES)
    while line in (b"\n", b"\r\n"):
        line = stream.readline(MAX_RECORD_BYTES)
    line = line.removeprefix(BYTE_ORDER_MARK)
    _refuse_binary(source, line)
    text = _decode(source, line).strip("\r\n")
    if not text:
        raise Refused(f"{source.path}: the file is empty; a header row is needed.")
    if "\r" in text:
        raise Refused(
            f"{source.path}: the header has a carriage return inside it;"
            " lines end with a line feed."
        )
    return [name.strip() for name in next(csv.reader([text]))]


def _match_header(source: Source, feed: Feed, header: Sequence[str]) -> tuple[list[str], list[str]]:
    names = [column.name for column in feed.columns]
    missing = [c.name for c in feed.columns if c.must_be_in_header and c.name not in header]
    if missing:
        raise Refused(
            f"{source.path}: the header lacks {_listed(missing)},"
            f" required in {feed.name}; nothing was loaded."
        )
    twice = sorted({name for name in header if name in names and header.count(name) > 1})
    if twice:
        raise Refused(f"{source.path}: the header has {_listed(twice)} twice; nothing was loaded.")
    return (
        [name for name in header if name in names],
        [name for name in header if name not in names],
    )


def _csv_blocks(source: Source, feed: Feed, stream: BinaryIO, header: list[str]) -> Iterator[Block]:
    # names of unknown columns may repeat or be empty: only their places matter
    names = {column.name for column in feed.columns}
    places = [name if name in names else f"?{i}" for i, name in enumerate(header)]
    first = 1
    for records in _csv_records(source, stream):
        block, count = _parse(source, records, places, names, first)
        first += count
        yield block


def _csv_records(source: Source, stream: BinaryIO) -> Iterator[_Records]:
    """Cut the stream into blocks of whole records, without blank lines and carriage returns."""
    rest = b""
    while True:
        chunk = stream.read(BLOCK_BYTES)
        is_last = not chunk
        _refuse_binary(source, chunk)
        text = rest + chunk
        if is_last and text and not text.endswith(b"\n"):
            text += b"\n"
        if is_last or b"\n" in chunk:
            _decode(source, text if is_last else text[: text.rfind(b"\n") + 1])
        if b"\r" in text:
            # a return at the very end may belong to a new line that comes with the next block
            held = b"\r" if text.endswith(b"\r") and not is_last else b""
            text = text[: len(text) - len(held)].replace(b"\r\n", b"\n") + held
        if b'"' in text:
            records, rest = _cut_quoted(text, is_last)
        else:
            end = text.rfind(b"\n") + 1
            rest = text[end:]
            records = _Records(_without_blank_lines(text[:end]))
        if len(rest) > MAX_RECORD_BYTES * 16:
            raise Refused(f"{source.path}: a line is longer than a mebibyte; this is no CSV.")
        if records.text:
            yield records
        if is_last:
            return


def _without_blank_lines(text: bytes) -> bytes:
    if text.startswith(b"\n") or b"\n\n" in text:
        return b"".join(line + b"\n" for line in text.split(b"\n") if line)
    return text


def _cut_quoted(text: bytes, is_last: bool) -> tuple[_Records, bytes]:
    spans: list[tuple[int, int]] = []
    unclosed: set[int] = set()
    position = 0
    while position < len(text):
        if text[position] == 0x0A:
            position += 1
            continue
        match = _RECORD.match(text, position)
        if match is not None and match.end() - position <= MAX_RECORD_BYTES:
            end = match.end()
        elif is_last or len(text) - position > MAX_RECORD_BYTES:
            end = text.find(b"\n", position) + 1
            if end == 0:
                break
            unclosed.add(len(spans))
        else:
            break
        spans.append((position, end))
        position = end
    return _Records(text[:position], spans, unclosed), text[position:]


def _parse(
    source: Source, records: _Records, places: list[str], names: set[str], first: int
) -> tuple[Block, int]:
    text = records.text
    numbers: Sequence[int] | None = None
    bad_rows: list[BadRow] = []
    if records.spans is not None:
        count = len(records.spans)
        if records.unclosed or sum(end - start for start, end in records.spans) != len(text):
            texts = records.texts()
            good = [i for i in range(count) if i not in records.unclosed]
            text = b"".join(texts[i] + b"\n" for i in good)
            numbers = [first + i for i in good]
            bad_rows = [
                BadRow(first + i, "A quote is opened and not closed", _decode(source, texts[i]))
                for i in sorted(records.unclosed)
            ]
    else:
        count = text.count(b"\n")
    numbers = range(first, first + count) if numbers is None else numbers

    table, misshapen = _parse_with_arrow(source, text, places, names)
    if table.num_rows + len(misshapen) != len(numbers):
        # a carriage return outside quotes ends a line for Arrow but not for us
        return _parse_one_by_one(source, records, places, names, first), count
    if misshapen:
        bad_rows += [
            BadRow(numbers[index], reason, raw_text) for index, reason, raw_text in misshapen
        ]
        bad_rows.sort(key=lambda bad: bad.row_number)
        dropped = {index for index, _, _ in misshapen}
        numbers = [number for i, number in enumerate(numbers) if i not in dropped]
    return Block(numbers, table, bad_rows), count


def _parse_with_arrow(
    source: Source, text: bytes, places: list[str], names: set[str]
) -> tuple[pa.Table, list[tuple[int, str, str]]]:
    misshapen: list[tuple[int, str, str]] = []

    def set_aside(row: pa_csv.InvalidRow) -> str:
        misshapen.append((row.number - 1, _wrong_width(row.actual_columns, len(places)), row.text))
        return "skip"

    wanted = [name for name in places if name in names]
    if not text:
        return pa.table({name: pa.array([], pa.string()) for name in wanted}), misshapen
    try:
        table = pa_csv.read_csv(
            pa.py_buffer(text),
            read_options=pa_csv.ReadOptions(
                column_names=places, use_threads=False, block_size=len(text) + 1
            ),
            parse_options=pa_csv.ParseOptions(
                newlines_in_values=True, invalid_row_handler=set_aside, ignore_empty_lines=False
            ),
            convert_options=pa_csv.ConvertOptions(
                column_types={name: pa.string() for name in wanted},
                include_columns=wanted,
                strings_can_be_null=True,
                null_values=[""],
                quoted_strings_can_be_null=True,
            ),
        )
    except pa.ArrowInvalid as error:
        raise Refused(f"{source.path}: cannot be read as CSV ({_one_line(error)}).") from error
    return table, misshapen


def _parse_one_by_one(
    source: Source, records: _Records, places: list[str], names: set[str], first: int
) -> Block:
    rows: dict[int, list[str | None]] = {}
    bad_rows: list[BadRow] = []
    for i, record in enumerate(records.texts()):
        text = _decode(source, record)
        fields, is_whole = _fields(text) if i not in records.unclosed else ([], True)
        if i in records.unclosed:
            reason = "A quote is opened and not closed"
        elif not is_whole:
            reason = "A line has a carriage return inside it"
        elif len(fields) != len(places):
            reason = _wrong_width(len(fields), len(places))
        else:
            rows[first + i] = [value or None for value in fields]
            continue
        bad_rows.append(BadRow(first + i, reason, text))
    table = pa.table(
        {
            name: pa.array([fields[place] for fields in rows.values()], pa.string())
            for place, name in enumerate(places)
            if name in names
        }
    )
    return Block(list(rows), table, bad_rows)


def _fields(record: str) -> tuple[list[str], bool]:
    """Fields of a record, and whether it has no carriage return outside of quotes."""
    if '"' not in record:
        return record.split(","), "\r" not in record
    lines = io.StringIO(record, newline="").readlines()
    reader = csv.reader(lines)
    return next(reader, []), reader.line_num == len(lines)


def _wrong_width(found: int | None, expected: int) -> str:
    fields = "1 field" if found == 1 else f"{found} fields"
    return f"{fields} where the header has {expected}"


# JSON Lines and Parquet


def _json_blocks(source: Source, stream: BinaryIO) -> Iterator[Block]:
    """The lines themselves: they are taken apart in SQL."""
    rest, first = b"", 1
    while True:
        chunk = stream.read(BLOCK_BYTES)
        _refuse_binary(source, chunk)
        text = rest + chunk
        if first == 1:
            text = text.removeprefix(BYTE_ORDER_MARK)
        end = text.rfind(b"\n") + 1 if chunk else len(text)
        rest = text[end:]
        if len(rest) > MAX_RECORD_BYTES * 64:
            raise Refused(f"{source.path}: a line is longer than 4 MiB; this is no JSON Lines.")
        lines = [line for line in text[:end].splitlines() if line.strip()]
        if lines:
            _decode(source, text[:end])
            numbers: Sequence[int] = range(first, first + len(lines))
            deep = {i for i, line in enumerate(lines) if _is_nested_deeply(line)}
            bad_rows = [
                BadRow(first + i, "The JSON is nested too deeply", _decode(source, lines[i]))
                for i in sorted(deep)
            ]
            first += len(lines)
            if deep:
                numbers = [number for i, number in enumerate(numbers) if i not in deep]
                lines = [line for i, line in enumerate(lines) if i not in deep]
            table = pa.table({"raw_text": pa.array(lines, pa.binary()).cast(pa.string())})
            yield Block(numbers, table, bad_rows)
        if not chunk:
            return


def _is_nested_deeply(line: bytes) -> bool:
    if line.count(b"[") + line.count(b"{") <= MAX_JSON_DEPTH:
        return False
    depth = 0
    for bracket in _JSON_BRACKET.findall(_JSON_STRING.sub(b"", line)):
        depth += 1 if bracket in b"[{" else -1
        if depth > MAX_JSON_DEPTH:
            return True
    return False


def _read_parquet(source: Source, feed: Feed, stream: BinaryIO) -> Rows:
    try:
        parquet = pa_parquet.ParquetFile(stream)
    except (pa.ArrowInvalid, OSError) as error:
        raise Refused(
            f"{source.path}: is not a readable Parquet file ({_one_line(error)})."
        ) from error
    columns, unknown = _match_header(source, feed, parquet.schema_arrow.names)

    def blocks() -> Iterator[Block]:
        first = 1
        batches = parquet.iter_batches(batch_size=PARQUET_ROWS, columns=columns)
        while True:
            try:
                batch = next(batches, None)
                if batch is None:
                    return
                table = pa.table({name: _as_text(batch.column(name)) for name in columns})
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
                raise Refused(f"{source.path}: cannot be read ({_one_line(error)}).") from error
            for name in columns:
                if pc.any(pc.match_substring(table.column(name), "\0")).as_py():
                    raise Refused(f"{source.path}: {name} has a NUL character; no text has one.")
            yield Block(range(first, first + table.num_rows), table, [])
            first += table.num_rows

    return Rows(columns, blocks(), unknown)


def _as_text(column: pa.Array) -> pa.Array:
    if pa.types.is_decimal(column.type):
        # Arrow writes 0E-10 for a zero with ten decimals
        values = [None if value is None else format(value, "f") for value in column.to_pylist()]
        return pa.array(values, pa.string())
    text = column.cast(pa.string())
    return pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)


# shared


def _refuse_binary(source: Source, text: bytes) -> None:
    if b"\0" in text:
        raise Refused(f"{source.path}: is a binary file, not text in UTF-8.")


def _decode(source: Source, text: bytes) -> str:
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused(f"{source.path}: is not text in UTF-8.") from error


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")


def _listed(names: Sequence[str]) -> str:
    names = list(names)
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
