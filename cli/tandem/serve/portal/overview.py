"""What an account has left, has used and will come to: finished for the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from tandem.bills import format as fmt
from tandem.queries import Row
from tandem.serve import queries
from tandem.serve.access import Session
from tandem.serve.portal import reading
from tandem.serve.portal.balances import (
    kept_note,
    lapsed_note,
    left_note,
    marked,
    order_note,
    retention_of,
    usable,
)
from tandem.serve.portal.charts import TITLES, Bar, DailyChart, bar, daily
from tandem.serve.portal.projection import (
    EARLIEST,
    ZERO,
    Pace,
    Projection,
    overage_rate,
    pace,
    project,
    zone,
)
from tandem.serve.portal.standing import Standing, is_closed, note, standing

NO_POOL = "none"
SHOWN = 3  # open cycles to choose from at once
Choice = tuple[date, date, bool]


@dataclass(frozen=True)
class PoolView:
    """One allowance and its rollover.

    Attributes:
        figure, figure_words: what matters most: what is left, or in the end was used.
        plan_left, rollover_left: units that can still be used, or were not.
        is_live: whether they can be used.
        buckets: rollover that can be used in this cycle, in the order in which it is.
        rollover_note: a sentence on what lapses of it, or has lapsed, and on what is kept.
        is_urgent: whether something lapses with this cycle.
        outlook: a sentence on the end of the cycle.
        is_short: whether that sentence is a warning.
    """

    pool_id: str
    name: str
    unit_type: str
    figure: Decimal
    figure_words: str
    plan_left: Decimal
    rollover_left: Decimal
    is_live: bool
    row: Row
    bar: Bar
    buckets: list[Row]
    rollover_note: str
    is_urgent: bool
    outlook: str
    is_short: bool


@dataclass(frozen=True)
class Free:
    """What did not cost anything."""

    name: str
    figure: str


@dataclass(frozen=True)
class Overview:
    """An open cycle.

    Attributes:
        start, end: half open.
        as_of: local time up to which everything is told.
        state: open, over (its bill is to come) or coming.
        note: a sentence on that.
        stands: whether the account goes on.
        cycles, earlier: open cycles by their first day, to choose from; the latest ones, and those
            before.
        is_earlier: whether it is one of the latter.
        kept: sentences on rollover that is kept since a plan was left.
        charges: so far, beyond the plan's fee.
        plans: in effect on its last day that has begun.
    """

    start: date
    end: date
    as_of: datetime
    state: str
    note: str
    stands: Standing
    cycles: list[Choice]
    earlier: list[Choice]
    is_earlier: bool
    kept: list[str]
    pools: list[PoolView]
    free: list[Free]
    charges: list[tuple[str, Decimal]]
    charged: Decimal
    currency: str
    plans: list[Row]
    charts: list[DailyChart]


def _rate(
    rates: list[Row], used: Mapping[tuple[str, str], Decimal], carrier_id: str | None
) -> Decimal | None:
    if carrier_id is not None and len({row["overage_rate"] for row in rates}) > 1:
        return None
    return overage_rate(rates, used)


async def overview(
    session: Session, account: Row, wanted: date | None, carrier_id: str | None = None
) -> Overview | None:
    """An open cycle of an account: the one asked for, or the one that goes on now.

    Args:
        session: of whoever looks.
        account: the account.
        wanted: first day of the cycle.
        carrier_id: of a carrier's user. He sees his carrier's calls alone, and so not what a unit
            of all carriers costs in the mean, where their rates differ.

    Returns:
        None where there is no (such) open cycle.
    """
    account_id = account["account_id"]
    summary = await queries.unbilled_summary(session, account_id)
    if not summary:
        return None
    as_of = summary[0]["as_of"].astimezone(zone(account["time_zone"]))
    today = as_of.date()
    cycles = open_cycles(summary, account["closed_on"] if is_closed(account, today) else None)
    chosen = _chosen(cycles, today, wanted) if cycles else None
    if chosen is None:
        return None
    start, end = chosen
    rows = [row for row in summary if row["cycle_start"] == start]
    last_day = min(max(today, start), end - timedelta(days=1))
    held = await queries.effective_plans(session, account_id)
    stands = standing(account, held, last_day, today)
    plans = [
        row
        for row in held
        if row["effective_from"] <= last_day
        and (row["effective_to"] is None or row["effective_to"] > last_day)
    ]
    cycle_pace = pace(as_of, start, end, account["time_zone"])
    buckets = await queries.rollover_buckets(session, account_id, only_available=True)
    matrix = await queries.rollover_matrix(session, account_id)
    if buckets:
        buckets = marked(buckets, await reading.first_cycle(session, account_id))
    used = {
        (row["carrier_id"], row["service"]): row["units"]
        for row in await reading.pooled(session, account_id, start)
    }
    rates = await reading.overage_rates(
        session, account_id, last_day, {service for _, service in used}
    )
    currency = str((plans and plans[0]["currency"]) or account["currency"] or "")
    pools = [
        _pool(
            row,
            [one for one in buckets if one["pool_id"] == row["pool_id"]],
            [one for one in matrix if one["pool_id"] == row["pool_id"]],
            stands,
            cycle_pace,
            _rate([one for one in rates if one["pool_id"] == row["pool_id"]], used, carrier_id),
            currency,
        )
        for row in rows
        if row["pool_id"] != NO_POOL and _has_anything(row)
    ]
    by_day = await reading.days(session, account_id, start)
    charges = _charges(rows)
    latest, earlier = choices(cycles, start)
    return Overview(
        start,
        end,
        as_of,
        "over" if cycle_pace.is_over else "open" if cycle_pace.has_begun else "coming",
        note(stands, cycle_pace, end, today),
        stands,
        latest,
        earlier,
        any(is_chosen for _, _, is_chosen in earlier),
        await _kept(session, account, buckets, matrix, today),
        pools,
        _free(rows, await reading.free(session, account_id, start)),
        charges,
        sum((amount for _, amount in charges), ZERO),
        currency,
        plans,
        [
            daily(of_unit, unit, start, end, today)
            for unit in sorted({row["unit_type"] for row in by_day}, key=_place)
            if (of_unit := [row for row in by_day if row["unit_type"] == unit])
            and any(
                row["pooled_units"] or row["free_units"] or row["metered_units"] for row in of_unit
            )
        ],
    )


def _place(unit_type: str) -> tuple[int, str]:
    """Where a chart of a unit stands: calls first, what nobody has foreseen last."""
    known = list(fmt.UNITS)
    return (known.index(unit_type) if unit_type in known else len(known), unit_type)


def _chosen(
    cycles: Sequence[tuple[date, date]], today: date, wanted: date | None
) -> tuple[date, date] | None:
    if wanted is not None:
        return next((cycle for cycle in cycles if cycle[0] == wanted), None)
    going_on = [cycle for cycle in cycles if cycle[0] <= today < cycle[1]]
    return going_on[0] if going_on else cycles[-1]


def choices(cycles: Sequence[tuple[date, date]], start: date) -> tuple[list[Choice], list[Choice]]:
    """Open cycles to choose from, each with whether it begins on a day: the latest, and earlier."""
    all_of_them = [(first, end, first == start) for first, end in cycles]
    return all_of_them[-SHOWN:], all_of_them[:-SHOWN]


def open_cycles(summary: Sequence[Row], closed_on: date | None) -> list[tuple[date, date]]:
    """Open cycles; after an account was closed, those alone that still have something."""
    return sorted(
        {
            (row["cycle_start"], row["cycle_end"])
            for row in summary
            if closed_on is None or row["cycle_start"] < closed_on or _was_used(row)
        }
    )


def _was_used(row: Row) -> bool:
    return any(
        row[column]
        for column in (
            "plan_used_units",
            "rollover_used_units",
            "overage_units",
            "night_weekend_units",
            "mobile_to_mobile_units",
            "other_no_charge_units",
            "metered_amount",
        )
    )


def _has_anything(row: Row) -> bool:
    """Whether a pool is more than what is kept of it."""
    return bool(row["allowance_units"] or row["rollover_available_units"]) or _was_used(row)


async def _kept(
    session: Session, account: Row, buckets: Sequence[Row], matrix: Sequence[Row], today: date
) -> list[str]:
    """Sentences on rollover that is kept since a plan was left."""
    units: dict[str, Decimal] = {}
    for row in buckets:
        if row["status"] == "retained":
            units[row["pool_id"]] = units.get(row["pool_id"], ZERO) + row["remaining_units"]
    if not units:
        return []
    cycles = await reading.retention(session, account["account_id"])
    unit_types = {row["pool_id"]: row["unit_type"] for row in matrix}
    return [
        kept_note(
            units[pool_id],
            unit_types[pool_id],
            retention,
            today,
            is_closed=is_closed(account, today),
        )
        for pool_id in sorted(units)
        if (retention := retention_of(pool_id, matrix, cycles, account["bill_cycle_day"]))
    ]


def _pool(  # noqa: PLR0917
    row: Row,
    buckets: Sequence[Row],
    matrix: Sequence[Row],
    stands: Standing,
    cycle_pace: Pace,
    rate: Decimal | None,
    currency: str,
) -> PoolView:
    unit_type = row["unit_type"]
    is_live = stands.is_live and not cycle_pace.is_over
    projection = project(row, cycle_pace, rate) if is_live else None
    plan_left, rollover_left = row["plan_remaining_units"], row["rollover_available_units"]
    used = row["plan_used_units"] + row["rollover_used_units"] + row["overage_units"]
    expiring = min(row["rollover_expiring_units"], rollover_left)
    live = usable(buckets, row) if is_live else []
    notes = [left_note(one) for one in matrix if one["cycle_start"] == row["cycle_start"]]
    if live:
        notes.append(order_note(live, row["cycle_end"], unit_type))
    elif cycle_pace.is_over:
        notes.append(lapsed_note(expiring, rollover_left - expiring, unit_type, row["cycle_end"]))
    unit = fmt.unit_words(unit_type)[1]
    return PoolView(
        row["pool_id"],
        fmt.clean(row["pool_name"]) or fmt.words(row["pool_id"]),
        unit_type,
        plan_left + rollover_left if is_live else used,
        f"{unit} left" if is_live else f"{unit} used",
        plan_left,
        rollover_left,
        is_live,
        row,
        bar(
            [
                ("plan", row["plan_used_units"]),
                ("rollover", row["rollover_used_units"]),
                ("over", row["overage_units"]),
                ("plan-left", plan_left),
                ("rollover-left", rollover_left),
            ],
            projection.used if projection else None,
        ),
        live,
        " ".join(filter(None, notes)),
        bool(live and expiring),
        _outlook(row, projection, cycle_pace, currency) if is_live or cycle_pace.is_over else "",
        bool(projection and projection.overage) or bool(row["overage_units"]),
    )


def _outlook(row: Row, projection: Projection | None, cycle_pace: Pace, currency: str) -> str:
    """A sentence on how the cycle ends, or has ended."""
    unit_type = row["unit_type"]
    if cycle_pace.is_over:
        if row["overage_units"]:
            beyond = fmt.counted(row["overage_units"], unit_type)
            return f"{beyond} went beyond your plan and rollover."
        if not row["rollover_used_units"]:
            return "Your plan covered everything."
        return "Your plan and rollover covered everything."
    if projection is None:
        return (
            "It is too early to tell how this period will end; we say so from its"
            f" {_ordinal(EARLIEST.days + 1)} day on."
        )
    usage = fmt.counted(projection.used, unit_type)
    has_rollover = row["rollover_used_units"] or row["rollover_available_units"]
    within = "plan and rollover" if has_rollover else "your plan"
    if not projection.overage:
        return f"At this pace you will use about {usage}, and stay within {within}."
    over = fmt.counted(projection.overage.quantize(Decimal(1), ROUND_HALF_UP), unit_type)
    cost = (
        ""
        if projection.amount is None
        else f", which would cost about {fmt.money(projection.amount, currency)} before tax"
    )
    return f"At this pace you will use about {usage}: {over} beyond {within}{cost}."


def _ordinal(number: int) -> str:
    return {6: "sixth"}.get(number, f"{number}th")


def _free(rows: Sequence[Row], outside: Sequence[Row]) -> list[Free]:
    found: list[Free] = []
    for row in rows:
        if row["pool_id"] == NO_POOL:
            continue
        for name, column in (
            ("Nights and weekends", "night_weekend_units"),
            ("Mobile to mobile", "mobile_to_mobile_units"),
            ("Other calls of your plan", "other_no_charge_units"),
        ):
            if row[column]:
                found.append(Free(name, fmt.counted(_whole(row[column]), row["unit_type"])))
    found += [
        Free(
            f"{TITLES.get(row['unit_type'], fmt.words(row['unit_type']))} that never use your"
            " allowance",
            fmt.counted(_whole(row["units"]), row["unit_type"]),
        )
        for row in outside
    ]
    return found


def _whole(units: Decimal) -> Decimal:
    return units.quantize(Decimal(1), ROUND_HALF_UP) if units >= 1 else units


def _charges(rows: Sequence[Row]) -> list[tuple[str, Decimal]]:
    charges = [
        (f"Beyond plan and rollover: {fmt.clean(row['pool_name']).lower()}", row["overage_amount"])
        for row in rows
        if row["overage_amount"]
    ]
    metered = sum((row["metered_amount"] or ZERO for row in rows), ZERO)
    if metered:
        charges.append(("Priced one by one, such as international calls and roaming", metered))
    return charges
