"""Billing cycles of one account (domain, Terms; rules 1, Cycles)."""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo


@cache
def zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def local_midnight(on: date, time_zone: str) -> datetime:
    """The first instant of the local date. (fold=0: of two midnights on a day on which clocks go
    back the first; of a skipped one the instant of the jump.)"""
    return datetime.combine(on, time.min, tzinfo=zone(time_zone)).astimezone(UTC)


def local_date(at: datetime, time_zone: str) -> date:
    return at.astimezone(zone(time_zone)).date()


def add_months(on: date, months: int) -> date:
    """Only for days 1 to 28, which every month has."""
    index = on.year * 12 + on.month - 1 + months
    return date(index // 12, index % 12 + 1, on.day)


def month_after(on: date) -> date:
    """The same day of the next month, or its last: `date + interval '1 month'`."""
    first = add_months(on.replace(day=1), 1)
    last = add_months(first, 1) - timedelta(days=1)
    return last.replace(day=min(on.day, last.day))


def regular_cycle_start(on: date, bill_cycle_day: int) -> date:
    start = on.replace(day=bill_cycle_day)
    return start if bill_cycle_day <= on.day else add_months(start, -1)


def next_cycle_day(after: date, bill_cycle_day: int) -> date:
    """The next such day strictly after a date."""
    return add_months(regular_cycle_start(after, bill_cycle_day), 1)


@dataclass(frozen=True)
class Cycle:
    ordinal: int  # 0 = the first cycle of the account; lives of buckets are counted in these
    start: date
    end: date  # the day after the last
    start_at: datetime
    end_at: datetime
    time_zone: str

    @property
    def last_day(self) -> date:
        return self.end - timedelta(days=1)

    @property
    def days(self) -> int:
        """Rules 1, Cycles: "days of the cycle" are those of the regular month that ends there,
        in every proration."""
        return (self.end - add_months(self.end, -1)).days


class Calendar:
    """The closed cycles as they were closed, then open ones by the account's present row ("a later
    load replaces an earlier one for the account, from the first open cycle on", feeds)."""

    def __init__(
        self,
        closed: list[Cycle],
        opened_on: date,
        bill_cycle_day: int,
        time_zone: str,
        not_before: date | None,
    ) -> None:
        self.bill_cycle_day = bill_cycle_day
        self.time_zone = time_zone
        self.first_open = len(closed)
        self.cycles = list(closed)
        self._ends_at = [cycle.end_at for cycle in closed]
        if not closed:
            # Rules 1, Cycles: the first cycle is the one that contains opened_on or, if later,
            # the one that contains first_billing_date (of an external account also the day on
            # which what we know of it begins).
            start = regular_cycle_start(opened_on, bill_cycle_day)
            if not_before is not None:
                start = max(start, regular_cycle_start(not_before, bill_cycle_day))
            self._append(start, local_midnight(start, time_zone))
        else:
            # After a change of bill cycle day or time zone the first open cycle runs from the end
            # of the last closed one to the next such day.
            self._append(closed[-1].end, closed[-1].end_at)

    def _append(self, start: date, start_at: datetime) -> None:
        end = next_cycle_day(start, self.bill_cycle_day)
        end_at = local_midnight(end, self.time_zone)
        self.cycles.append(Cycle(len(self.cycles), start, end, start_at, end_at, self.time_zone))
        self._ends_at.append(end_at)

    def cycle(self, ordinal: int) -> Cycle:
        while len(self.cycles) <= ordinal:
            last = self.cycles[-1]
            self._append(last.end, last.end_at)
        return self.cycles[ordinal]

    def of_instant(self, at: datetime) -> Cycle | None:
        """The cycle that contains the instant; None before the account's first cycle."""
        if at < self.cycles[0].start_at:
            return None
        while self._ends_at[-1] <= at:
            self.cycle(len(self.cycles))
        return self.cycles[bisect_right(self._ends_at, at)]

    def ordinal_of_day(self, on: date) -> int:
        """The ordinal of the cycle that contains a date; -1 before the first cycle."""
        if on < self.cycles[0].start:
            return -1
        while self.cycles[-1].end <= on:
            self.cycle(len(self.cycles))
        return next(c.ordinal for c in reversed(self.cycles) if c.start <= on)

    def landing(self, at: datetime) -> Cycle:
        """The earliest cycle from the instant's own on that is not closed; what lies before the
        first cycle goes into the first open one."""
        own = self.of_instant(at)
        ordinal = self.first_open if own is None else max(own.ordinal, self.first_open)
        return self.cycle(ordinal)
