"""Words for what does not agree, and for what a plan order does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from tandem.bills.format import clean
from tandem.console import many


@dataclass(frozen=True)
class Kind:
    """A type of exception.

    Attributes:
        title: what is wrong, in two or three words.
        request: what the carrier that must act is asked to do.
    """

    title: str
    request: str


KINDS = {
    "counterpart_failed": Kind(
        "Counterpart failed", "Place the order again, or confirm that it will not be carried out."
    ),
    "mismatched": Kind("Orders differ", "Bring the order in line with what is expected."),
    "missing_counterpart": Kind("No counterpart", "Place or complete the order that is expected."),
    "unknown_plan": Kind("Unknown plan", "Withdraw the order, and place it with a known plan."),
    "unknown_account": Kind(
        "Unknown account", "Withdraw the order, or place it for an account that is known."
    ),
    "plan_mismatch": Kind("Line on another plan", "Put the line on the plan that is expected."),
    "over_resale": Kind("Resold too much", "Check the resale; what was over was not given."),
}

INSTRUCTIONS = {
    "hold": "Hold the change back until the other carrier has confirmed it.",
    "withdraw": "Withdraw the order; the other carrier will not carry it out.",
    "release": "Go on with the order; all carriers have confirmed it.",
}
# of an order that was passed on, to the platform that it was passed to
CALLED_OFF = (
    "Withdraw what came of the order that was passed on; it was called off where it was placed."
)
NO_LONGER_NEEDED_TITLE = "No longer needed"
NO_LONGER_NEEDED = "The order was called off where it was placed; what was asked is not needed."
INSTRUCTION_TITLES = {"hold": "Hold back", "withdraw": "Withdraw", "release": "Go on"}


def title_of(exception_type: str) -> str:
    """A type in words; one that is new to us by its name."""
    kind = KINDS.get(exception_type)
    return kind.title if kind else exception_type.replace("_", " ").capitalize()


def refusal(row: Mapping[str, Any]) -> str:
    """What became of an order that was passed on in vain (``refusal_state``, ``refusal``)."""
    said = clean(row["refusal"]) or "no reason was given"
    if row["refusal_state"] == "given_up":
        return f"was not reached with the order: {said}"
    return f"refused the order: {said}"


def days(count: int) -> str:
    """A number of whole days."""
    return many(count, "day") if count else "<1 day"


def moment(at: datetime | None) -> str:
    """An instant of a session in UTC, to the minute."""
    return "" if at is None else f"{at:%Y-%m-%d %H:%M}"


def day(value: date | None) -> str:
    """A date, or nothing."""
    return "" if value is None else value.isoformat()
