"""A bill in a terminal, 100 columns wide.

Bars differ by pattern as well as colour, so they read without colour too. Names and descriptions
are printed as they are: no console markup in them is obeyed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import ROUND_HALF_UP, Decimal
from textwrap import wrap
from typing import Any

from rich import box
from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from tandem.bills.model import Bucket, Call, Detail, Pool, Rollover, Segment, Step, View
from tandem.bills.view import view_of

WIDTH = 100
MOST_CALLS = 20
GAUGE = 26
LEAST_GAUGE = 6
HEAD = 9  # letters in a line of a head that is broken
PATTERNS = {
    "plan": ("█", "cyan"),
    "rollover": ("▒", "cyan"),
    "overage": ("▞", "red"),
    "unused": ("·", "dim"),
    "free": ("○", "dim"),
}


def show(document: Mapping[str, Any], console: Console) -> None:
    """Print the bill to `console`, at most 100 columns wide. Raises `BillError`."""
    view = view_of(document)
    width = min(console.width, WIDTH)
    for part in _parts(view, width):
        console.print(part, width=width)


def _parts(view: View, width: int) -> Iterator[RenderableType]:
    yield Text()
    yield _letterhead(view)
    yield Text()
    yield _due(view)
    if view.charted:
        yield _heading(f"Where your {view.pooled} came from")
        for pool in view.charted:
            yield _pool(pool, width - 2)
    for pool in view.pools:
        if pool.rollover:
            yield _heading("What you have left" + (f": {pool.name}" if view.rolling > 1 else ""))
            yield _rollover(pool.rollover, width - 2)
    yield _heading("Charges")
    yield _charges(view)
    if view.usage.rows:
        yield _heading("Usage by line")
        yield _usage(view)
    if view.records_count:
        yield _heading("Records that cost something")
        yield from _calls(view)
    yield _heading("How to read this bill")
    for note in view.notes:
        yield Padding(Text.assemble((note.label, "bold"), f" {note.text}"), (0, 0, 0, 2))
    yield Text()


def _heading(text: str) -> RenderableType:
    return Group(Text(), Text(text, style="bold underline"), Text())


def _letterhead(view: View) -> RenderableType:
    mark = "▌" * len(view.carriers) + " "
    grid = Table.grid(expand=True, padding=(0, 2))
    grid.add_column(ratio=1)
    grid.add_column(justify="right")
    rows = [
        (Text(mark + view.biller, style="bold"), f"Account {view.account}"),
        (Text.assemble(mark, (view.one_bill_for, "dim")), view.period),
    ]
    for left, right in rows:
        grid.add_row(left, Text(right))
    for line, fact in zip(
        ["", *view.address], _padded(view.facts[2:], len(view.address) + 1), strict=True
    ):
        grid.add_row(Text(line), Text(f"{fact.label} {fact.text}" if fact else "", style="dim"))
    return grid


def _padded(items: list[Any], length: int) -> list[Any]:
    return [*items, *([None] * (length - len(items)))][:length]


def _due(view: View) -> RenderableType:
    sums = Table(box=None, show_header=False, show_edge=False, expand=True, padding=(0, 1))
    sums.add_column()
    sums.add_column(style="dim", ratio=1)
    sums.add_column(justify="right")
    for row in view.sums:
        sums.add_row(Text(row.label), Text(row.note), Text(row.text))
    sums.add_section()
    total = Table.grid(expand=True)
    total.add_column(ratio=1)
    total.add_column(justify="right")
    total.add_row(Text(" New charges", style="bold"), Text(f"{view.total} ", style="bold"))
    amount = Group(
        Text("New charges", style="bold"),
        Panel.fit(Text(view.total, style="bold"), box=box.HEAVY, padding=(0, 2)),
        Text(view.total_note),
    )
    outer = Table.grid(expand=True, padding=(0, 3))
    outer.add_column(ratio=2)
    outer.add_column(ratio=5)
    outer.add_row(amount, Group(sums, Rule(style="default"), total))
    return outer


def bar(segments: Iterable[Segment], width: int) -> Text:
    """A bar of `width` cells; a part that is not nothing gets at least one."""
    text = Text()
    parts = list(segments)
    used = 0
    for index, part in enumerate(parts):
        pattern, style = PATTERNS[part.kind]
        end = Decimal(part.start) + Decimal(part.width)
        last = _cells(end, width) if index + 1 < len(parts) else width
        last = min(max(last, used + 1), width - (len(parts) - index - 1))
        text.append(pattern * (last - used), style=style)
        used = last
    return text


def _cells(percent: Decimal, width: int) -> int:
    return int((percent * width / 100).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def _pool(pool: Pool, width: int) -> RenderableType:
    at = _cells(Decimal(pool.allowance_at), width)
    label = f"{pool.allowance} in your plan"
    mark = f"{label} ┐".rjust(at) if pool.allowance_leads else " " * at + f"┌ {label}"
    legend = Text()
    for figure in pool.figures:
        pattern, style = PATTERNS[figure.kind]
        legend.append(f"{pattern} ", style=style)
        legend.append(figure.value, style="bold")
        legend.append(f" {figure.label}   ")
    parts: list[RenderableType] = [
        Text.assemble((pool.name, "bold"), f"  {pool.sentence}"),
        Text(mark, style="dim"),
        bar(pool.segments, width),
    ]
    if pool.spans:
        parts.append(_spans(pool, width))
    parts += [legend, Text()]
    return Padding(Group(*parts), (0, 0, 0, 2))


def _spans(pool: Pool, width: int) -> RenderableType:
    ends: list[int] = []
    for span in pool.spans:
        ends.append(max(_cells(Decimal(span.end), width), (ends[-1] if ends else 0) + 2))
    rooms = [end - start - 2 for start, end in zip([0, *ends], ends, strict=False)]
    labels = [f" {span.value} on {span.carrier} " for span in pool.spans]
    fits = all(cell_len(label) < room for label, room in zip(labels, rooms, strict=True))
    line = "".join(
        f"└{label if fits else ''}{'─' * (room - (cell_len(label) if fits else 0))}┘"
        for label, room in zip(labels, rooms, strict=True)
    )
    legend = [] if fits else [Text(",".join(label.rstrip() for label in labels), style="dim")]
    return Group(Text(line, style="dim"), *legend)


def _rollover(rollover: Rollover, width: int) -> RenderableType:
    parts: list[RenderableType] = [Text(rollover.sentence), *_steps(rollover.steps, width)]
    if rollover.note:
        parts.append(Text(rollover.note, style="dim"))
    if rollover.buckets:
        parts += [Text(), _buckets(rollover, width)]
    return Padding(Group(*parts), (0, 0, 0, 2))


def _buckets(rollover: Rollover, width: int) -> Table:
    labels = ["Use by", "", "Left", "Started with", *rollover.columns, "From the period of"]
    gauge = GAUGE
    if rollover.is_dense:
        # heads in two lines; what the others leave is for the bars
        labels = ["\n".join(wrap(label, HEAD)) for label in labels]
        rows = [labels, *([cell.plain for cell in _bucket(b, 0)] for b in rollover.buckets)]
        widths = [max(map(_widest, texts)) for texts in zip(*rows, strict=True)]
        gauge = min(max(width - sum(widths) - 3 * len(labels) + 1, LEAST_GAUGE), GAUGE)
    table = _table(*labels, left=labels[-1:], gauge=gauge)
    table.columns[0].no_wrap = True
    for bucket in rollover.buckets:
        table.add_row(*_bucket(bucket, gauge), style="" if bucket.is_live else "dim")
    return table


def _widest(text: str) -> int:
    return max(map(cell_len, text.splitlines()), default=0)


def _steps(steps: Iterable[Step], width: int) -> list[Text]:
    """The sum in as many lines as it takes, none of which ends within a step."""
    lines: list[Text] = []
    for step in steps:
        text = Text(f"{step.sign} " if step.sign else "")
        text.append(step.value, style="bold")
        text.append(f" {step.label}  ", style="dim")
        if lines and lines[-1].cell_len + text.cell_len <= width + len("  "):
            lines[-1].append_text(text)
        else:
            lines.append(text)
    return lines


def _bucket(bucket: Bucket, width: int) -> tuple[Text, ...]:
    style = "red bold" if bucket.is_next else ""
    full = _cells(Decimal(bucket.fill), width)
    if bucket.is_live and 0 < width < GAUGE:
        full = max(full, 1)  # on a short bar too, what is left can be seen
    gauge = Text("█" * full, style="cyan")
    gauge.append("░" * (_cells(Decimal(bucket.length), width) - len(gauge)), style="dim")
    return (
        Text.assemble(
            bucket.use_by,
            (f" {bucket.state}" if bucket.use_by and bucket.state else bucket.state, style),
            no_wrap=True,
        ),
        gauge,
        Text(bucket.remaining, style="bold" if bucket.is_live else ""),
        Text(bucket.started),
        *(Text(cell.text, style="dim" if cell.is_zero else "") for cell in bucket.cells),
        Text.assemble(bucket.earned, (f"\n{bucket.origin}".replace(", ", "\n").rstrip(), "dim")),
    )


def _table(
    first: str,
    *labels: str,
    left: Iterable[str] = ("From the period of",),
    gauge: int = GAUGE,
) -> Table:
    table = Table(
        box=box.SIMPLE_HEAD, show_edge=False, expand=True, header_style="dim", padding=(0, 1)
    )
    table.add_column(first, overflow="fold")
    for label in labels:
        if label:
            table.add_column(label, justify="left" if label in left else "right", overflow="fold")
        else:
            table.add_column(width=gauge, no_wrap=True)
    return table


def _charges(view: View) -> RenderableType:
    table = _table("Charge", "How it is priced", "Quantity", "Amount", left=("How it is priced",))
    for section in view.sections:
        table.add_row(Text(section.title, style="bold"), "", "", Text(section.amount, style="bold"))
        for group in section.groups:
            if group.title:
                table.add_row(
                    Text(f"  {group.title}", style="bold"), "", "", Text(group.amount, style="bold")
                )
            for line in group.lines:
                table.add_row(
                    Text(f"    {line.description}"),
                    Text(line.how, style="dim"),
                    Text(line.quantity),
                    Text(line.amount, style="dim" if line.is_zero else ""),
                )
        table.add_section()
    table.add_row(Text("New charges", style="bold"), "", "", Text(view.total, style="bold"))
    return Padding(table, (0, 0, 0, 2))


def _usage(view: View) -> RenderableType:
    table = _table("Line", *view.usage.columns, left=())
    table.columns[0].no_wrap = True
    table.padding = (0, 0, 0, 1)
    line = None
    for row in view.usage.rows:
        if line != (row.number, row.carrier):
            line = (row.number, row.carrier)
            table.add_row(Text.assemble((row.number, "bold"), (f"\n{row.carrier}", "dim")))
        table.add_row(
            Text(f"  {row.service}"),
            *(Text(cell.text, style="dim" if cell.is_zero else "") for cell in row.cells),
        )
    return Padding(table, (0, 0, 0, 2))


def _calls(view: View) -> Iterator[RenderableType]:
    costly = [
        (part, day.date, call)
        for part in view.details
        for day in part.days
        for call in day.calls
        if call.tag or not call.is_free
    ]
    if costly:
        labels = ("Line", "Number", "Billed", "Paid by", "Charge")
        table = _table("Date and time", *labels, left=("Line", "Number", "Paid by"))
        for part, date, call in costly[:MOST_CALLS]:
            table.add_row(*_call(part, date, call))
        yield Padding(table, (0, 0, 0, 2))
    more = len(costly) - MOST_CALLS
    rest = f"{more:,} more like these, " if more > 0 else ""
    yield Padding(
        Text(f"{rest}{view.records} in all; the HTML and PDF bill list every one.", style="dim"),
        (1 if costly else 0, 0, 0, 2),
    )


def _call(part: Detail, date: str, call: Call) -> tuple[Text, ...]:
    return (
        Text(f"{date} {call.time}", no_wrap=True),
        Text(part.number, no_wrap=True),
        Text.assemble(call.number, (f"\n{call.tag}" if call.tag else "", "red bold"), no_wrap=True),
        Text(f"{call.billed} {part.billed_unit}".strip()),
        Text(call.paid, style="dim"),
        Text(call.charge, style="bold"),
    )
