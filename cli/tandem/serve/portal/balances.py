"""Rollover as a page tells it: also what has lapsed by date and is not in the books yet.

The books let units lapse when a cycle closes. Until then a matrix carries them along, though they
can be used no more; a page that did so would contradict what it says is left. So open cycles are
told as they will close if nothing comes any more, which is what ``unbilled_summary`` tells too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from tandem.bills import format as fmt
from tandem.queries import Row
from tandem.rollover.matrix import COLUMNS
from tandem.serve.portal.standing import is_closed

ZERO = Decimal(0)
YEAR = 12  # cycles
_BALANCES = ("opening_balance", "expired_units", "closing_balance", "expiring_next_units")


@dataclass(frozen=True)
class Cell:
    """A figure of the matrix; ``value`` is None where it is not decided yet."""

    name: str
    value: Decimal | None


@dataclass(frozen=True)
class Cycle:
    """A row of the matrix.

    Attributes:
        state: what it is, where it is not simply billed.
        note: a sentence on what is not expected of it.
    """

    start: date
    end: date
    state: str
    cells: list[Cell]
    note: str


@dataclass(frozen=True)
class Retention:
    """Units that are kept since a plan was left.

    Attributes:
        since: first day without the plan.
        until: the end, exclusive; None: it is not known.
        may_return: whether they come back with a plan that has rollover.
    """

    since: date
    until: date | None
    may_return: bool

    def is_over(self, today: date) -> bool:
        """Whether they cannot come back any more."""
        return self.until is not None and self.until <= today


@dataclass(frozen=True)
class PoolBalance:
    """The rollover of a pool.

    Attributes:
        left: units that can be used now.
        live: buckets with them, in the order in which they are used.
        order: a sentence on that order, and on what lapses next.
        is_urgent: whether something lapses with the cycle that goes on.
        kept: a sentence on units that are kept since a plan was left.
        cycles, earlier: of the last year, and open ones before that.
        is_provisional: whether an ended cycle is not billed yet.
        has_gap: whether balances of some open cycles cannot be told yet.
        gone: buckets that cannot be used.
    """

    name: str
    unit_type: str
    left: Decimal
    live: list[Row]
    order: str
    is_urgent: bool
    kept: str
    heads: list[str]
    cycles: list[Cycle]
    earlier: list[Cycle]
    is_provisional: bool
    has_gap: bool
    gone: list[Row]


@dataclass(frozen=True)
class Books:
    """What the books say of an account's rollover.

    Attributes:
        account: the account.
        matrix: of ``rollover_matrix``.
        buckets: in the order in which they are drawn, see `marked`.
        summary: of ``unbilled_summary``.
        kept: for how many cycles units are kept, by pool, see ``reading.retention``.
        today: the last day that has figures, where the account is.
    """

    account: Row
    matrix: Sequence[Row]
    buckets: Sequence[Row]
    summary: Sequence[Row]
    kept: Mapping[str, int]
    today: date


def balances(books: Books, names: Mapping[str, str]) -> list[PoolBalance]:
    """The rollover of an account, pool by pool.

    Args:
        books: what it is read from.
        names: of pools, by id.
    """
    pools = sorted({row["pool_id"] for row in (*books.matrix, *books.buckets)})
    return [_balance(books, pool_id, names.get(pool_id) or pool_id) for pool_id in pools]


def _balance(books: Books, pool_id: str, name: str) -> PoolBalance:
    matrix, buckets, summary = (
        [row for row in rows if row["pool_id"] == pool_id]
        for rows in (books.matrix, books.buckets, books.summary)
    )
    today = books.today
    retention = retention_of(pool_id, matrix, books.kept, books.account["bill_cycle_day"])
    now = running(books.summary, pool_id, today)
    left = now["rollover_available_units"] if now else ZERO
    live = usable(buckets, now) if now and left else []
    rows = provisional(matrix, summary, today, retention.until if retention else None)
    shown = [column for column in COLUMNS if column.always or any(row[column.name] for row in rows)]
    cycles = [
        Cycle(
            row["cycle_start"],
            row["cycle_end"],
            _state(row, today),
            [
                Cell(" ".join(column.head.split()), _value(row, column.name, column.at_close))
                for column in shown
            ],
            left_note(row),
        )
        for row in rows
    ]
    retained = [row for row in buckets if row["status"] == "retained" and row["remaining_units"]]
    unit_type = (matrix or buckets)[0]["unit_type"]
    return PoolBalance(
        name,
        unit_type,
        left,
        live,
        order_note(live, now["cycle_end"], unit_type) if now and live else "",
        bool(now and any(row["expires_on"] <= now["cycle_end"] for row in live)),
        kept_note(
            _units(retained), unit_type, retention, today, is_closed=is_closed(books.account, today)
        )
        if retained and retention
        else "",
        [" ".join(column.head.split()) for column in shown],
        cycles[-YEAR:],
        cycles[:-YEAR],
        any(not row["is_closed"] and row["cycle_end"] <= today for row in rows),
        any(not row["is_closed"] and row["opening_balance"] is None for row in rows),
        [_told(row, today) for row in buckets if row not in live],
    )


def running(summary: Sequence[Row], pool_id: str, today: date) -> Row | None:
    """The open cycle that goes on, or the last one that has begun; None: it has not this pool."""
    begun = [row["cycle_start"] for row in summary if row["cycle_start"] <= today]
    for row in summary:
        if row["pool_id"] == pool_id and row["cycle_start"] == max(begun, default=None):
            return row
    return None


def usable(buckets: Sequence[Row], cycle: Row) -> list[Row]:
    """Buckets that can be used in a cycle, in the order in which they are."""
    return [
        row
        for row in buckets
        if row["status"] == "available"
        and row["remaining_quantity"]
        and row["available_from"] <= cycle["cycle_start"]
        and row["expires_on"] >= cycle["cycle_end"]
    ]


def provisional(
    matrix: Sequence[Row], summary: Sequence[Row], today: date, kept_until: date | None
) -> list[Row]:
    """The matrix with open cycles as they will close if nothing comes any more.

    Balances are None where they cannot be told before earlier cycles are closed: after a return to
    a plan, lives of buckets move at each close.
    """
    told = {row["cycle_start"]: row for row in summary}
    rows = sorted(matrix, key=lambda row: row["cycle_start"])
    is_left = bool(rows) and rows[-1]["rollover_status"] == "retained"
    found: list[Row] = []
    gone, is_known = ZERO, True
    for place, row in enumerate(rows):
        if row["is_closed"]:
            found.append(row)
            continue
        is_past = row["cycle_end"] <= today or place < len(rows) - 1
        said = told.get(row["cycle_start"])
        opening = row["opening_balance"] - gone
        usable_units = opening + row["adjusted_units"] - row["rollover_used_units"]
        if row["rollover_status"] == "active":
            is_known = is_known and (
                said is not None and said["rollover_available_units"] == usable_units
            )
        lapsed = said["rollover_expiring_units"] if said and is_past else ZERO
        closing = usable_units - lapsed
        is_last_kept = is_left and kept_until is not None and row["cycle_end"] >= kept_until
        is_archived = is_last_kept and row["cycle_end"] <= today
        shown = row | {
            "opening_balance": opening,
            "expired_units": lapsed if is_past else None,
            "archived_units": closing if is_archived else ZERO,
            "closing_balance": ZERO if is_archived else closing,
        }
        if row["rollover_status"] != "active":
            shown["expiring_next_units"] = None
        found.append(shown if is_known else shown | dict.fromkeys(_BALANCES))
        gone += lapsed
        if is_archived:
            break
    return found


def left_note(row: Row) -> str:
    """Why usage is charged in the cycle in which a plan ended, although a balance stands."""
    ended_at = row["ended_at"]
    over = row["overage_assessed_units"] - row["rollover_used_units"]
    if (
        row["rollover_status"] not in ("retained", "archived")
        or ended_at is None
        or not row["cycle_start"] < ended_at < row["cycle_end"]
        or over <= 0
        or not row["opening_balance"]
    ):
        return ""
    unit_type = row["unit_type"]
    return (
        f"The plan ended in the period {fmt.period(row['cycle_start'], row['cycle_end'])}. In the"
        " period in which a plan ends rollover is not drawn on:"
        f" {fmt.counted(over, unit_type)} beyond the plan"
        f" {_verb(over, 'is', 'are')} charged, although"
        f" {fmt.counted(row['opening_balance'], unit_type)} of rollover stood."
    )


def kept_note(
    units: Decimal,
    unit_type: str,
    retention: Retention,
    today: date,
    *,
    is_closed: bool = False,
) -> str:
    """A sentence on units that are kept since a plan was left."""
    said = fmt.counted(units, unit_type)
    since = fmt.long_date(retention.since)
    last = fmt.long_date(retention.until - timedelta(days=1)) if retention.until else ""
    if retention.is_over(today):
        return (
            f"{said} {_verb(units, 'was', 'were')} kept after you left the plan on {since}, until"
            f" {last}. {_verb(units, 'It', 'They')} cannot be used any more."
        )
    kept = f"{said} {_verb(units, 'is', 'are')} kept since you left the plan on {since}"
    kept += f", until {last}; " if last else "; "
    kept += f"{_verb(units, 'it', 'they')} cannot be used meanwhile."
    if is_closed or not retention.may_return:
        return kept
    by_then = " by then" if last else ""
    return (
        f"{kept} Come back to a plan with rollover{by_then}, and you can use"
        f" {_verb(units, 'it', 'them')} again."
    )


def order_note(live: Sequence[Row], cycle_end: date, unit_type: str) -> str:
    """What lapses next, and what is used before it.

    Args:
        live: buckets that can be used, in the order in which they are.
        cycle_end: of the cycle that goes on.
        unit_type: of the pool.
    """
    first = min(row["expires_on"] for row in live)
    due = [row for row in live if row["expires_on"] == first]
    units = _units(due)
    last_due = max(place for place, row in enumerate(live) if row in due)
    before = _units([row for row in live[:last_due] if row not in due])
    which = fmt.counted(units, unit_type)
    day = fmt.long_date(first - timedelta(days=1))
    lapse = _verb(units, "lapses", "lapse")
    said = (
        f"{which} {lapse} with this period, on {day}, unless you use {_verb(units, 'it', 'them')}"
        if first <= cycle_end
        else f"{which} {lapse} next, on {day}"
    )
    if before:
        said += (
            f"; {fmt.counted(before, unit_type)} that {_verb(before, 'lasts', 'last')} longer"
            f" {_verb(before, 'is', 'are')} used first"
        )
    return f"{said}."


def lapsed_note(lapsed: Decimal, going_on: Decimal, unit_type: str, end: date) -> str:
    """What an ended cycle has left of its rollover."""
    day = fmt.day_month(end - timedelta(days=1))
    parts = []
    if lapsed:
        parts.append(f"{fmt.counted(lapsed, unit_type)} of rollover lapsed on {day}")
    if going_on:
        parts.append(f"{fmt.counted(going_on, unit_type)} of it went on into the next period")
    if not parts:
        return ""
    if not lapsed:
        return f"{fmt.counted(going_on, unit_type)} of rollover went on into the next period."
    return f"{'; '.join(parts)}."


def retention_of(
    pool_id: str, matrix: Sequence[Row], kept: Mapping[str, int], bill_cycle_day: int
) -> Retention | None:
    """Until when what was left of a pool is kept; None: it was not left.

    Args:
        pool_id: the pool.
        matrix: of ``rollover_matrix``, of the account.
        kept: for how many cycles, by pool, see ``reading.retention``.
        bill_cycle_day: on which the account's cycles begin.
    """
    rows = [row for row in matrix if row["pool_id"] == pool_id]
    latest = max(rows, key=lambda row: row["cycle_start"], default=None)
    if latest is None or latest["ended_at"] is None or latest["rollover_status"] == "active":
        return None
    since = latest["ended_at"]
    cycles = kept.get(pool_id)
    if cycles is None:
        return Retention(since, None, may_return=False)
    until = _cycle_end(since - timedelta(days=1), bill_cycle_day)
    for _ in range(cycles):
        until = fmt.next_month(until)
    # without any, the first cycle whose last day has none is the last one
    return Retention(since, max(until, _cycle_end(since, bill_cycle_day)), may_return=cycles > 0)


def marked(buckets: Sequence[Row], first_cycle: date | None) -> list[Row]:
    """Buckets, each with whether it was earned before the account was billed here."""
    return [
        row
        | {
            "is_taken_over": row["source"] == "plan"
            and first_cycle is not None
            and row["earned_cycle_start"] < first_cycle
        }
        for row in buckets
    ]


def _cycle_end(day: date, bill_cycle_day: int) -> date:
    """The end, exclusive, of the cycle with a day."""
    start = day.replace(day=bill_cycle_day)
    return start if start > day else fmt.next_month(start)


def _state(row: Row, today: date) -> str:
    words = []
    if not row["is_closed"]:
        words.append("not billed yet" if row["cycle_end"] <= today else "open")
    if row["rollover_status"] != "active":
        words.append("kept" if row["rollover_status"] == "retained" else row["rollover_status"])
    return ", ".join(words)


def _value(row: Row, name: str, at_close: bool) -> Decimal | None:
    value: Decimal | None = row[name]
    if name in _BALANCES and not row["is_closed"]:
        return value
    if at_close and not row["is_closed"] and not value:
        return None
    return value or ZERO


def _told(row: Row, today: date) -> Row:
    """A bucket that cannot be used, with the reason in words."""
    status = row["status"]
    if status == "available" and row["remaining_quantity"]:
        is_past = row["expires_on"] <= today
        lapsed = row["remaining_units"] if is_past else ZERO
        return row | {
            "state": "lapsed" if is_past else "to come",
            "lapsed_units": row["expired_units"] + lapsed,
        }
    words = {"depleted": "used up", "expired": "lapsed", "retained": "kept"}
    return row | {
        "state": words.get(status, fmt.words(status).lower()),
        "lapsed_units": row["expired_units"],
    }


def _units(buckets: Sequence[Row]) -> Decimal:
    return sum((row["remaining_units"] for row in buckets), ZERO)


def _verb(units: Decimal, one: str, many: str) -> str:
    return one if units == 1 else many
