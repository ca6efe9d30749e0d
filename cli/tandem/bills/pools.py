"""The allowances of a bill: what paid for the usage."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from tandem.bills import format as fmt
from tandem.bills.format import ZERO, clean, counted, decimal, plain
from tandem.bills.model import Figure, Pool, Segment, Span
from tandem.bills.rollover import rollover_of

SMALLEST_SHARE = Decimal("0.8")  # percent: a part of a bar that is not nothing can be seen


def pool_of(pool: Mapping[str, Any], cycle_end: dt.date, document: Mapping[str, Any]) -> Pool:
    """One pool as it is drawn and told; `document` lends the usage by line."""
    unit_type = pool["unit_type"]
    allowance = decimal(pool["allowance_units"])
    plan = decimal(pool["plan_used_units"])
    rolled = decimal(pool["rollover_used_units"])
    overage = decimal(pool["overage_units"])
    free = decimal(pool.get("no_charge_units"))
    unused = max(allowance - plan, ZERO)
    has_rollover = pool.get("rollover") is not None
    figures = [
        Figure(kind, plain(value), label)
        for kind, value, label, always in (
            ("plan", plan, "from your plan", True),
            ("rollover", rolled, "from rollover", has_rollover),
            ("overage", overage, "overage", True),
            ("unused", unused, "unused", False),
            ("free", free, "more at no charge", False),
        )
        if always or value
    ]
    whole = max(allowance, plan) + rolled + overage
    mark = fmt.share(allowance, whole)
    return Pool(
        name=clean(pool.get("pool_name")) or fmt.words(pool["pool_id"]),
        unit=fmt.unit_words(unit_type)[1],
        sentence=_pool_sentence(
            unit_type, allowance, plan=plan, rolled=rolled, overage=overage, free=free
        ),
        segments=_segments(
            [("plan", plan), ("unused", unused), ("rollover", rolled), ("overage", overage)], whole
        ),
        allowance=plain(allowance),
        allowance_at=fmt.percent_text(mark),
        allowance_leads=mark > 50,
        figures=figures,
        # Where rollover is used first, unused allowance lies between the parts of the bar.
        spans=[]
        if unused and (rolled or overage)
        else _spans(pool, plan + rolled + overage, whole, document),
        is_charted=bool(allowance or whole or free),
        rollover=rollover_of(pool, cycle_end) if has_rollover else None,
    )


def _pool_sentence(
    unit_type: str,
    allowance: Decimal,
    *,
    plan: Decimal,
    rolled: Decimal,
    overage: Decimal,
    free: Decimal,
) -> str:
    """The chart in words; it is also the text alternative of the chart."""
    used = plan + rolled + overage
    units = fmt.unit_words(unit_type)[1]
    if not used:
        sentence = f"You used none of the {plain(allowance)} {units} in your plan."
    elif used == plan:
        amount = (
            f"all {plain(plan)}"
            if plan == allowance
            else f"{plain(plan)} of the {plain(allowance)}"
        )
        sentence = f"You used {amount} {units} in your plan."
    else:
        parts = []
        if plan:
            of_plan = f"{plain(plan)} of the {plain(allowance)} in your plan"
            parts.append(f"all {plain(plan)} in your plan" if plan == allowance else of_plan)
        if rolled:
            parts.append(f"{plain(rolled)} from rollover")
        if overage:
            parts.append(f"{plain(overage)} as overage")
        sentence = f"You used {counted(used, unit_type)}: {fmt.listed(parts)}."
    if free:
        sentence += f" Another {plain(free)} {'was' if free == 1 else 'were'} at no charge."
    return sentence


def _spans(
    pool: Mapping[str, Any], used: Decimal, whole: Decimal, document: Mapping[str, Any]
) -> list[Span]:
    """How the carriers shared the pool, where the usage by line can tell.

    It can when no other pool has the unit and the lines account for all that was used.
    """
    unit_type = pool["unit_type"]
    if sum(other["unit_type"] == unit_type for other in document["pools"]) > 1:
        return []
    shares: dict[str, Decimal] = {}
    for row in document.get("usage_by_line") or []:
        if row["unit_type"] == unit_type:
            name = fmt.carrier_name(row)
            units = sum(
                (decimal(row.get(f"{part}_units")) for part in ("plan", "rollover", "overage")),
                ZERO,
            )
            shares[name] = shares.get(name, ZERO) + units
    shares = {name: units for name, units in shares.items() if units > 0}
    if len(shares) < 2 or sum(shares.values(), ZERO) != used:
        return []
    result = []
    at = ZERO
    for name, units in shares.items():
        share = fmt.share(units, whole)
        start, at = at, at + share
        result.append(Span(name, plain(units), *map(fmt.percent_text, (start, share, at))))
    return result


def _segments(parts: list[tuple[str, Decimal]], whole: Decimal) -> list[Segment]:
    """Widths in proportion; a part too small to be seen is drawn just wide enough."""
    shares = {
        kind: max(fmt.share(value, whole), SMALLEST_SHARE) for kind, value in parts if value > 0
    }
    excess = sum(shares.values(), ZERO) - fmt.HUNDRED
    if shares:
        largest = max(shares, key=lambda kind: shares[kind])
        shares[largest] -= excess
    result = []
    at = ZERO
    for kind, share in shares.items():
        result.append(Segment(kind, fmt.percent_text(at), fmt.percent_text(share)))
        at += share
    return result
