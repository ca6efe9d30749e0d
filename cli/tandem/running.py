"""A whole billing cycle from a folder of files."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tandem.database import Connection
from tandem.errors import Refused
from tandem.feeds import FEEDS, Feed
from tandem.loading import LoadResult, load_file

_AS_OF = re.compile(r"^\d{8}T\d{6}Z$")
_EXTENSIONS = ("csv", "jsonl", "ndjson", "parquet", "gz", "zst")


@dataclass(frozen=True)
class FeedFile:
    """A file and what its name says it is.

    Attributes:
        path: where it is.
        feed: of which feed.
        carrier_id: whose, where the feed has a carrier.
        as_of: for which instant a batch is complete, where the feed has one.
    """

    path: Path
    feed: Feed
    carrier_id: str | None
    as_of: datetime | None


def feed_files(folder: Path) -> list[FeedFile]:
    """The files of a folder, in the order in which they are loaded: feed, then name.

    Names are ``<feed>[.<carrier>][.<anything>].<ext>``, for subscribers
    ``subscribers.<carrier>.<YYYYMMDDTHHMMSSZ>.<ext>``. Hidden files and folders are passed over.

    Raises:
        Refused: no such folder, nothing in it, or a file whose name says nothing.
    """
    if not folder.is_dir():
        raise Refused(f"There is no folder {folder}.")
    found = [
        _by_name(path)
        for path in sorted(folder.iterdir())
        if path.is_file() and not path.name.startswith(".")
    ]
    if not found:
        raise Refused(f"There is no file in {folder}.")
    order = list(FEEDS)
    return sorted(found, key=lambda file: (order.index(file.feed.name), file.path.name))


def _by_name(path: Path) -> FeedFile:
    parts = path.name.split(".")
    feed = FEEDS.get(parts[0])
    if feed is None or parts[-1] not in _EXTENSIONS:
        raise Refused(
            f"{path}: the name does not begin with a feed ({', '.join(FEEDS)}) or not end with a"
            " known extension; nothing was loaded."
        )
    rest = parts[1:]
    carrier_id = None
    as_of = None
    if feed.has_carrier:
        if len(rest) < 2:
            raise Refused(f"{path}: the name does not tell the carrier ({feed.name}.<carrier>...).")
        carrier_id = rest[0]
    if feed.has_as_of:
        if len(rest) < 3 or not _AS_OF.match(rest[1]):
            raise Refused(
                f"{path}: the name does not tell the as-of"
                f" ({feed.name}.<carrier>.<YYYYMMDDTHHMMSSZ>...)."
            )
        as_of = datetime.strptime(rest[1], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return FeedFile(path, feed, carrier_id, as_of)


def load_folder(
    connection: Connection,
    folder: Path,
    on_file: Callable[[str, int, int], None] | None = None,
) -> list[LoadResult]:
    """Load every file of a folder. The caller holds the lock.

    Args:
        connection: the session that holds it.
        folder: with files named as ``feed_files`` says.
        on_file: told the name, number and total before each file.

    Raises:
        Refused: a name that says nothing (nothing was loaded then), or a file that cannot be used
            (those before it were loaded; the same command skips them).
    """
    files = feed_files(folder)
    results = []
    for number, file in enumerate(files):
        if on_file is not None:
            on_file(file.path.name, number, len(files))
        results.append(
            load_file(
                connection, file.feed, file.path, carrier_id=file.carrier_id, as_of=file.as_of
            )
        )
    return results
