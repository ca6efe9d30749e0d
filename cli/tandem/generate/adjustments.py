"""Adjustments of rollover units that the biller's agents enter from the second month on."""

from __future__ import annotations

from datetime import date, timedelta

from tandem.generate.calendar import Calendar, add_months, iso, local_time
from tandem.generate.model import Account, Adjustment, Population
from tandem.generate.town import Town, stream

_SHARE = 0.012
_AGENTS = ("agent.lopez", "agent.ng", "agent.walsh", "supervisor.reid")
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


def adjust_rollover(town: Town, calendar: Calendar, people: Population) -> None:
    """Credits, debits and extensions for a few accounts a month; resale once units expire.

    Quantities are whole minutes, megabytes for resale of data. With trouble, one resale a month
    asks for a bucket that has not expired.
    """
    rng = stream(town, "adjustments")
    number = 0
    eligible = [
        a
        for a in people.accounts
        if a.offer in ("SHARE1000", "SHARE800", "SHARE_DATA") and a.closed_on is None
    ]

    def enter(account: Account, month: int, action: str, units: int, back: int = 0) -> None:
        nonlocal number
        number += 1
        first = calendar.first_days[month]
        day = first + timedelta(days=int(rng.integers(1, 27)))
        at = local_time(account.city, day, int(rng.integers(9 * 3600, 17 * 3600)))
        notes, reasons = _NOTES[action], _REASONS[action]
        bucket = _cycle_start(account, day)
        cells = (
            f"ADJ-{number:06d}",
            account.account_id,
            "anytime",
            action,
            str(units),
            reasons[int(rng.integers(len(reasons)))],
            iso(at),
            _AGENTS[int(rng.integers(len(_AGENTS)))],
            add_months(bucket, -back).isoformat() if back else "",
            str(int(rng.integers(1, 4))) if action == "extension" else "",
            notes[int(rng.integers(len(notes)))],
        )
        people.adjustments.append(Adjustment(at, cells))

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
        ordinary = [a for a in eligible if not a.story]
        if town.trouble and ordinary:
            chosen = ordinary[int(rng.integers(len(ordinary)))]
            enter(chosen, month, "resale", 500, 1)
            people.trouble["rollover_adjustments.over_resale"] += 1
    people.adjustments.sort(key=lambda a: (a.sent_at, a.cells[0]))
