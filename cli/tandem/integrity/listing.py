"""Exceptions and messages in a terminal, 100 columns wide: a line each, and what it is about below.

Names are printed as they are: no console markup in them is obeyed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from tandem.bills.format import clean, phone
from tandem.integrity.queries import Exceptions
from tandem.integrity.words import (
    INSTRUCTION_TITLES,
    INSTRUCTIONS,
    KINDS,
    day,
    days,
    moment,
    refusal,
    title_of,
)
from tandem.queries import Row

WIDTH = 100
GAP = "  "
WIDEST = 28  # a longer id pushes what is beside it, and is not cut
INDENT = 4
SHOWN_OF_ID = 8  # of an exception's
LONG_DAYS = 7  # open longer than this stands out
AGES = (
    ("day_open", "under a day"),
    ("week_open", "under 7 days"),
    ("month_open", "under 30 days"),
    ("older_open", "30 days and more"),
)


def show_exceptions(found: Exceptions, console: Console) -> None:
    """Print exceptions to `console`, at most 100 columns wide."""
    heads = ("id", "open for", "what", "account", "order or line", "must act")
    rows = [
        (
            clean(row["exception_id"][:SHOWN_OF_ID]),
            "resolved" if row["state"] == "resolved" else days(row["age_days"]),
            title_of(row["exception_type"]),
            clean(row["account_id"]),
            subject(row),
            clean(row["notify_carrier_id"]),
        )
        for row in found.rows
    ]
    bold = [row["state"] == "open" and row["age_days"] >= LONG_DAYS for row in found.rows]
    details = [list(_exception_details(row)) for row in found.rows]
    _show(heads, rows, details, bold, console, stands_out_at=1)
    console.print()
    for sentence in summary(found):
        console.print(Text(sentence), width=min(console.width, WIDTH))


def show_messages(
    notifications: Sequence[Row], instructions: Sequence[Row], console: Console
) -> None:
    """Print messages to carriers to `console`, at most 100 columns wide."""
    if notifications:
        console.print(Text("To carriers that must act", style="bold underline"))
        _show(
            ("to", "what", "account", "order or line", "since"),
            [
                (
                    clean(row["to_carrier_id"]),
                    title_of(row["exception_type"]),
                    clean(row["account_id"]),
                    subject(row),
                    moment(row["opened_at"]),
                )
                for row in notifications
            ],
            [list(_notification_details(row)) for row in notifications],
            [False] * len(notifications),
            console,
        )
    if notifications and instructions:
        console.print()
    if instructions:
        console.print(Text("To the platforms that took the orders", style="bold underline"))
        _show(
            ("to", "what", "account", "order", "since"),
            [
                (
                    clean(row["to_carrier_id"]),
                    INSTRUCTION_TITLES.get(row["message_type"], clean(row["message_type"])),
                    clean(row["account_id"]),
                    clean(row["order_id"]),
                    moment(row["opened_at"]),
                )
                for row in instructions
            ],
            [list(_instruction_details(row)) for row in instructions],
            [False] * len(instructions),
            console,
        )


def subject(row: Row) -> str:
    """What it is about: an order and its carrier, or a line."""
    carrier = clean(row.get("order_carrier_id", row.get("carrier_id")))
    if row["order_id"] is not None:
        return f"{carrier} {clean(row['order_id'])}".strip()
    if row["service_number"] is not None:
        return f"{carrier} {phone(row['service_number'])}".strip()
    return carrier


def summary(found: Exceptions) -> Iterator[str]:
    """How many there are by type, and how old the open ones are."""
    open_ones = [row for row in found.counts if row["open"]]
    total = sum(row["open"] for row in open_ones)
    waived = sum(row["waived"] for row in found.counts)
    more = [f"{waived:,} waived"] if waived else []
    resolved = found.total - total - waived
    more += [f"{resolved:,} resolved"] if resolved else []
    by_type = ", ".join(f"{title_of(row['exception_type'])} {row['open']:,}" for row in open_ones)
    yield (
        f"{total:,} open{f': {by_type}' if by_type else ''}{'; ' if more else ''}{', '.join(more)}."
    )
    if total:
        ages = [(sum(row[name] for row in open_ones), words) for name, words in AGES]
        told = ", ".join(f"{count:,} for {words}" for count, words in ages if count)
        oldest = max(row["oldest_days"] for row in open_ones)
        yield f"Open {told}; the oldest for {days(oldest)}, as of {moment(found.as_of)} UTC."


def limited(shown: int, total: int) -> str | None:
    """The sentence that says that there are more, if there are."""
    if shown >= total:
        return None
    return f"These are the first {shown:,} of {total:,}; --limit {total} shows all, --json too."


def _exception_details(row: Row) -> Iterator[str]:
    *before, last = _expected_and_found(row)
    yield from before
    opened = f"opened {moment(row['opened_at'])}"
    if cell_len(f"{last} · {opened}") <= WIDTH - INDENT:
        yield f"{last} · {opened}"
    else:
        yield last
        yield opened
    if row["refusal_state"] is not None:
        yield f"{clean(row['other_carrier_id'])} {refusal(row)}"
    if row["refused_at"] is not None and row["refused_at"] > row["opened_at"]:
        yield f"refused by {clean(row['other_carrier_id'])} on {moment(row['refused_at'])}"
    if row["state"] == "waived":
        until = f" until {day(row['waived_until'])}" if row["waived_until"] else ""
        yield f"waived{until}: {clean(row['waiver_reason'])}"
    elif row["state"] == "resolved":
        yield f"resolved on {moment(row['resolved_at'])} after {days(row['age_days'])}"


def _notification_details(row: Row) -> Iterator[str]:
    yield from _expected_and_found(row)
    kind = KINDS.get(row["exception_type"])
    if row["resolved_at"] is not None:
        yield f"resolved on {moment(row['resolved_at'])}"
    elif kind is not None:
        yield kind.request


def _instruction_details(row: Row) -> Iterator[str]:
    if row["resolved_at"] is not None:
        yield f"stood until {moment(row['resolved_at'])}"
    else:
        other = clean(row["other_carrier_id"])
        yield INSTRUCTIONS.get(row["message_type"], "") + (f" ({other})" if other else "")


def _expected_and_found(row: Row) -> Iterator[str]:
    expected, found = clean(row["expected"]) or "nothing", clean(row["found"]) or "nothing"
    line = f"expected {expected} · found {found}"
    if cell_len(line) <= WIDTH - INDENT:
        yield line
    else:
        yield f"expected {expected}"
        yield f"found {found}"


def _show(
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    details: Sequence[Sequence[str]],
    bold: Sequence[bool],
    console: Console,
    *,
    stands_out_at: int = 0,
) -> None:
    width = min(console.width, WIDTH)
    widths = [min(max(map(cell_len, texts)), WIDEST) for texts in zip(heads, *rows, strict=True)]
    console.print(Text(_line(heads, widths), style="bold"), width=width)
    for cells, below, stands_out in zip(rows, details, bold, strict=True):
        line = Text(_line(cells, widths))
        if stands_out:
            begins = len(_line([*cells[:stands_out_at], "."], widths)) - 1
            line.stylize("bold red", begins, begins + len(cells[stands_out_at]))
        console.print(line, width=width)
        for text in below:
            console.print(Padding(Text(text, style="dim"), (0, 0, 0, INDENT)), width=width)


def _line(texts: Sequence[str], widths: Sequence[int]) -> str:
    padded = (
        text + " " * max(0, width - cell_len(text))
        for text, width in zip(texts, widths[: len(texts)], strict=True)
    )
    return GAP.join(padded).rstrip()
