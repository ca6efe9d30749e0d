"""How commands speak: results on stdout, everything else on stderr."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.segment import Segment
from rich.table import Table

# written to a file or a pipe, a page is as wide as the terminals we design for
PAGE_WIDTH = 100

# What a terminal obeys instead of showing it: control characters but the line end, and those that
# change the direction of writing.
_OBEYED = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def _shown(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:  # as Unicode has a picture of it
        return " " if code == 0x09 else chr(0x2400 + code)
    return "\N{REPLACEMENT CHARACTER}"


def many(count: int, noun: str) -> str:
    """A count with its noun."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def visible(text: str) -> str:
    """Text that a terminal shows as it is, an escape character as its picture."""
    return _OBEYED.sub(_shown, text)


class PlainConsole(Console):
    """A console that gives the terminal no orders but its own: whatever text is printed, a name
    or the raw text of a rejected row, escape sequences in it are shown and not obeyed."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """As rich does; all that is printed comes through here."""
        for segment in super().render(renderable, options):
            if segment.control or not _OBEYED.search(segment.text):
                yield segment
            else:
                yield Segment(visible(segment.text), segment.style)


out = PlainConsole(highlight=False, width=None if sys.stdout.isatty() else PAGE_WIDTH)
err = PlainConsole(stderr=True, highlight=False, soft_wrap=True)

RIGHT_ALIGNED = (int, Decimal)


def say(sentence: str) -> None:
    """Tell the user what was done or is going on (stderr)."""
    err.print(sentence, markup=False)


def print_json(value: Any) -> None:
    """A result as JSON on stdout."""
    text = json.dumps(value, default=plain, indent=2, ensure_ascii=False)
    # JSON escapes the lower control characters by itself
    text = _OBEYED.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
    sys.stdout.write(text + "\n")


def plain(value: Any) -> Any:
    """A value as JSON knows it; amounts stay exact as strings."""
    if isinstance(value, Decimal | Path):
        return str(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def print_table(
    rows: Sequence[Mapping[str, Any]],
    columns: Sequence[str] | None = None,
    *,
    title: str | None = None,
    empty: str = "There is nothing to show.",
) -> None:
    """Rows as a table on stdout, numbers to the right; one sentence if there are none."""
    if not rows:
        say(empty)
        return
    names = list(columns or rows[0].keys())
    if title is not None:
        out.print(title, style="bold", markup=False)  # a title of the table wraps at its width
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0))
    for name in names:
        right = all(
            isinstance(row[name], RIGHT_ALIGNED) or row[name] is None for row in rows
        ) and any(row[name] is not None for row in rows)
        widest = max(len(cell(row[name])) for row in rows)
        # headers wrap before numbers and ids do
        table.add_column(
            name.replace("_", " "),
            justify="right" if right else "left",
            overflow="fold",
            min_width=widest if right else min(widest, 20),
        )
    for row in rows:
        table.add_row(*(cell(row[name]) for name in names))
    out.print(table)


def cell(value: Any) -> str:
    """A value as a table shows it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, Decimal):
        return f"{value:,}"
    if isinstance(value, int):
        return f"{value:,}"
    # what came in with a feed is shown, never interpreted
    return visible(str(value)).replace("[", "\\[")


@contextmanager
def progress(task: str, total: int | None = None) -> Iterator[Callable[[str, int, int], None]]:
    """A progress bar on a terminal; nothing elsewhere.

    Yields a function of (what is being done, how many are done, out of how many; 0 if unknown).
    """
    if not err.is_terminal:
        yield lambda _what, _done, _total: None
        return
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("[dim]{task.fields[what]}"),
        console=err,
        transient=True,
    ) as bar:
        bar_task = bar.add_task(task, total=total, what="")

        def advance(what: str, done: int, of: int) -> None:
            bar.update(bar_task, completed=done, total=of or total, what=what)

        yield advance
