"""Rollover as pages tell it, by the worked example of docs/portal.md."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tandem.bills.format import EN_DASH, NBSP
from tandem.serve.portal.balances import (
    Books,
    PoolBalance,
    Retention,
    balances,
    kept_note,
    lapsed_note,
    marked,
    order_note,
    retention_of,
)

Row = dict[str, Any]


def month(number: int) -> date:
    """The first of a month, counted from that of January 2025."""
    return date(2025 + (number - 1) // 12, (number - 1) % 12 + 1, 1)


def cycle(number: int, opening: int, **figures: Any) -> Row:
    """A row of the matrix; closing as the books have it."""
    units = {
        name: Decimal(figures.pop(name, 0))
        for name in (
            "allowance_units",
            "plan_used_units",
            "overage_assessed_units",
            "taken_over_units",
            "adjusted_units",
            "rollover_used_units",
            "expired_units",
            "accumulated_units",
            "archived_units",
            "expiring_next_units",
            "capped_units",
        )
    }
    units["opening_balance"] = Decimal(opening)
    units["closing_balance"] = (
        units["opening_balance"]
        + units["adjusted_units"]
        - units["rollover_used_units"]
        - units["expired_units"]
        + units["accumulated_units"]
        - units["archived_units"]
    )
    return {
        "pool_id": "anytime",
        "unit_type": "minute",
        "cycle_start": month(number),
        "cycle_end": month(number + 1),
        "rollover_status": figures.pop("status", "active"),
        "ended_at": figures.pop("ended_at", None),
        "is_closed": figures.pop("is_closed", False),
        **units,
        **figures,
    }


def told(number: int, available: int, expiring: int = 0) -> Row:
    """A row of the summary."""
    return {
        "pool_id": "anytime",
        "cycle_start": month(number),
        "cycle_end": month(number + 1),
        "rollover_available_units": Decimal(available),
        "rollover_expiring_units": Decimal(expiring),
    }


def bucket(available: int, expires: int, remaining: int, **more: Any) -> Row:
    return {
        "pool_id": "anytime",
        "unit_type": "minute",
        "source": "plan",
        "earned_cycle_start": month(available - 1),
        "available_from": month(available),
        "expires_on": month(expires),
        "expired_units": Decimal(0),
        "remaining_quantity": remaining * 60,
        "remaining_units": Decimal(remaining),
        "status": "available",
    } | more


def balance(
    matrix: list[Row],
    buckets: list[Row],
    summary: list[Row],
    today: date,
    kept: int | None = None,
    closed_on: date | None = None,
) -> PoolBalance:
    account = {"bill_cycle_day": 1, "closed_on": closed_on}
    books = Books(
        account, matrix, buckets, summary, {} if kept is None else {"anytime": kept}, today
    )
    (found,) = balances(books, {"anytime": "Anytime minutes"})
    return found


def figure(found: PoolBalance, number: int, name: str) -> Decimal | None:
    (shown,) = [one for one in found.earlier + found.cycles if one.start == month(number)]
    return {cell.name: cell.value for cell in shown.cells}[name]


BUCKETS = [bucket(5, 10, 118), bucket(6, 9, 505), bucket(7, 11, 684)]
# August has ended, September goes on; neither is billed
MATRIX = [
    cycle(7, 1416, adjusted_units=30, accumulated_units=154, is_closed=True),
    cycle(8, 1600, rollover_used_units=293, expiring_next_units=118),
    cycle(9, 1307),
]
SUMMARY = [told(8, 1307, 505), told(9, 802, 118)]


def test_what_lapsed_by_date_is_taken_off() -> None:
    """505 lapsed on 31 August, though the books carry 1,307 along until the bill."""
    found = balance(MATRIX, BUCKETS, SUMMARY, date(2025, 9, 10))
    assert found.left == 802
    assert figure(found, 8, "opening balance") == 1600
    assert figure(found, 8, "expired") == 505
    assert figure(found, 8, "closing balance") == 802
    assert figure(found, 9, "opening balance") == figure(found, 9, "closing balance") == 802
    assert figure(found, 9, "expired") is None and figure(found, 9, "earned") is None
    assert figure(found, 8, "earned") is None
    assert [one.state for one in found.cycles] == ["", "not billed yet", "open"]
    assert found.is_provisional and not found.has_gap
    assert [row["remaining_units"] for row in found.live] == [118, 684]
    (gone,) = found.gone
    assert gone["state"] == "lapsed" and gone["lapsed_units"] == 505


def test_while_the_cycle_goes_on_nothing_has_lapsed() -> None:
    found = balance(MATRIX[:2], BUCKETS, SUMMARY[:1], date(2025, 8, 31))
    assert found.left == 1307 and figure(found, 8, "closing balance") == 1307
    assert not found.is_provisional and found.is_urgent
    assert found.order == (
        f"505{NBSP}minutes lapse with this period, on 31 August 2025, unless you use them;"
        f" 118{NBSP}minutes that last longer are used first."
    )


def test_many_open_cycles_end_with_what_is_left() -> None:
    """The next ones lapse one by one; after all have, nothing is left."""
    matrix = [*MATRIX, *(cycle(number, 1307) for number in range(10, 14))]
    summary = [*SUMMARY, told(10, 684, 684), *(told(number, 0) for number in range(11, 14))]
    found = balance(matrix, BUCKETS, summary, date(2026, 1, 15))
    closing = [figure(found, number, "closing balance") for number in range(8, 14)]
    assert closing == [802, 684, 0, 0, 0, 0]
    assert found.left == 0 and not found.live and not found.has_gap


def test_what_cannot_be_known_is_left_out() -> None:
    """After a return lives move at each close: the summary does not agree, so nothing is told."""
    summary = [told(8, 1307, 505), told(9, 790)]
    found = balance(MATRIX, BUCKETS, summary, date(2025, 9, 10))
    assert found.has_gap and found.left == 790
    assert figure(found, 9, "opening balance") is None
    assert figure(found, 9, "closing balance") is None
    assert figure(found, 8, "closing balance") == 802


def test_a_pool_that_the_cycle_has_not_any_more() -> None:
    """What could be used in August is not told as what there is in September."""
    other = told(9, 0) | {"pool_id": "data"}
    found = balance(MATRIX[:2], BUCKETS, [SUMMARY[0], other], date(2025, 9, 10))
    assert found.left == 0 and not found.live and not found.order


def test_a_year_is_twelve_cycles() -> None:
    """Of 13 billed ones and 3 open ones the last 12; the others stand apart."""
    matrix = [cycle(number, 0, is_closed=number <= 13) for number in range(1, 17)]
    found = balance(matrix, [], [told(n, 0) for n in range(14, 17)], month(16))
    assert [one.start for one in found.cycles] == [month(number) for number in range(5, 17)]
    assert [one.start for one in found.earlier] == [month(number) for number in range(1, 5)]


# --- a plan that was left -----------------------------------------------------------------------

LEFT = date(2025, 7, 10)
LEAVING = [
    cycle(6, 484, accumulated_units=115, is_closed=True),
    cycle(
        7,
        599,
        allowance_units=290,
        plan_used_units=290,
        overage_assessed_units=25,
        status="retained",
        ended_at=LEFT,
        is_closed=True,
    ),
    *(cycle(number, 599, status="retained", ended_at=LEFT) for number in range(8, 13)),
]
KEPT = [bucket(6, 18, 599, status="retained")]
NOTHING = [told(number, 0) for number in range(8, 13)]


def test_kept_units_end_with_their_time() -> None:
    """Left in July with three cycles: August, September, October; then they are archived."""
    found = balance(LEAVING, KEPT, NOTHING, date(2025, 12, 3), kept=3)
    assert [one.start for one in found.cycles] == [month(number) for number in range(6, 11)]
    assert figure(found, 9, "closing balance") == 599
    assert figure(found, 10, "archived") == 599 and figure(found, 10, "closing balance") == 0
    assert "were kept after you left the plan on 10 July 2025, until 31 October 2025" in found.kept
    assert found.left == 0 and not found.live


def test_kept_units_can_come_back_meanwhile() -> None:
    found = balance(LEAVING[:4], KEPT, NOTHING[:2], date(2025, 9, 3), kept=3)
    assert found.kept == (
        f"599{NBSP}minutes are kept since you left the plan on 10 July 2025, until 31 October 2025;"
        " they cannot be used meanwhile. Come back to a plan with rollover by then, and you can use"
        " them again."
    )
    assert figure(found, 9, "closing balance") == 599
    assert "archived" not in found.heads
    closed = balance(LEAVING[:4], KEPT, NOTHING[:2], date(2025, 9, 3), kept=3, closed_on=LEFT)
    assert closed.kept.endswith("meanwhile.")


def test_the_cycle_of_leaving_draws_no_rollover() -> None:
    found = balance(LEAVING, KEPT, NOTHING, date(2025, 12, 3), kept=3)
    (said,) = [one.note for one in found.cycles if one.note]
    assert said == (
        f"The plan ended in the period 1{EN_DASH}31 July 2025. In the period in which a plan ends"
        f" rollover is not drawn on: 25{NBSP}minutes beyond the plan are charged, although"
        f" 599{NBSP}minutes of rollover stood."
    )


def test_a_cycle_without_the_plan_needs_no_such_words() -> None:
    """It ended with the cycle before, on whose last day it was in effect: that one drew."""
    after = cycle(8, 599, overage_assessed_units=5, status="retained", ended_at=month(8))
    found = balance([after], KEPT, NOTHING[:1], date(2025, 8, 9), kept=3)
    assert not any(one.note for one in found.cycles)


@pytest.mark.parametrize(
    ("ended_at", "day", "cycles", "until", "may_return"),
    [
        (date(2025, 7, 10), 1, 3, date(2025, 11, 1), True),
        (date(2025, 8, 1), 1, 1, date(2025, 9, 1), True),  # the day before is in July
        (date(2025, 8, 1), 1, 0, date(2025, 9, 1), False),  # the first cycle without
        (date(2025, 7, 10), 1, 0, date(2025, 8, 1), False),
        (date(2025, 7, 10), 15, 2, date(2025, 9, 15), True),
    ],
)
def test_how_long_units_are_kept(
    ended_at: date, day: int, cycles: int, until: date, may_return: bool
) -> None:
    rows = [cycle(8, 10, status="retained", ended_at=ended_at)]
    assert retention_of("anytime", rows, {"anytime": cycles}, day) == Retention(
        ended_at, until, may_return
    )
    assert retention_of("anytime", [cycle(8, 10)], {}, day) is None
    assert retention_of("anytime", rows, {}, day) == Retention(ended_at, None, may_return=False)


# --- sentences ----------------------------------------------------------------------------------


def test_one_is_not_many() -> None:
    assert order_note([bucket(6, 9, 1)], month(9), "minute") == (
        f"1{NBSP}minute lapses with this period, on 31 August 2025, unless you use it."
    )
    assert order_note([bucket(5, 12, 1), bucket(6, 11, 5)], month(9), "minute") == (
        f"5{NBSP}minutes lapse next, on 31 October 2025; 1{NBSP}minute that lasts longer is used"
        " first."
    )
    around = [bucket(5, 9, 3), bucket(6, 11, 2), bucket(7, 9, 4), bucket(8, 12, 9)]
    assert order_note(around, month(9), "minute") == (
        f"7{NBSP}minutes lapse with this period, on 31 August 2025, unless you use them;"
        f" 2{NBSP}minutes that last longer are used first."
    )
    kept = kept_note(Decimal(1), "minute", Retention(LEFT, None, may_return=False), month(9))
    assert kept == (
        f"1{NBSP}minute is kept since you left the plan on 10 July 2025; it cannot be used"
        " meanwhile."
    )


def test_an_ended_cycle_speaks_in_the_past() -> None:
    assert lapsed_note(Decimal(505), Decimal(802), "minute", month(9)) == (
        f"505{NBSP}minutes of rollover lapsed on 31 August; 802{NBSP}minutes of it went on into the"
        " next period."
    )
    assert lapsed_note(Decimal(0), Decimal(2), "minute", month(9)) == (
        f"2{NBSP}minutes of rollover went on into the next period."
    )
    assert lapsed_note(Decimal(3), Decimal(0), "minute", month(9)) == (
        f"3{NBSP}minutes of rollover lapsed on 31 August."
    )
    assert not lapsed_note(Decimal(0), Decimal(0), "minute", month(9))


def test_what_came_from_before() -> None:
    buckets = [bucket(5, 9, 1), bucket(8, 9, 1), bucket(5, 9, 1, source="adjustment")]
    assert [row["is_taken_over"] for row in marked(buckets, month(6))] == [True, False, False]
    assert [row["is_taken_over"] for row in marked(buckets, None)] == [False] * 3
