"""Whether an account goes on: closed, without a plan, or neither."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from tandem.bills import format as fmt
from tandem.queries import Row
from tandem.serve.portal.projection import Pace

RECENTLY = timedelta(days=14)  # since a cycle ended; its bill may well be under way


@dataclass(frozen=True)
class Standing:
    """How an account stands in a cycle.

    Attributes:
        closed_on: first day on which it is closed; None: it is not.
        ended_on: first day without any plan; None: it has one, or never had.
        has_plan: whether a plan is in effect on the last day of the cycle that has begun.
    """

    closed_on: date | None
    ended_on: date | None
    has_plan: bool

    @property
    def is_live(self) -> bool:
        """Whether what is left can be used."""
        return self.closed_on is None and self.has_plan


def is_closed(account: Row, today: date) -> bool:
    """Whether an account is closed."""
    return account["closed_on"] is not None and account["closed_on"] <= today


def standing(account: Row, plans: Sequence[Row], day: date, today: date) -> Standing:
    """How an account stands.

    Args:
        account: the account.
        plans: all that it has had, half open.
        day: the last day of the cycle that has begun.
        today: the last day that has figures.
    """
    has_plan = any(
        row["effective_from"] <= day and (row["effective_to"] is None or row["effective_to"] > day)
        for row in plans
    )
    ended = [
        row["effective_to"]
        for row in plans
        if row["effective_to"] is not None and row["effective_to"] <= day
    ]
    return Standing(
        account["closed_on"] if is_closed(account, today) else None,
        max(ended) if ended and not has_plan else None,
        has_plan,
    )


def note(stands: Standing, pace: Pace, end: date, today: date) -> str:
    """A sentence on where in a cycle, and in the account's life, we are."""
    words = []
    if stands.closed_on:
        words.append(f"Closed on {fmt.long_date(stands.closed_on)}.")
    elif stands.ended_on:
        words.append(f"No plan since {fmt.long_date(stands.ended_on)}.")
    elif not stands.has_plan and not pace.is_over:
        words.append("No plan is in effect.")
    if pace.is_over:
        words.append(
            "This period has ended; its bill is on its way."
            if today - end <= RECENTLY
            else f"This period ended on {fmt.long_date(end - timedelta(days=1))}, and is not billed"
            " yet."
        )
        words.append("Late calls may still be added.")
    elif stands.closed_on:
        words.append("The last bill comes after the end of this period.")
    elif stands.is_live:
        left = (end - today).days
        words.append("It ends tonight." if left == 1 else f"{left} days to go, today included.")
    return " ".join(words)
