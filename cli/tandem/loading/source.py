"""A file on disk: its format, its compression, its bytes."""

from __future__ import annotations

import gzip
import hashlib
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, cast, get_args

import pyarrow as pa

from tandem.errors import Refused

Format = Literal["csv", "jsonl", "parquet"]
_SUFFIXES: dict[str, Format] = {
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
}
_COMPRESSIONS = (".gz", ".zst")
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Source:
    """One file to load.

    Attributes:
        path: where it is.
        format: how its rows are written.
        compression: suffix of the compression to undo, or None.
        size: bytes as stored.
        sha256: of the stored bytes, in hex.
    """

    path: Path
    format: Format
    compression: str | None
    size: int
    sha256: str

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """Its bytes, decompressed.

        Raises:
            Refused: while reading, where the compressed stream is damaged or cut short.
        """
        try:
            with self.path.open("rb") as stored:
                if self.compression == ".gz":
                    with gzip.open(stored, "rb") as stream:
                        yield cast(BinaryIO, stream)
                elif self.compression == ".zst":
                    with pa.CompressedInputStream(stored, "zstd") as stream:
                        yield io.BufferedReader(stream)
                else:
                    yield stored
        except EOFError as error:
            raise Refused(f"{self.path}: the compressed file is cut short.") from error
        except (gzip.BadGzipFile, zlib.error) as error:
            raise Refused(f"{self.path}: the compressed file is damaged ({error}).") from error
        except OSError as error:
            if self.compression is None:
                raise Refused(
                    f"{self.path}: cannot be read ({error.strerror or error})."
                ) from error
            text = "cut short" if "runcated" in str(error) else f"damaged ({error})"
            raise Refused(f"{self.path}: the compressed file is {text}.") from error


def examine(path: Path, format_name: str | None = None) -> Source:
    """Find out format and compression of a file and take its digest.

    Raises:
        Refused: no such file, not a file, one that cannot be read, or a name that does not tell its
            format.
    """
    try:
        if not path.exists():
            raise Refused(f"There is no file {path}.")
        if not path.is_file():
            raise Refused(f"{path} is not a file.")
    except OSError as error:  # in a folder that is closed to us
        raise Refused(f"{path}: cannot be read ({error.strerror}).") from error
    suffixes = [suffix.lower() for suffix in path.suffixes]
    compression = suffixes.pop() if suffixes and suffixes[-1] in _COMPRESSIONS else None
    if format_name is not None:
        if format_name not in get_args(Format):
            raise Refused(
                f"{format_name} is not a format; there are {', '.join(get_args(Format))}."
            )
        file_format = cast(Format, format_name)
    else:
        found = _SUFFIXES.get(suffixes[-1] if suffixes else "")
        if found is None:
            raise Refused(
                f"{path}: the name does not tell the format (.csv, .jsonl or .parquet, the first"
                " two also with .gz or .zst); name it with --format."
            )
        file_format = found
    digest = hashlib.sha256()
    try:
        with path.open("rb") as stored:
            while chunk := stored.read(_CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise Refused(f"{path}: cannot be read ({error.strerror}).") from error
    return Source(path, file_format, compression, path.stat().st_size, digest.hexdigest())
