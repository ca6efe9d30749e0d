"""Adjustments in a terminal: two lines each, figures first, then who, why and what was said."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from tandem.bills.format import clean
from tandem.queries import Row
from tandem.rollover.figures import number, places_of

WIDTH = 100
GAP = "  "
HEADS = ("time", "action", "pool", "quantity", "applied", "unapplied", "counts in", "billed")
QUANTITIES = ("quantity", "applied_quantity", "unapplied_quantity")
RIGHT = (3, 4, 5, 7)


def show_history(rows: Sequence[Row], console: Console) -> None:
    """Print adjustments to `console`, at most 100 columns wide."""
    width = min(console.width, WIDTH)
    places = places_of(row[name] for row in rows for name in QUANTITIES)
    cells = [_cells(row, places) for row in rows]
    if not any(texts[-1] for texts in cells):
        cells = [texts[:-1] for texts in cells]
    heads = HEADS[: len(cells[0])]
    widths = [max(map(cell_len, texts)) for texts in zip(heads, *cells, strict=True)]
    console.print(Text(_line(heads, widths), style="bold"), width=width)
    for row, texts in zip(rows, cells, strict=True):
        console.print(Text(_line(texts, widths)), width=width)
        console.print(Padding(_details(row), (0, 0, 0, 2)), width=width)


def _cells(row: Row, places: int) -> list[str]:
    cycle, amount = row["cycle_start"], row.get("amount")
    return [
        f"{row['local_time']:%Y-%m-%d %H:%M}",
        clean(row["action"]),
        clean(row["pool_id"]),
        *(number(row[name], places) if row[name] is not None else "" for name in QUANTITIES),
        "" if cycle is None else str(cycle),
        "" if amount is None else f"{amount:,.2f}",
    ]


def _line(texts: Sequence[str], widths: Sequence[int]) -> str:
    padded = [
        " " * (width - cell_len(text)) + text
        if place in RIGHT
        else text + " " * (width - cell_len(text))
        for place, (text, width) in enumerate(zip(texts, widths, strict=True))
    ]
    return GAP.join(padded).rstrip()


def _details(row: Row) -> Text:
    text = Text(" · ".join(_said(row)), style="dim")
    if row["unapplied_quantity"]:
        why = row.get("exception_type")
        text.append(f" · not all applied{f' ({why})' if why else ''}", style="not dim red")
    return text


def _said(row: Row) -> Iterator[str]:
    yield clean(row["adjustment_id"])
    yield clean(row["reason_code"])
    yield f"by {clean(row['adjusted_by'])}"
    if row["note"]:
        yield clean(row["note"])
