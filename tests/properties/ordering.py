"""Orders of platforms that agree on nothing: placed at one side, at both, late, twice, refused,
taken back, naming each other, themselves and orders that nobody has seen, in any order of arrival.
"""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta

from tests.support.warehouse import Row

# plans of the hostile catalog, the carriers that they occupy, and whether these must agree
PLANS = {
    "SHARE800": ("wireless", "wireline"),
    "SHARE1000": ("wireless", "wireline"),
    "TRIO": ("internet", "wireless", "wireline"),
    "HALF": ("wireless", "wireline"),
    "LEFT": ("wireless",),
    "WIRELINE_LD": ("wireline",),
}
CARRIERS = ("internet", "wireless", "wireline")
START = datetime(2025, 3, 1, tzinfo=UTC)
# around the grace period, the span within which orders are matched, and far from both
HOURS_APART = (0, 0, 1, 23, 24, 25, 47, 71, 72, 73, 200)
DAYS_LATER = (0, 0, 0, 1, 1, 2, 3, 9)
LIVES = (
    *((("completed",),) * 5),
    *((("submitted", "completed"),) * 4),
    ("submitted",),
    ("failed",),
    ("submitted", "failed"),
    ("submitted", "withdrawn"),
    ("completed", "withdrawn"),
    ("submitted", "completed", "withdrawn"),
)


def accounts(count: int) -> list[Row]:
    """Accounts in two zones, all open before the first order."""
    return [
        {
            "account_id": f"O{place:04}",
            "holder_name": f"Holder {place}",
            "email": f"holder{place}@example.com",
            "bill_cycle_day": str(1 + place % 28),
            "time_zone": ("America/New_York", "Asia/Kathmandu")[place % 2],
            "tax_jurisdiction_id": "US-CA",
            "opened_on": "2025-01-01",
        }
        for place in range(count)
    ]


def order_rows(seed: int, count: int) -> list[tuple[str, Row]]:
    """Statuses of orders as (carrier, row), in the order of arrival: none."""
    chance = random.Random(seed)
    rows: list[tuple[str, Row]] = []
    for place in range(count):
        rows += _of_account(chance, f"O{place:04}")
    chance.shuffle(rows)
    return rows


def _of_account(chance: random.Random, account_id: str) -> list[tuple[str, Row]]:
    rows: list[tuple[str, Row]] = []
    known: list[str] = []  # ids of its orders, at whatever carrier
    at = START + timedelta(hours=chance.randrange(100))
    held = chance.choice(list(PLANS))
    for change in range(chance.randint(1, 4)):
        action = chance.choice(("subscribe", "change_plan", "change_plan", "cancel"))
        plan = held if action == "cancel" else chance.choice(list(PLANS))
        carriers = set(PLANS[plan]) | (set(PLANS[held]) if chance.random() < 0.5 else set())
        placed = [carrier for carrier in CARRIERS if carrier in carriers]
        chance.shuffle(placed)
        if chance.random() < 0.2:
            placed = placed[:-1] or placed  # one never hears of it
        if chance.random() < 0.2:
            placed.append(chance.choice(placed))  # one does it again
        effective_on = (at + timedelta(days=chance.choice((0, 1, 5)))).date()
        for carrier in placed:
            order_id = f"{account_id}-{change}-{len(known)}"
            rows += _lived(
                chance,
                carrier,
                {
                    "order_id": order_id,
                    "account_id": account_id,
                    "action": action if chance.random() < 0.95 else "change_plan",
                    "plan_id": plan
                    if chance.random() < 0.95
                    else chance.choice(["TRIO", "NOSUCH"]),
                    "effective_on": _moved(chance, effective_on).isoformat(),
                    "counterpart_order_id": _named(chance, order_id, known),
                },
                at + timedelta(hours=chance.choice(HOURS_APART)),
            )
            known.append(order_id)
        if chance.random() < 0.1:
            rows += _lived(
                chance,
                chance.choice(CARRIERS),
                {
                    "order_id": f"{account_id}-{change}-line",
                    "account_id": account_id,
                    "action": "add_line",
                    "service_number": "+14045550100",
                    "effective_on": effective_on.isoformat(),
                    "counterpart_order_id": _named(chance, "", known),
                },
                at,
            )
        held = plan
        at += timedelta(hours=chance.choice((5, 30, 100, 400)))
    return rows


def _moved(chance: random.Random, on: date) -> date:
    return on + timedelta(days=chance.choice((0,) * 12 + (1, 2, 4)))


def _named(chance: random.Random, order_id: str, known: list[str]) -> str | None:
    """Mostly nothing; an order of before, itself, or one that nobody has seen."""
    kind = chance.random()
    if known and kind < 0.35:
        return chance.choice(known)
    if kind < 0.38:
        return order_id or None
    return "elsewhere-1" if kind < 0.41 else None


def _lived(
    chance: random.Random, carrier: str, row: Row, requested_at: datetime
) -> list[tuple[str, Row]]:
    at = requested_at + timedelta(days=chance.choice(DAYS_LATER), hours=chance.choice((0, 0, 1)))
    rows: list[tuple[str, Row]] = []
    for status in chance.choice(LIVES):
        told = chance.random() < 0.9
        rows.append(
            (
                carrier,
                {
                    "service_number": None,
                    **row,
                    "requested_at": requested_at.isoformat(),
                    "status": status,
                    # some platforms do not say since when, one lives before its own orders
                    "status_at": (at - timedelta(days=chance.random() < 0.03)).isoformat()
                    if told
                    else None,
                },
            )
        )
        at += timedelta(days=chance.choice(DAYS_LATER), hours=chance.choice((1, 2, 24)))
    return rows
