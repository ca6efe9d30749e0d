"""Orders of a plan at several carriers as what they are to a subscriber: one change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from tandem.bills import format as fmt
from tandem.feeds import PLAN_ACTIONS
from tandem.queries import Row

TITLES = {
    "subscribe": "Start with {plan}",
    "change_plan": "Change to {plan}",
    "cancel": "End of {plan}",
}
_KEY = tuple[str, str]


@dataclass(frozen=True)
class Part:
    """One carrier's order of a change, in words; ``is_done``: it has confirmed it."""

    carrier: str
    order_id: str
    words: str
    is_done: bool


@dataclass(frozen=True)
class Change:
    """A change of plan.

    Attributes:
        title: what it is.
        effective_on: from when it counts.
        tone: done, waiting or trouble.
        words: where it stands.
        parts: at each carrier that has an order, and those that lack one.
    """

    title: str
    effective_on: date
    requested_at: datetime
    tone: str
    words: str
    parts: list[Part]


def changes(
    orders: Sequence[Row], syncs: Sequence[Row], carriers: Mapping[str, str], today: date
) -> list[Change]:
    """Changes of plan, the latest first.

    Args:
        orders: of ``order_history``, current ones.
        syncs: of ``order_sync``.
        carriers: names by id.
        today: the last day that has figures.
    """
    wanted = {_key(row): row for row in orders if row["action"] in PLAN_ACTIONS}
    groups: dict[_KEY, set[_KEY]] = {key: {key} for key in wanted}
    for row in syncs:
        one = _key(row)
        other = (row["counterpart_carrier_id"], row["counterpart_order_id"])
        if one in groups and other in groups:
            joined = groups[one] | groups[other]
            for key in joined:
                groups[key] = joined
    found = []
    for keys in {id(group): group for group in groups.values()}.values():
        of_group = sorted(
            (wanted[key] for key in keys), key=lambda row: (row["requested_at"], *_key(row))
        )
        own = [row for row in syncs if _key(row) in keys]
        found.append(_change(of_group, own, carriers, today))
    return sorted(found, key=lambda one: (one.requested_at, one.title), reverse=True)


def _key(row: Row) -> _KEY:
    return (row["carrier_id"], row["order_id"])


def _change(
    orders: Sequence[Row], syncs: Sequence[Row], carriers: Mapping[str, str], today: date
) -> Change:
    first = orders[0]
    parts = {row["carrier_id"]: _part(row, carriers) for row in orders}
    statuses = {row["sync_status"] for row in syncs}
    lacking = sorted(
        {
            row["counterpart_carrier_id"]
            for row in syncs
            if row["sync_status"] in ("awaiting_counterpart", "missing_counterpart")
        }
    )
    for carrier_id in lacking:
        parts.setdefault(
            carrier_id, Part(_name(carriers, carrier_id), "", "has not confirmed it yet", False)
        )
    for row in syncs:  # whose orders the visitor may not see, but may know that they agree
        if row["sync_status"] == "in_sync":
            parts.setdefault(
                row["counterpart_carrier_id"],
                Part(
                    _name(carriers, row["counterpart_carrier_id"]),
                    row["counterpart_order_id"],
                    "confirmed it too",
                    True,
                ),
            )
    tone, words = _stand(orders, statuses, [_name(carriers, one) for one in lacking], parts)
    effective_on = max(row["effective_on"] for row in orders)
    if tone == "waiting" and effective_on <= today:
        tone = "trouble"
        pending = [part.carrier for part in parts.values() if not part.is_done]
        words = _overdue(effective_on, list(dict.fromkeys(pending)))
    plan = fmt.clean(first["plan_name"]) or fmt.clean(first["plan_id"])
    return Change(
        TITLES[first["action"]].format(plan=plan),
        effective_on,
        first["requested_at"],
        tone,
        words,
        list(parts.values()),
    )


def _stand(
    orders: Sequence[Row], statuses: set[str], lacking: list[str], parts: Mapping[str, Part]
) -> tuple[str, str]:
    """Where a change stands: a tone, and a sentence."""
    if "counterpart_failed" in statuses:
        return "trouble", "One carrier could not carry it out, so nothing has changed for you."
    if "mismatched" in statuses:
        return (
            "trouble",
            "The carriers' orders differ, so the change is held back. They have been asked to put"
            " it right; you need not do anything.",
        )
    if lacking:
        return "waiting", f"Held back until {fmt.listed(lacking)} has confirmed it too."
    said = {row["status"] for row in orders}
    if said <= {"failed", "withdrawn"}:
        return "trouble", "It was not carried out."
    if "submitted" in said:
        return "waiting", "On its way; not every carrier has confirmed it yet."
    return "done", _confirmed(len(parts))


def _overdue(effective_on: date, pending: list[str]) -> str:
    """A change whose day has come while a carrier has still to confirm it."""
    return (
        f"Overdue: it was to count from {fmt.long_date(effective_on)}, but"
        f" {fmt.listed(pending)} {'has' if len(pending) == 1 else 'have'} not confirmed it yet."
        " Until then nothing changes for you."
    )


def _confirmed(carriers: int) -> str:
    if carriers == 1:
        return "Confirmed."
    return f"{'Both' if carriers == 2 else f'All {carriers}'} carriers have confirmed it."


def _part(row: Row, carriers: Mapping[str, str]) -> Part:
    words = {
        "completed": f"confirmed on {fmt.long_date(row['status_at'].date())}",
        "submitted": "has the order, and has not confirmed it yet",
        "failed": "could not carry it out",
        "withdrawn": "withdrew it",
    }[row["status"]]
    return Part(
        _name(carriers, row["carrier_id"]), row["order_id"], words, row["status"] == "completed"
    )


def _name(carriers: Mapping[str, str], carrier_id: str) -> str:
    return fmt.clean(carriers.get(carrier_id)) or fmt.clean(carrier_id)
