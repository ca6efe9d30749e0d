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
from tandem.serve.portal.charts import Bar, DailyChart, bar, daily
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

NO_POOL = "none"


@dataclass(frozen=True)
class PoolView:
    """One allowance and its rollover.

    Attributes:
        left, plan_left, rollover_left: units that can still be used.
        used: units that drew on it.
        buckets: rollover that can be used in this cycle, the next to lapse first.
        expiring: units that lapse with this cycle, unless they are used.
        outlook: a sentence on the end of the cycle.
        is_short: whether that sentence is a warning.
    """

    pool_id: str
    name: str
    unit_type: str
    left: Decimal
    plan_left: Decimal
    rollover_left: Decimal
    used: Decimal
    row: Row
    bar: Bar
    buckets: list[Row]
    expiring: Decimal
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
        cycles: all open cycles by their first day, to choose from.
        charges: so far, beyond the plan's fee.
        plans: in effect on its last day that has begun.
    """

    start: date
    end: date
    as_of: datetime
    state: str
    note: str
    cycles: list[tuple[date, date, bool]]
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
    cycles = sorted({(row["cycle_start"], row["cycle_end"]) for row in summary})
    if not cycles:
        return None
    as_of = summary[0]["as_of"].astimezone(zone(account["time_zone"]))
    today = as_of.date()
    chosen = _chosen(cycles, today, wanted)
    if chosen is None:
        return None
    start, end = chosen
    rows = [row for row in summary if row["cycle_start"] == start]
    last_day = min(max(today, start), end - timedelta(days=1))
    plans = [
        row
        for row in await queries.effective_plans(session, account_id)
        if row["effective_from"] <= last_day
        and (row["effective_to"] is None or row["effective_to"] > last_day)
    ]
    cycle_pace = pace(as_of, start, end, account["time_zone"])
    buckets = await queries.rollover_buckets(session, account_id, only_available=True)
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
            [
                one
                for one in buckets
                if one["pool_id"] == row["pool_id"]
                and one["available_from"] <= start
                and one["expires_on"] >= end
                and one["status"] == "available"
            ],
            cycle_pace,
            _rate([one for one in rates if one["pool_id"] == row["pool_id"]], used, carrier_id),
            currency,
        )
        for row in rows
        if row["pool_id"] != NO_POOL
    ]
    by_day = await reading.days(session, account_id, start)
    charges = _charges(rows)
    return Overview(
        start,
        end,
        as_of,
        "over" if cycle_pace.is_over else "open" if cycle_pace.has_begun else "coming",
        _note(cycle_pace, end, today),
        [(first, last, first == start) for first, last in cycles],
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


def _note(cycle_pace: Pace, end: date, today: date) -> str:
    if cycle_pace.is_over:
        return "This period has ended; its bill is on its way. Late calls may still be added."
    left = (end - today).days
    if left == 1:
        return "It ends tonight."
    return f"{left} days to go, today included."


def _pool(
    row: Row, buckets: list[Row], cycle_pace: Pace, rate: Decimal | None, currency: str
) -> PoolView:
    unit_type = row["unit_type"]
    projection = project(row, cycle_pace, rate)
    plan_left, rollover_left = row["plan_remaining_units"], row["rollover_available_units"]
    expiring = min(row["rollover_expiring_units"], rollover_left)
    return PoolView(
        row["pool_id"],
        fmt.clean(row["pool_name"]) or fmt.words(row["pool_id"]),
        unit_type,
        plan_left + rollover_left,
        plan_left,
        rollover_left,
        row["plan_used_units"] + row["rollover_used_units"] + row["overage_units"],
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
        sorted(buckets, key=lambda one: (one["expires_on"], one["available_from"])),
        expiring,
        _outlook(row, projection, cycle_pace, currency),
        bool(projection and projection.overage) or bool(row["overage_units"]),
    )


def _outlook(row: Row, projection: Projection | None, cycle_pace: Pace, currency: str) -> str:
    """A sentence on how the cycle ends, or has ended."""
    unit_type = row["unit_type"]
    if cycle_pace.is_over:
        if row["overage_units"]:
            beyond = fmt.counted(row["overage_units"], unit_type)
            return f"{beyond} went beyond your plan and rollover."
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
            f"Not counted by your plan: {fmt.unit_words(row['unit_type'])[1]}",
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
