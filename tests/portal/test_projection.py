"""What a cycle comes to, by the worked examples of docs/portal.md."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tandem.serve.portal.projection import Pace, overage_rate, pace, project

JUNE = (date(2026, 6, 1), date(2026, 7, 1))


def row(**units: int) -> dict[str, Any]:
    names = ("allowance", "plan_used", "rollover_used", "rollover_available", "overage")
    found: dict[str, Any] = {f"{name}_units": Decimal(units.pop(name, 0)) for name in names}
    found["overage_amount"] = Decimal(units.pop("amount", 0))
    assert not units
    return found


def at(day: int, hour: int = 0) -> Pace:
    return pace(datetime(2026, 6, day, hour, tzinfo=UTC), *JUNE, "UTC")


def test_within() -> None:
    found = project(row(allowance=1000, plan_used=400), at(16), Decimal("0.40"))
    assert found is not None
    assert (found.used, found.overage, found.amount) == (800, 0, None)


def test_beyond_is_told_in_units_and_money() -> None:
    """900 in half of the month are 1,800: of them 1,000 are of the plan and 300 of rollover."""
    used = row(allowance=1000, plan_used=900, rollover_available=300)
    found = project(used, at(16), Decimal("0.40"))
    assert found is not None
    assert (found.used, found.overage, found.amount) == (1800, 500, Decimal("200.00"))


def test_what_is_charged_already_is_not_guessed() -> None:
    """100 beyond came to 10.00; 600 more are to come, at the rate of the plan."""
    used = row(allowance=400, plan_used=400, rollover_used=50, overage=100, amount=10)
    found = project(used, at(16), Decimal("0.40"))
    assert found is not None
    assert (found.used, found.overage) == (1100, 650)
    assert found.amount == Decimal(10) + 550 * Decimal("0.40")


def test_overage_never_shrinks() -> None:
    """Units that lapsed meanwhile cannot take back what was charged."""
    used = row(allowance=900, plan_used=100, overage=50, amount=5)
    found = project(used, at(30), Decimal("0.40"))
    assert found is not None and (found.overage, found.amount) == (50, 5)


@pytest.mark.parametrize(("day", "hour", "told"), [(1, 0, False), (5, 23, False), (6, 0, True)])
def test_the_first_days_tell_nothing(day: int, hour: int, told: bool) -> None:
    assert (project(row(allowance=10, plan_used=1), at(day, hour), None) is not None) == told


def test_a_cycle_that_is_over_needs_no_guess() -> None:
    over = pace(datetime(2026, 7, 3, tzinfo=UTC), *JUNE, "UTC")
    assert over.is_over and project(row(allowance=10, plan_used=9), over, None) is None
    coming = pace(datetime(2026, 5, 3, tzinfo=UTC), *JUNE, "UTC")
    assert not coming.has_begun and project(row(allowance=10), coming, None) is None


def test_days_begin_where_the_account_is() -> None:
    """Midnight in New York is 04:00 UTC in summer; March has an hour less there."""
    found = pace(datetime(2026, 6, 6, 3, 59, tzinfo=UTC), *JUNE, "America/New_York")
    assert found.is_early
    assert not pace(datetime(2026, 6, 6, 4, tzinfo=UTC), *JUNE, "America/New_York").is_early
    march = pace(
        datetime(2026, 3, 20, tzinfo=UTC), date(2026, 3, 1), date(2026, 4, 1), "America/New_York"
    )
    assert march.whole == timedelta(days=31, hours=-1)
    assert pace(datetime(2026, 6, 2, tzinfo=UTC), *JUNE, "Nowhere/At all").elapsed.days == 1


def rates(**by_carrier: str | None) -> list[dict[str, Any]]:
    return [
        {
            "carrier_id": name,
            "service": "voice",
            "overage_rate": None if rate is None else Decimal(rate),
        }
        for name, rate in by_carrier.items()
    ]


def test_the_rate_follows_the_lines() -> None:
    """300 on the wireless line at 0.40 and 100 on the wireline one at 0.10 are 0.325 a minute."""
    used = {("wireless", "voice"): Decimal(300), ("wireline", "voice"): Decimal(100)}
    both = rates(wireless="0.40", wireline="0.10")
    assert overage_rate(both, used) == Decimal("0.325")
    assert overage_rate(both, {}) == Decimal("0.40")
    assert overage_rate(rates(wireless=None), used) is None
    assert overage_rate([], used) is None
