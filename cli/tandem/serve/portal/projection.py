"""What a cycle comes to if it goes on like this.

The rule: what was used so far of a pool, divided by the time that has passed of the cycle, times
the whole cycle. What of it goes beyond the allowance and all rollover is overage, at the mean of
the plan's overage rates, weighted by what the lines of each carrier have used so far. In the first
five days nothing is projected: one long call would be told as a hundred.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tandem.queries import Row

EARLIEST = timedelta(days=5)
ZERO = Decimal(0)
_CENT = Decimal("0.01")


@dataclass(frozen=True)
class Pace:
    """Where in a cycle we are.

    Attributes:
        elapsed: since its beginning, at least nothing and at most all of it.
        whole: its length.
    """

    elapsed: timedelta
    whole: timedelta

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.elapsed >= self.whole

    @property
    def is_early(self) -> bool:
        """Whether it is too early to tell."""
        return self.elapsed < EARLIEST

    @property
    def has_begun(self) -> bool:
        """Whether any of it has passed."""
        return self.elapsed > timedelta(0)

    def extend(self, used: Decimal) -> Decimal:
        """What so much so far comes to in the end."""
        return (
            used
            * Decimal(self.whole // timedelta(seconds=1))
            / Decimal(max(self.elapsed // timedelta(seconds=1), 1))
        )


def zone(name: str | None) -> ZoneInfo:
    """A time zone; UTC where this machine does not know it."""
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def pace(as_of: datetime, start: date, end: date, time_zone: str | None) -> Pace:
    """How much of a cycle has passed; its days begin where the account is."""
    here = zone(time_zone)
    first, last = (datetime.combine(day, time(), here).astimezone(UTC) for day in (start, end))
    whole = last - first
    return Pace(min(max(as_of - first, timedelta(0)), whole), whole)


@dataclass(frozen=True)
class Projection:
    """What a pool comes to.

    Attributes:
        used: in the whole cycle, in units.
        overage: of it beyond allowance and rollover.
        rate: per unit of that; None: the plan has none.
        amount: of money; None as well.
    """

    used: Decimal
    overage: Decimal
    rate: Decimal | None
    amount: Decimal | None


def project(row: Row, pace_: Pace, rate: Decimal | None) -> Projection | None:
    """What a pool comes to; None where it is too early to tell, or nothing is left to come.

    Args:
        row: of ``unbilled_summary``.
        pace_: of its cycle.
        rate: of overage, per unit.
    """
    if pace_.is_early or pace_.is_over:
        return None
    so_far = row["plan_used_units"] + row["rollover_used_units"] + row["overage_units"]
    used = pace_.extend(so_far).quantize(Decimal(1), ROUND_HALF_UP)
    capacity = row["allowance_units"] + row["rollover_used_units"] + row["rollover_available_units"]
    overage = max(used - capacity, row["overage_units"], ZERO)
    if not overage:
        return Projection(used, ZERO, None, None)
    # what was charged already stays so; only the rest is guessed
    rest = overage - row["overage_units"]
    amount = None if rate is None else row["overage_amount"] + rest * rate
    return Projection(
        used, overage, rate, None if amount is None else amount.quantize(_CENT, ROUND_HALF_UP)
    )


def overage_rate(rates: Sequence[Row], used: Mapping[tuple[str, str], Decimal]) -> Decimal | None:
    """The mean of a pool's overage rates.

    Args:
        rates: rows with ``carrier_id``, ``service`` and ``overage_rate``.
        used: units that drew on pools so far, by carrier and service.

    Returns:
        Weighted by what was used; the highest where nothing was; None without any.
    """
    known = [row for row in rates if row["overage_rate"] is not None]
    if not known:
        return None
    weights = [used.get((row["carrier_id"], row["service"]), ZERO) for row in known]
    if sum(weights) <= 0:
        return max((row["overage_rate"] for row in known), default=None)
    total: Decimal = sum(
        (weight * row["overage_rate"] for weight, row in zip(weights, known, strict=True)), ZERO
    )
    return total / sum(weights)
