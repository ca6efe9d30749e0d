"""The buckets of a pool as a table with bars, and what is about to expire of them.

The parts of a bar differ by pattern as well as colour, so they read without colour too.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import ROUND_CEILING, Decimal

from rich.cells import cell_len
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from tandem.bills.format import long_date
from tandem.queries import Row
from tandem.rollover.figures import ZERO, counted, number, places_of, plain

WIDEST_BAR = 30
NARROWEST_BAR = 8
MOST_FINISHED = 12
GAP = 2
# pattern, colour and meaning
PATTERNS = {
    "available": ("█", "cyan", "left"),
    "due": ("▓", "red", "left, expires with this cycle"),
    "retained": ("▒", "blue", "kept, cannot be used"),
    "archived": ("▚", "dim", "archived"),
    "gone": ("░", "dim", "used, debited or expired"),
}
FIGURES = (
    ("remaining_units", "left", True),
    ("earned_units", "earned", True),
    ("used_units", "used", True),
    ("debited_units", "debited", False),
    ("expired_units", "expired", False),
)
STATUS = {"due": "expires next", "depleted": "used up"}


def kind_of(bucket: Row, due_through: date | None) -> str:
    """Its status, or ``due`` where the cycle that ends then takes what is left."""
    if (
        bucket["status"] == "available"
        and bucket["remaining_units"]
        and due_through is not None
        and bucket["expires_on"] <= due_through
    ):
        return "due"
    return str(bucket["status"])


def sentences(buckets: Sequence[Row], unit_type: str, due_through: date | None) -> list[str]:
    """What is left of the buckets of a pool, and until when.

    Args:
        buckets: of one pool, with figures in units.
        unit_type: of the pool.
        due_through: end of the first open cycle; None where nothing ages.
    """
    units = dict.fromkeys(("available", "due", "retained", "archived"), ZERO)
    for bucket in buckets:
        kind = kind_of(bucket, due_through)
        if kind in units:
            units[kind] += bucket["remaining_units"]
    left = units["available"] + units["due"]
    said = [f"{_figure(left, unit_type)} left to use." if left else "Nothing left to use."]
    if units["due"] and due_through is not None:
        which = "All of it expires" if units["due"] == left else f"{plain(units['due'])} expire"
        last = min(b["use_by"] for b in buckets if kind_of(b, due_through) == "due")
        said.append(f"{which} with this cycle unless used by {long_date(last)}.")
    elif left:
        live = [b for b in buckets if b["status"] == "available" and b["remaining_units"]]
        first = min(bucket["use_by"] for bucket in live)
        next_due = sum((b["remaining_units"] for b in live if b["use_by"] == first), ZERO)
        which = "all of it is" if next_due == left else f"the next {plain(next_due)} are"
        said.append(f"Nothing expires with this cycle; {which} to be used by {long_date(first)}.")
    if units["retained"]:
        said.append(
            f"{_figure(units['retained'], unit_type)} kept for a return to a plan with rollover;"
            " cannot be used now."
        )
    if units["archived"]:
        said.append(f"{_figure(units['archived'], unit_type)} archived.")
    return said


def _figure(value: Decimal, unit_type: str) -> str:
    return counted(value, unit_type).replace("\N{NO-BREAK SPACE}", " ")


def bucket_table(
    buckets: Sequence[Row], due_through: date | None, width: int
) -> list[RenderableType]:
    """Buckets with bars: those with units in the order in which they are drawn, then the latest of
    the others."""
    live = [bucket for bucket in buckets if bucket["remaining_units"]]
    finished = [bucket for bucket in buckets if not bucket["remaining_units"]]
    finished.sort(key=lambda bucket: bucket["expires_on"], reverse=True)
    shown = live + finished[:MOST_FINISHED]
    columns = [
        (name, head) for name, head, always in FIGURES if always or any(b[name] for b in shown)
    ]
    places = places_of(bucket[name] for bucket in shown for name, _ in columns)
    kinds = [kind_of(bucket, due_through) for bucket in shown]
    cells = [
        [
            "" if kind == "archived" else str(bucket["use_by"]),
            *(number(bucket[name], places if bucket[name] else 0) for name, _ in columns),
            str(bucket["earned_cycle_start"]),
            bucket["source"],
            STATUS.get(kind, kind),
        ]
        for bucket, kind in zip(shown, kinds, strict=True)
    ]
    heads = ["use by", *(head for _, head in columns), "earned in", "source", "status"]
    widths = [max(cell_len(text) for text in texts) for texts in zip(heads, *cells, strict=True)]
    bar = min(WIDEST_BAR, width - sum(widths) - GAP * len(widths))
    table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="bold")
    right = range(1, 1 + len(columns))
    for place, head in enumerate(heads):
        table.add_column(
            head,
            justify="right" if place in right else "left",
            no_wrap=place in right or not place,
            overflow="fold",
        )
        if not place and bar >= NARROWEST_BAR:
            table.add_column("", width=bar, no_wrap=True)
    longest = max((bucket["earned_units"] for bucket in shown), default=ZERO)
    for bucket, kind, texts in zip(shown, kinds, cells, strict=True):
        first, *rest = (Text(text) for text in texts)
        if kind == "due":
            rest[-1].stylize("red bold")
        drawn = [_bar(bucket, kind, longest, bar)] if bar >= NARROWEST_BAR else []
        table.add_row(first, *drawn, *rest, style="" if bucket["remaining_units"] else "dim")
    parts: list[RenderableType] = [table]
    if bar >= NARROWEST_BAR:
        parts.append(_legend(kinds, shown))
    if len(finished) > MOST_FINISHED:
        more = len(finished) - MOST_FINISHED
        parts.append(Text(f"and {more:,} older ones, all used up or expired.", style="dim"))
    return parts


def _bar(bucket: Row, kind: str, longest: Decimal, width: int) -> Text:
    """What is left of a bucket, and what it was; a part that is not nothing gets a cell."""
    whole = _cells(bucket["earned_units"], longest, width)
    left = min(_cells(bucket["remaining_units"], longest, width), whole)
    if left == whole and bucket["remaining_units"] < bucket["earned_units"] and whole > 1:
        left -= 1
    pattern, style, _ = PATTERNS.get(kind, PATTERNS["gone"])
    gone, gone_style, _ = PATTERNS["gone"]
    return Text.assemble((pattern * left, style), (gone * (whole - left), gone_style))


def _cells(part: Decimal, whole: Decimal, width: int) -> int:
    if not whole:
        return 0
    return int((part * width / whole).to_integral_value(ROUND_CEILING))


def _legend(kinds: Sequence[str], shown: Sequence[Row]) -> Text:
    present = {kind for kind in kinds if kind in PATTERNS}
    if any(bucket["remaining_units"] < bucket["earned_units"] for bucket in shown):
        present.add("gone")
    legend = Text()
    for kind, (pattern, style, meaning) in PATTERNS.items():
        if kind in present:
            legend.append(pattern, style=style)
            legend.append(f" {meaning}   ", style="dim")
    return legend
