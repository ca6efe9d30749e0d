"""Whether an account goes on, and what a page says of it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from tandem.serve.portal.overview import choices, open_cycles
from tandem.serve.portal.projection import pace
from tandem.serve.portal.standing import Standing, is_closed, note, standing

JUNE = (date(2026, 6, 1), date(2026, 7, 1))
GOES_ON = Standing(None, None, has_plan=True)


def held(first: date, end: date | None) -> dict[str, Any]:
    return {"effective_from": first, "effective_to": end}


def told(stands: Standing, today: date) -> str:
    now = datetime(today.year, today.month, today.day, 12, tzinfo=UTC)
    return note(stands, pace(now, *JUNE, "UTC"), JUNE[1], today)


@pytest.mark.parametrize(
    ("today", "words"),
    [
        (date(2026, 6, 22), "9 days to go, today included."),
        (date(2026, 6, 30), "It ends tonight."),
        (
            date(2026, 7, 15),
            "This period has ended; its bill is on its way. Late calls may still be added.",
        ),
        (
            date(2026, 7, 16),
            "This period ended on 30 June 2026, and is not billed yet. Late calls may still be"
            " added.",
        ),
    ],
)
def test_a_bill_is_on_its_way_for_two_weeks(today: date, words: str) -> None:
    assert told(GOES_ON, today) == words


def test_an_account_that_is_closed_has_no_days_to_go() -> None:
    account = {"closed_on": date(2026, 6, 10)}
    plans = [held(date(2026, 1, 1), date(2026, 6, 10))]
    today = date(2026, 6, 22)
    assert is_closed(account, date(2026, 6, 10)) and not is_closed(account, date(2026, 6, 9))
    stands = standing(account, plans, today, today)
    assert not stands.is_live
    assert told(stands, today) == (
        "Closed on 10 June 2026. The last bill comes after the end of this period."
    )
    before = standing(account, plans, date(2026, 6, 9), date(2026, 6, 9))
    assert before.is_live and told(before, date(2026, 6, 9)) == "22 days to go, today included."


def test_an_account_without_a_plan() -> None:
    account = {"closed_on": None}
    today = date(2026, 6, 22)
    plans = [
        held(date(2026, 1, 1), date(2026, 3, 1)),
        held(date(2026, 3, 1), date(2026, 6, 10)),
        held(date(2026, 8, 1), None),
    ]
    stands = standing(account, plans, today, today)
    assert not stands.is_live and told(stands, today) == "No plan since 10 June 2026."
    never = standing(account, [], today, today)
    assert not never.is_live and told(never, today) == "No plan is in effect."


def test_the_latest_cycles_first() -> None:
    months = [date(2026, number, 1) for number in range(1, 7)]
    cycles = list(pairwise(months))
    latest, earlier = choices(cycles, months[0])
    assert [first for first, _, _ in latest] == months[2:5]
    assert [(first, is_shown) for first, _, is_shown in earlier] == [
        (months[0], True),
        (months[1], False),
    ]
    assert choices(cycles[:3], months[2])[1] == []


def test_nothing_comes_after_an_account_was_closed() -> None:
    """But what was used all the same, which stays to be seen."""
    figures = dict.fromkeys(
        (
            "plan_used_units",
            "rollover_used_units",
            "overage_units",
            "night_weekend_units",
            "mobile_to_mobile_units",
            "other_no_charge_units",
            "metered_amount",
        ),
        Decimal(0),
    )
    months = [date(2026, number, 1) for number in range(5, 10)]
    rows = [{"cycle_start": first, "cycle_end": end, **figures} for first, end in pairwise(months)]
    rows[2] |= {"metered_amount": Decimal("0.40")}
    assert len(open_cycles(rows, None)) == 4
    assert [first for first, _ in open_cycles(rows, date(2026, 6, 10))] == months[:3]
    assert [first for first, _ in open_cycles(rows, months[1])] == [months[0], months[2]]
