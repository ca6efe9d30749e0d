"""The allowances of a bill: what paid for the usage, and what is left to roll over."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from tandem.bills import format as fmt
from tandem.bills.format import MINUS, ZERO, clean, counted, decimal, number, plain
from tandem.bills.model import Bucket, Figure, Pool, Rollover, Segment, Span, Step

SMALLEST_SHARE = Decimal("0.8")  # percent: a part of a bar that is not nothing can be seen
HUNDRED = Decimal(100)


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
    mark = _share(allowance, whole)
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
        allowance_at=_percent_text(mark),
        allowance_leads=mark > 50,
        figures=figures,
        # Where rollover is used first, unused allowance lies between the parts of the bar.
        spans=[]
        if unused and (rolled or overage)
        else _spans(pool, plan + rolled + overage, whole, document),
        rollover=_rollover(pool, cycle_end, unit_type) if has_rollover else None,
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
        share = _share(units, whole)
        start, at = at, at + share
        result.append(Span(name, plain(units), *map(_percent_text, (start, share, at))))
    return result


def _share(part: Decimal, whole: Decimal) -> Decimal:
    return min(part * HUNDRED / whole, HUNDRED) if whole > 0 and part > 0 else ZERO


def _percent_text(value: Decimal) -> str:
    return str(value.quantize(Decimal("0.001"), rounding=ROUND_HALF_UP))


def _segments(parts: list[tuple[str, Decimal]], whole: Decimal) -> list[Segment]:
    """Widths in proportion; a part too small to be seen is drawn just wide enough."""
    shares = {kind: max(_share(value, whole), SMALLEST_SHARE) for kind, value in parts if value > 0}
    excess = sum(shares.values(), ZERO) - HUNDRED
    if shares:
        largest = max(shares, key=lambda kind: shares[kind])
        shares[largest] -= excess
    result = []
    at = ZERO
    for kind, share in shares.items():
        result.append(Segment(kind, _percent_text(at), _percent_text(share)))
        at += share
    return result


def _rollover(pool: Mapping[str, Any], cycle_end: dt.date, unit_type: str) -> Rollover:
    position = {key: decimal(value) for key, value in pool["rollover"].items()}
    closing = position["closing_balance"]
    buckets = sorted(
        pool.get("buckets") or [], key=lambda b: (str(b["use_by"]), str(b["earned_cycle_start"]))
    )
    keys = ("opening_units", "used_units", "expired_units", "remaining_units")
    decimals = max(
        (fmt.decimals_of(decimal(bucket.get(key)), 0, 2) for bucket in buckets for key in keys),
        default=0,
    )
    steps = [Step("", plain(position["opening_balance"]), "brought forward")]
    for key, label, gives, always in (
        ("adjusted_units", "adjusted", True, False),
        ("used_units", "used", False, True),
        ("expired_units", "expired", False, False),
        ("accumulated_units", "newly earned", True, True),
        ("archived_units", "archived", False, False),
    ):
        value = position.get(key, ZERO)
        if always or value:
            sign = "+" if (value >= 0) == gives else MINUS
            steps.append(Step(sign, plain(abs(value)), label))
    steps.append(Step("=", plain(closing), f"left from {fmt.day_month(cycle_end)}"))
    capped = position.get("capped_units", ZERO)
    longest = max((decimal(bucket["opening_units"]) for bucket in buckets), default=ZERO)
    horizon = fmt.next_month(cycle_end)
    limit = "more did not fit under the rollover limit of your plan."
    return Rollover(
        sentence=_rollover_sentence(buckets, closing, unit_type, horizon),
        steps=steps,
        limit_note=f"{counted(capped, unit_type)} {limit}" if capped else "",
        buckets=[_bucket(bucket, decimals, longest, horizon) for bucket in buckets],
        has_expired=any(decimal(bucket.get("expired_units")) for bucket in buckets),
    )


def _rollover_sentence(
    buckets: list[Mapping[str, Any]], closing: Decimal, unit_type: str, horizon: dt.date
) -> str:
    if closing <= 0:
        return "You have no rollover left."
    sentence = f"You have {counted(closing, unit_type)} of rollover."
    live = [b for b in buckets if b["status"] == "available" and decimal(b["remaining_units"]) > 0]
    if not live:
        return f"{sentence} It is kept for you, but your present plan does not use it."
    first = min(fmt.date_of(bucket["use_by"]) for bucket in live)
    due = sum(
        (decimal(b["remaining_units"]) for b in live if fmt.date_of(b["use_by"]) == first), ZERO
    )
    which = "it all" if due == closing else f"{plain(due)} of it"
    urgent = ", in your next period" if first < horizon else ""
    return f"{sentence} Use {which} by {fmt.long_date(first)}{urgent}."


def _bucket(bucket: Mapping[str, Any], decimals: int, longest: Decimal, horizon: dt.date) -> Bucket:
    opening = decimal(bucket["opening_units"])
    remaining = decimal(bucket["remaining_units"])
    expired = decimal(bucket.get("expired_units"))
    use_by = fmt.date_of(bucket["use_by"])
    status = bucket["status"]
    is_live = status == "available" and remaining > 0
    is_next = is_live and use_by < horizon
    source = {"adjustment": "credit", "resale": "bought back"}.get(bucket.get("source") or "", "")
    earned = fmt.short_date(fmt.date_of(bucket["earned_cycle_start"]))
    state = {"depleted": "used up", "retained": "kept", "available": ""}.get(status, clean(status))
    return Bucket(
        use_by=fmt.short_date(use_by),
        earned=f"{earned}, {source}" if source else earned,
        opening=number(opening, decimals),
        used=number(decimal(bucket.get("used_units")), decimals),
        expired=number(expired, decimals),
        remaining=number(remaining, decimals),
        state="expires next" if is_next else state,
        is_next=is_next,
        is_live=is_live,
        length=_percent_text(_share(opening, longest)),
        fill=_percent_text(_share(remaining, longest)),
    )
