"""The rollover matrix of a pool as a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from rich.cells import cell_len
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from tandem.queries import Row
from tandem.rollover.figures import ZERO, number, places_of

GAP = 2


@dataclass(frozen=True)
class Column:
    """One figure of the matrix.

    Attributes:
        name: as in the mart.
        head: over its column, on two lines at most.
        label: in one line, where cycles stand side by side.
        always: shown even if it is 0 in every cycle.
        at_close: decided when the cycle closes; left empty before.
    """

    name: str
    head: str
    label: str
    always: bool = False
    at_close: bool = False


COLUMNS = (
    Column("allowance_units", "plan\nallowance", "plan allowance", always=True),
    Column("plan_used_units", "plan\nused", "plan used", always=True),
    Column("overage_assessed_units", "beyond\nthe plan", "beyond the plan, before rollover"),
    Column("opening_balance", "opening\nbalance", "opening balance", always=True),
    Column("taken_over_units", "of it\ntaken over", "of it taken over"),
    Column("adjusted_units", "\nadjusted", "+ adjusted"),
    Column("rollover_used_units", "rollover\nused", "\N{MINUS SIGN} rollover used", always=True),
    Column("expired_units", "\nexpired", "\N{MINUS SIGN} expired", at_close=True),
    Column("accumulated_units", "\nearned", "+ earned", always=True, at_close=True),
    Column("archived_units", "\narchived", "\N{MINUS SIGN} archived", at_close=True),
    Column("closing_balance", "closing\nbalance", "= closing balance", always=True),
    Column("expiring_next_units", "expires\nnext cycle", "of it expires with the next cycle"),
    Column("capped_units", "over\nthe cap", "unused, over the cap", at_close=True),
)


def matrix_table(rows: Sequence[Row], width: int) -> list[RenderableType]:
    """The cycles of a pool, one a row; where that is too wide, side by side.

    Args:
        rows: of ``rollover.rollover_matrix``, of one pool, in order of the cycle.
        width: of the terminal.
    """
    shown = [
        column for column in COLUMNS if column.always or any(row.get(column.name) for row in rows)
    ]
    left_out = [
        " ".join(column.head.split())
        for column in COLUMNS
        if column not in shown and any(column.name in row for row in rows)
    ]
    table = _by_cycle(rows, shown)
    parts: list[RenderableType] = (
        [table] if _width(table) <= width else list(_side_by_side(rows, shown, width))
    )
    if left_out:
        parts.append(Text(f"Left out, 0 in every cycle: {', '.join(left_out)}.", style="dim"))
    return parts


def _by_cycle(rows: Sequence[Row], shown: Sequence[Column]) -> Table:
    places = places_of(row.get(column.name) for row in rows for column in shown)
    table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="bold")
    table.add_column("cycle\nfrom", no_wrap=True)
    table.add_column("", no_wrap=True)
    for column in shown:
        table.add_column(Text(column.head), justify="right", no_wrap=True)
    for row in rows:
        figures = [_figure(row, column, places) for column in shown]
        table.add_row(Text(str(row["cycle_start"])), Text(state(row), style="bold"), *figures)
    return table


def _side_by_side(
    rows: Sequence[Row], shown: Sequence[Column], width: int
) -> Iterator[RenderableType]:
    """Tables with a column a cycle, as many cycles in each as fit."""
    places = places_of(row.get(column.name) for row in rows for column in shown)
    heads = [f"{row['cycle_start']}\n{state(row)}".strip() for row in rows]
    figures = [[_figure(row, column, places) for column in shown] for row in rows]
    widest = max(cell_len(str(figure)) for of_row in figures for figure in of_row)
    each = max(widest, 10) + GAP
    room = width - max(len(column.label) for column in shown) - GAP
    count = max(1, room // each)
    for start in range(0, len(rows), count):
        table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="bold")
        table.add_column("cycle from", no_wrap=True)
        for head in heads[start : start + count]:
            table.add_column(Text(head), justify="right", no_wrap=True, min_width=each - GAP)
        for place, column in enumerate(shown):
            cells = [of_row[place] for of_row in figures[start : start + count]]
            table.add_row(Text(column.label), *cells)
        if start:
            yield Text()
        yield table


def _figure(row: Row, column: Column, places: int) -> Text:
    value: Decimal = row.get(column.name) or ZERO
    if column.at_close and not row["is_closed"] and not value:
        return Text("")
    return Text(number(value, places if value else 0), style="" if value else "dim")


def state(row: Row) -> str:
    """What a cycle is, where it is not simply closed."""
    words = [] if row["is_closed"] else ["open"]
    if row["rollover_status"] != "active":
        words.append(str(row["rollover_status"]))
    return ", ".join(words)


def _width(table: Table) -> int:
    """Columns that a table takes whose cells do not wrap."""
    widths = []
    for column in table.columns:
        texts = [column.header, *column.cells]
        lines = [line for text in texts for line in str(text).splitlines() or [""]]
        widths.append(max(map(cell_len, lines)))
    return sum(widths) + GAP * (len(widths) - 1)
