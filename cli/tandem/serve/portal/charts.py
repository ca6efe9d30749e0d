"""Charts as figures of a drawing; what they show stands in words and tables beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from tandem.bills import format as fmt
from tandem.queries import Row

ZERO = Decimal(0)
DAY_WIDTH = 12
HEIGHT = 120
KINDS = (
    ("pooled_units", "pooled", "from your plan and rollover, or beyond"),
    ("free_units", "free", "at no charge"),
    ("metered_units", "metered", "priced one by one"),
)


TITLES = {"minute": "Calls", "message": "Messages", "megabyte": "Data", "event": "Events"}


@dataclass(frozen=True)
class Piece:
    """A part of a bar, in units of the drawing."""

    kind: str
    x: str
    y: str
    width: str
    height: str


@dataclass(frozen=True)
class Day:
    """A day: its bar, and its row of the table."""

    date: date
    said: str
    pieces: list[Piece]
    figures: list[Decimal]


@dataclass(frozen=True)
class DailyChart:
    """Usage day by day in one unit.

    Attributes:
        title: what is counted.
        unit: in words.
        summary: what a glance would tell.
        top, middle: at the lines of the grid.
        days: all of the cycle.
        shown: days that have something, for the table.
        kinds: that there are, with their words.
        labels: dates below.
        today: where the figures end; None: the cycle is over.
    """

    unit_type: str
    title: str
    unit: str
    summary: str
    top: str
    middle: str
    width: int
    days: list[Day]
    shown: list[Day]
    kinds: list[tuple[str, str]]
    labels: list[str]
    today: int | None


def daily(rows: Sequence[Row], unit_type: str, start: date, end: date, today: date) -> DailyChart:
    """Usage of a cycle day by day.

    Args:
        rows: of one unit, see ``reading.days``.
        unit_type: the unit.
        start, end: of the cycle, half open.
        today: the last day that has figures.
    """
    by_day: Mapping[date, Row] = {row["local_date"]: row for row in rows}
    unit = fmt.unit_words(unit_type)[1]
    present = [kind for kind in KINDS if any(row[kind[0]] > 0 for row in rows)]
    top = _top(max((_total(row) for row in rows), default=ZERO))
    days = []
    for place in range((end - start).days):
        day = start + timedelta(days=place)
        row = by_day.get(day)
        figures = [max(row[name], ZERO) if row else ZERO for name, _, _ in present]
        pieces, filled = [], ZERO
        for (_, kind, _), figure in zip(present, figures, strict=True):
            if figure > 0:
                filled += figure
                pieces.append(
                    Piece(
                        kind,
                        str(place * DAY_WIDTH + 2),
                        _number(HEIGHT - filled * HEIGHT / top),
                        str(DAY_WIDTH - 4),
                        _number(figure * HEIGHT / top),
                    )
                )
        told = [
            f"{fmt.plain(figure)} {words}"
            for (_, _, words), figure in zip(present, figures, strict=True)
            if figure > 0
        ]
        days.append(Day(day, f"{fmt.day_month(day)}: {', '.join(told) or 'none'}", pieces, figures))
    shown = [day for day in days if day.pieces]
    last = end - timedelta(days=1)
    return DailyChart(
        unit_type,
        TITLES.get(unit_type, fmt.words(unit)),
        unit,
        _summary(shown, unit),
        fmt.plain(top),
        fmt.plain(top / 2),
        len(days) * DAY_WIDTH,
        days,
        shown,
        [(kind, words) for _, kind, words in present],
        [fmt.day_month(day) for day in (start, start + (last - start) / 2, last)],
        (today - start).days * DAY_WIDTH + DAY_WIDTH if start <= today < last else None,
    )


def _summary(shown: Sequence[Day], unit: str) -> str:
    if not shown:
        return f"No {unit} were used."
    most = max(shown, key=lambda day: sum(day.figures))
    total = sum((sum(day.figures, ZERO) for day in shown), ZERO)
    return (
        f"{fmt.plain(total)} {unit} on {len(shown)} {'day' if len(shown) == 1 else 'days'}; most on"
        f" {fmt.day_month(most.date)}, {fmt.plain(sum(most.figures, ZERO))}."
    )


def _total(row: Row) -> Decimal:
    return sum((max(row[name], ZERO) for name, _, _ in KINDS), ZERO)


def _top(most: Decimal) -> Decimal:
    """A round figure that is not below."""
    if most <= 0:
        return Decimal(10)
    step = Decimal(10) ** most.adjusted()
    return next(factor * step for factor in (2, 4, 6, 8, 10) if factor * step >= most)


@dataclass(frozen=True)
class Bar:
    """A pool as a bar of 1000 units of the drawing.

    Attributes:
        pieces: what was used, and what is left.
        marker: where the cycle ends at the present pace; None: nothing is projected.
    """

    pieces: list[Piece]
    marker: str | None


def bar(parts: Sequence[tuple[str, Decimal]], projected: Decimal | None) -> Bar:
    """Parts side by side, by kind."""
    whole = max(sum((units for _, units in parts), ZERO), projected or ZERO)
    if whole <= 0:
        return Bar([], None)
    pieces, at = [], ZERO
    for kind, units in parts:
        if units > 0:
            pieces.append(
                Piece(kind, _number(at * 1000 / whole), "0", _number(units * 1000 / whole), "28")
            )
            at += units
    return Bar(
        pieces, None if projected is None else _number(min(projected * 1000 / whole, Decimal(998)))
    )


def _number(value: Decimal) -> str:
    return str(value.quantize(Decimal("0.1")))
