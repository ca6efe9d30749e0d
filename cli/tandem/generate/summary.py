"""What was generated: for people to read, and for tests to hold a load against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tandem.generate.model import Story


@dataclass(frozen=True)
class WrittenFile:
    """A file, and what a load of the folders in their order must count in it.

    `path` is relative to the town's folder, with slashes. `rows` are all data rows; of these
    `duplicates` must be counted as duplicate and `rejects`, by reason, be refused.
    """

    path: str
    feed: str
    carrier: str | None
    rows: int
    duplicates: int = 0
    rejects: Mapping[str, int] = field(default_factory=dict)

    @property
    def folder(self) -> str:
        """The folder that it is loaded with."""
        return self.path.split("/", 1)[0]

    @property
    def rejected(self) -> int:
        """Rows that must be refused."""
        return sum(self.rejects.values())

    @property
    def accepted(self) -> int:
        """Rows that must be accepted."""
        return self.rows - self.duplicates - self.rejected


@dataclass(frozen=True)
class Summary:
    """All files in the order in which to load them, trouble by kind, and the stories.

    `trouble` counts by `feed.kind`. `cdrs` are data rows in CDR files, voids, duplicates and
    malformed rows included. `cases` are accounts by kind of trouble, where it concerns orders or
    what carriers say of their lines; `exceptions` are how many exceptions of bundle integrity that
    makes by type, once everything is loaded (resold units, which closes decide, left out).
    """

    out: Path
    files: tuple[WrittenFile, ...]
    trouble: Mapping[str, int]
    stories: Mapping[str, Story]
    accounts: int
    lines: int
    cdrs: int
    cases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    exceptions: Mapping[str, int] = field(default_factory=dict)

    @property
    def folders(self) -> tuple[str, ...]:
        """The folders in the order in which to load them."""
        return tuple(sorted({file.folder for file in self.files}))
