"""The parts of a bill as finished text: what the renderers lay out."""

from __future__ import annotations

from dataclasses import dataclass, field

from tandem.errors import TandemError


class BillError(TandemError):
    """A document that can't be made into a bill, with the id of the bill and the reason."""

    def __init__(self, bill_id: str, reason: str) -> None:
        super().__init__(f"bill {bill_id}: {reason}")
        self.bill_id = bill_id
        self.reason = reason

    def __reduce__(self) -> tuple[type[BillError], tuple[str, str]]:
        return (BillError, (self.bill_id, self.reason))


@dataclass(slots=True)
class Fact:
    """A label and what stands beside it; `note` explains it in a few words."""

    label: str
    text: str
    note: str = ""


@dataclass(slots=True)
class Figure:
    """One big number under a chart, with the kind that gives it its colour and pattern."""

    kind: str
    value: str
    label: str


@dataclass(slots=True)
class Segment:
    """A part of a bar, in percent of the whole width."""

    kind: str
    start: str
    width: str


@dataclass(slots=True)
class Span:
    """What one carrier took of a pool, in percent of the bar, with its figure."""

    carrier: str
    value: str
    start: str
    width: str
    end: str


@dataclass(slots=True)
class Step:
    """One step of a sum written out: sign, number, what it is."""

    sign: str
    value: str
    label: str


@dataclass(slots=True)
class Cell:
    """A figure of a table."""

    text: str
    is_zero: bool


@dataclass(slots=True)
class Bucket:
    """Units rolled over together: when they were earned, what is left, until when.

    `started`, less every one of `cells`, is `remaining`; `cells` match the columns of `Rollover`.
    `origin` says how they came, or came to last longer, where that is not the usual way.
    """

    use_by: str
    earned: str
    origin: str
    started: str
    cells: list[Cell]
    remaining: str
    state: str
    is_next: bool
    is_live: bool
    length: str
    fill: str


@dataclass(slots=True)
class Rollover:
    """The rollover position of a pool and how it came about.

    The table of buckets is dense where it has more to say than what was used.
    """

    sentence: str
    steps: list[Step]
    note: str
    columns: list[str]
    is_dense: bool
    buckets: list[Bucket]


@dataclass(slots=True)
class Pool:
    """One allowance: what was used of it, from which source, what is left.

    One that gave nothing, and of which nothing was used, is not charted: only rollover is left.
    """

    name: str
    unit: str
    sentence: str
    segments: list[Segment]
    allowance: str
    allowance_at: str
    allowance_leads: bool
    figures: list[Figure]
    spans: list[Span]
    is_charted: bool
    rollover: Rollover | None


@dataclass(slots=True)
class Line:
    """A line of charges."""

    description: str
    how: str
    quantity: str
    amount: str
    is_zero: bool


@dataclass(slots=True)
class Group:
    """Lines of one carrier, or of none."""

    title: str
    amount: str
    lines: list[Line]


@dataclass(slots=True)
class Section:
    """A part of the charges with its sum."""

    title: str
    amount: str
    groups: list[Group]


@dataclass(slots=True)
class LineUsage:
    """What one service number used; `cells` match the columns of `Usage`."""

    number: str
    carrier: str
    service: str
    cells: list[Cell]


@dataclass(slots=True)
class Usage:
    """Usage by line; columns in which every figure is zero are left out."""

    columns: list[str]
    rows: list[LineUsage]


@dataclass(slots=True)
class Call:
    """One record of the detail."""

    time: str
    number: str
    kind: str
    length: str
    billed: str
    paid: str
    charge: str
    tag: str
    is_free: bool


@dataclass(slots=True)
class Day:
    """The records of one local date."""

    date: str
    calls: list[Call]


@dataclass(slots=True)
class Detail:
    """All records of one service number in one unit."""

    number: str
    carrier: str
    what: str
    summary: str
    length_label: str
    billed_label: str
    billed_unit: str
    days: list[Day]


@dataclass(slots=True)
class View:
    """A whole bill as text."""

    bill_id: str
    account: str
    language: str
    paper: str
    issued_on: list[int]
    biller: str
    carriers: list[str]
    one_bill_for: str
    title: str
    period: str
    facts: list[Fact]
    address: list[str]
    total: str
    total_note: str
    sums: list[Fact]
    pools: list[Pool]
    charted: list[Pool]
    pooled: str
    rolling: int
    amounts_in: str
    sections: list[Section]
    usage: Usage
    details: list[Detail]
    records: str
    records_count: int
    time_zone: str
    notes: list[Fact] = field(default_factory=list)
