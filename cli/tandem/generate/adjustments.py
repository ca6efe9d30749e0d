"""Adjustments of rollover units that the biller's agents enter."""

from __future__ import annotations

from datetime import date, timedelta

from tandem.generate.calendar import Calendar, add_months, iso, local_time
from tandem.generate.model import Account, Adjustment, Population
from tandem.generate.town import Town, stream

_SHARE = 0.012
AGENTS = ("agent.lopez", "agent.ng", "agent.walsh", "supervisor.reid")
_NOTES = {
    "credit": ("Goodwill after an outage, see ticket", "Welcome back", ""),
    "debit": ("Credited twice", "Correction, agreed by phone", ""),
    "extension": ("Customer travels, asked for more time", ""),
    "resale": ("Customer bought expired units back", ""),
}
_REASONS = {
    "credit": ("marketing_promotion", "dispute_resolution"),
    "debit": ("error_correction",),
    "extension": ("expiry_extension",),
    "resale": ("resale_expired",),
}
#: Rollover life of the plan whose units expire soonest, in cycles.
_SHORT_LIFE = 3


def _cycle_start(account: Account, day: date) -> date:
    """The start of the account's cycle that contains the day."""
    start = day.replace(day=account.bill_cycle_day)
    return start if start <= day else add_months(start, -1)


def adjustment(
    account: Account,
    at: int,
    action: str,
    units: int,
    *,
    pool_id: str = "anytime",
    reason: str,
    agent: str,
    bucket: date | None = None,
    cycles: int = 0,
    note: str = "",
) -> Adjustment:
    """One adjustment: `bucket` is the cycle of a resale or extension, `cycles` of an extension."""
    cells = (
        account.account_id,
        pool_id,
        action,
        str(units),
        reason,
        iso(at),
        agent,
        bucket.isoformat() if bucket else "",
        str(cycles) if cycles else "",
        note,
    )
    return Adjustment(at, cells)


def number_adjustments(people: Population) -> None:
    """Give adjustments their ids, in the order in which they were entered."""
    people.adjustments.sort(key=lambda a: (a.sent_at, a.cells))
    for number, entered in enumerate(people.adjustments, 1):
        entered.adjustment_id = f"ADJ-{number:06d}"


def adjust_rollover(town: Town, calendar: Calendar, people: Population) -> None:
    """From the second month on credits, debits and extensions for a few accounts a month; resale
    once units expire.

    Quantities are whole minutes, megabytes for resale of data. With trouble, one resale a month
    asks for a bucket that has not expired.
    """
    rng = stream(town, "adjustments")
    eligible = [
        a
        for a in people.accounts
        if a.offer in ("SHARE1000", "SHARE800", "SHARE_DATA") and a.closed_on is None
    ]

    left = {order.account.index for order in people.orders if order.action == "cancel"}

    def enter(account: Account, month: int, action: str, units: int, back: int = 0) -> None:
        first = calendar.first_days[month]
        day = first + timedelta(days=int(rng.integers(1, 27)))
        at = local_time(account.city, day, int(rng.integers(9 * 3600, 17 * 3600)))
        notes, reasons = _NOTES[action], _REASONS[action]
        bucket = _cycle_start(account, day)
        people.adjustments.append(
            adjustment(
                account,
                at,
                action,
                units,
                reason=reasons[int(rng.integers(len(reasons)))],
                agent=AGENTS[int(rng.integers(len(AGENTS)))],
                bucket=add_months(bucket, -back) if back else None,
                cycles=int(rng.integers(1, 4)) if action == "extension" else 0,
                note=notes[int(rng.integers(len(notes)))],
            )
        )

    for month in range(1, calendar.months):
        for account in eligible:
            if account.story == "overage" and month == 1:
                enter(account, month, "credit", 60)
            if account.story or rng.random() >= _SHARE:
                continue
            u = rng.random()
            if account.offer == "SHARE_DATA" and month > _SHORT_LIFE and u < 0.5:
                enter(account, month, "resale", int(rng.integers(1, 13)) * 10, _SHORT_LIFE + 1)
            elif u < 0.55:
                enter(account, month, "credit", int(rng.integers(1, 11)) * 30)
            elif u < 0.8:
                enter(account, month, "debit", int(rng.integers(1, 7)) * 10)
            else:
                enter(account, month, "extension", int(rng.integers(1, 11)) * 10, 1)
        # who has left the plan has no rollover to contradict
        ordinary = [a for a in eligible if not (a.story or a.fault or a.index in left)]
        if town.trouble and ordinary:
            chosen = ordinary[int(rng.integers(len(ordinary)))]
            enter(chosen, month, "resale", 500, 1)
            people.trouble["rollover_adjustments.over_resale"] += 1
