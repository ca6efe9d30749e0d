"""Time: months, local midnights and how busy each hour is. Instants are epoch seconds, UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from tandem.generate.places import ZONES

_ZONES = tuple(ZoneInfo(name) for name in ZONES)

DAY = 86_400
HOUR = 3_600

# Share of a day's calls that start in each local hour: a morning and an evening peak on
# weekdays, one broad late hump at weekends, almost nothing in the small hours.
_WEEKDAY = (
    *(0.30, 0.15, 0.10, 0.08, 0.10, 0.20, 0.60, 1.40, 2.50, 3.10, 3.00, 2.70),
    *(2.50, 2.30, 2.30, 2.40, 2.70, 3.40, 3.80, 3.50, 2.80, 2.00, 1.20, 0.60),
)
_WEEKEND = (
    *(0.60, 0.40, 0.25, 0.12, 0.08, 0.10, 0.20, 0.50, 1.10, 1.90, 2.50, 2.80),
    *(2.80, 2.60, 2.50, 2.40, 2.40, 2.50, 2.60, 2.60, 2.30, 1.80, 1.30, 0.90),
)
# Monday to Sunday, around 1.
_DAY_LEVEL = (1.02, 1.00, 1.01, 1.04, 1.12, 0.95, 0.86)


def _week() -> NDArray[np.float64]:
    """Share of an average day's calls by local weekday (0 = Monday) and hour: sums to 7."""
    week = np.array([_WEEKDAY] * 5 + [_WEEKEND] * 2, dtype=np.float64)
    week /= week.sum(axis=1, keepdims=True)
    level = np.array(_DAY_LEVEL)
    return np.asarray(week * (level / level.mean())[:, None])


@lru_cache(maxsize=65_536)
def local_midnight(zone: int, day: date) -> int:
    """The instant at which `day` begins in the zone."""
    return int(datetime(day.year, day.month, day.day, tzinfo=_ZONES[zone]).timestamp())


def local_time(zone: int, day: date, second: int) -> int:
    """The instant at which the clock of the zone shows `second` seconds after midnight."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=_ZONES[zone])
    # Adding to a local time moves its clock, not the instant.
    return int((midnight + timedelta(seconds=second)).timestamp())


def local_date(zone: int, instant: int) -> date:
    """The date that the zone has at the instant."""
    return datetime.fromtimestamp(instant, tz=_ZONES[zone]).date()


@lru_cache(maxsize=65_536)
def iso(instant: int) -> str:
    """ISO 8601 in UTC: 2026-06-01T04:00:00Z."""
    return datetime.fromtimestamp(instant, tz=UTC).isoformat()[:19] + "Z"


def utc_date(instant: int) -> date:
    """The UTC date at the instant."""
    return datetime.fromtimestamp(instant, tz=UTC).date()


def add_months(month: date, count: int) -> date:
    """The same day `count` months on; for days up to 28."""
    number = month.year * 12 + month.month - 1 + count
    return date(number // 12, number % 12 + 1, month.day)


@dataclass(frozen=True)
class Window:
    """Whole hours that are generated together: within one UTC day and one month."""

    index: int
    month: int
    start: int
    end: int

    @property
    def day(self) -> date:
        """The UTC date of the window."""
        return utc_date(self.start)


class Calendar:
    """The months of a town, cut where the westernmost of its zones begins a month.

    So everything that an account of any zone did in its month lies before the cut, and a close
    after loading that month finds the month complete.
    """

    def __init__(self, first_month: date, months: int) -> None:
        """Lay out `months` months from `first_month`."""
        zones = range(len(ZONES))
        self.first_days = [add_months(first_month, m) for m in range(months + 1)]
        self.cuts = [max(local_midnight(z, day) for z in zones) for day in self.first_days]
        self.start = min(local_midnight(z, first_month) for z in zones)
        self.end = self.cuts[-1]
        self.grid_start = self.start // DAY * DAY
        hours = (self.end - self.grid_start) // HOUR
        self.hour_starts = self.grid_start + HOUR * np.arange(hours + 1, dtype=np.int64)
        self.offsets = np.zeros((len(ZONES), hours + 1), dtype=np.int64)
        self.busy = np.zeros((len(ZONES), hours), dtype=np.float64)
        week = _week()
        for z in zones:
            zone = _ZONES[z]
            opening = local_midnight(z, first_month)
            for h, begin in enumerate(self.hour_starts.tolist()):
                local = datetime.fromtimestamp(begin, tz=zone)
                offset = local.utcoffset()
                self.offsets[z, h] = int(offset.total_seconds()) if offset else 0
                if opening <= begin < self.end:
                    self.busy[z, h] = week[local.weekday(), local.hour]
        self._cumulated = np.concatenate(
            [np.zeros((len(ZONES), 1)), np.cumsum(self.busy, axis=1)], axis=1
        )

    @property
    def months(self) -> int:
        """The number of months."""
        return len(self.first_days) - 1

    @property
    def days(self) -> int:
        """The number of days."""
        return (self.first_days[-1] - self.first_days[0]).days

    def label(self, month: int) -> str:
        """2026-06."""
        return self.first_days[month].strftime("%Y-%m")

    def month_of(self, instant: int) -> int:
        """The month in whose folder the instant belongs; what is earlier goes to the first."""
        return max(0, int(np.searchsorted(self.cuts, instant, side="right")) - 1)

    def hour_index(self, instants: NDArray[np.int64]) -> NDArray[np.int64]:
        """Which hour of the grid each instant lies in."""
        hours = (instants - self.grid_start) // HOUR
        return np.clip(hours, 0, self.offsets.shape[1] - 1)

    def local_seconds(
        self, zones: NDArray[np.int8], instants: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Local clock time as epoch seconds: the instant plus the zone's offset."""
        return np.asarray(instants + self.offsets[zones, self.hour_index(instants)])

    def busy_days(
        self, zones: NDArray[np.int8], begin: NDArray[np.int64], end: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """How many average days' calls fall between two instants."""
        total = np.zeros(len(zones))
        for z in range(len(ZONES)):
            mine = zones == z
            low = np.interp(begin[mine], self.hour_starts, self._cumulated[z])
            high = np.interp(end[mine], self.hour_starts, self._cumulated[z])
            total[mine] = np.maximum(high - low, 0.0)
        return total

    def windows(self, parts: int) -> list[Window]:
        """The run in order, `parts` windows to a whole UTC day, cut where a month begins."""
        edges = {self.start, *self.cuts[1:]}
        step = DAY // parts
        edges.update(range(self.grid_start, self.end, step))
        ordered = sorted(edge for edge in edges if self.start <= edge <= self.end)
        return [
            Window(i, self.month_of(begin), begin, end)
            for i, (begin, end) in enumerate(pairwise(ordered))
        ]
