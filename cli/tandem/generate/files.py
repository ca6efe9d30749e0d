"""Files on disk: the same rows are always the same bytes."""

from __future__ import annotations

import csv
import gzip
import io
from collections import Counter
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from tandem.generate.calendar import Calendar
from tandem.generate.places import CARRIERS
from tandem.generate.records import (
    COLUMNS,
    RawRow,
    as_parquet,
    as_text,
    csv_line,
    csv_lines,
    json_line,
    json_lines,
    parquet_rows,
    parquet_schema,
)
from tandem.generate.summary import WrittenFile
from tandem.generate.town import Town

_ENDINGS = {None: "", "gzip": ".gz", "zstd": ".zst"}


def cdr_ending(town: Town) -> str:
    """The extension of the town's CDR files: Parquet compresses inside."""
    return ".parquet" if town.format == "parquet" else f".{town.format}{_ENDINGS[town.compression]}"


class CdrFile:
    """One CDR file that is being written."""

    def __init__(self, root: Path, path: str, carrier: int, town: Town, calendar: Calendar) -> None:
        """Create the file, and its folder if need be."""
        self.path, self.carrier = path, carrier
        self.town, self.calendar = town, calendar
        self.rows = self.duplicates = 0
        self.rejects: Counter[str] = Counter()
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        self._parquet: Any = None
        self._streams: list[Any] = []
        if town.format == "parquet":
            codec = {None: "NONE", "gzip": "GZIP", "zstd": "ZSTD"}[town.compression]
            self._parquet = pq.ParquetWriter(target, parquet_schema(), compression=codec)
            return
        file: IO[bytes] = target.open("wb")
        self._streams.append(file)
        self._sink: Any = file
        if town.compression == "gzip":
            # No name and no time in the header.
            self._sink = gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0)
            self._streams.insert(0, self._sink)
        elif town.compression == "zstd":
            self._sink = pa.CompressedOutputStream(pa.PythonFile(file, "w"), "zstd")
            self._streams.insert(0, self._sink)
        if town.format == "csv":
            self._sink.write((",".join(COLUMNS) + "\n").encode())

    def write(self, table: Any, raw: list[tuple[int, RawRow]] | None = None) -> None:
        """Append the rows of a table, malformed rows going in before the given row numbers."""
        raw = sorted(raw or [], key=lambda item: item[0])
        self.rows += table.num_rows + len(raw)
        self.rejects.update(row.reason for _, row in raw)
        if self._parquet is not None:
            self._parquet.write_table(as_parquet(table))
            if raw:
                self._parquet.write_table(parquet_rows([row for _, row in raw]))
            return
        lines, line = (
            (csv_lines, csv_line) if self.town.format == "csv" else (json_lines, json_line)
        )
        text = as_text(table, self.carrier, self.calendar)
        done = 0
        for place, row in raw:
            self._sink.write(lines(text.slice(done, place - done)))
            self._sink.write(line(row))
            done = place
        self._sink.write(lines(text.slice(done)))

    def close(self) -> WrittenFile:
        """Finish the file."""
        if self._parquet is not None:
            self._parquet.close()
        for stream in self._streams:
            stream.close()
        return WrittenFile(
            self.path,
            "cdrs",
            CARRIERS[self.carrier],
            self.rows,
            self.duplicates,
            dict(sorted(self.rejects.items())),
        )


def write_sheet(
    root: Path,
    path: str,
    header: tuple[str, ...],
    rows: list[tuple[str, ...]],
    line_end: str = "\n",
) -> None:
    """Write a CSV file with a header; rows may have any number of cells."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=line_end)
    writer.writerow(header)
    writer.writerows(rows)
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(text.getvalue().encode())
