"""What a history is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

Row = dict[str, str | None]

DAYS_PER_FILE = 6
SMALL_FEEDS = (
    "orders",
    "subscriber_changes",
    "rollover_adjustments",
    "rollover_opening",
)


@dataclass(frozen=True)
class Load:
    """One file."""

    feed: str
    rows: tuple[Row, ...]
    carrier: str | None = None
    as_of: datetime | None = None


@dataclass(frozen=True)
class Close:
    """One close."""

    through: date
    bill_cycle_day: int | None = None


@dataclass(frozen=True)
class Build:
    """A build that nobody looks at."""


@dataclass(frozen=True)
class Freeze:
    """What billing systems are told before a bill is frozen; of all accounts, or of some."""

    request_id: str
    account_ids: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Reports:
    """Other billing systems report the cycles that have ended by a day: a file whose rows depend on
    what Tandem knows by then (`insiders.py`)."""

    day: date
    seed: str


@dataclass(frozen=True)
class Agents:
    """Agents adjust buckets that exist: a file made like that of reports."""

    day: date
    seed: str


@dataclass(frozen=True)
class Checkpoint:
    """Here the whole warehouse is compared."""


Step = Load | Close | Build | Freeze | Reports | Agents | Checkpoint


@dataclass
class Account:
    """What the generator knows of an account."""

    account_id: str
    zone: ZoneInfo
    bill_cycle_day: int
    opened_on: date
    row: Row
    lines: list[tuple[str, str]] = field(default_factory=list)  # carrier, number
    plans: list[tuple[date, str]] = field(default_factory=list)  # ordered on which day


@dataclass(frozen=True)
class History:
    """Everything that happens, by the day on which it arrives."""

    accounts: tuple[Account, ...]
    arrivals: tuple[tuple[date, Load], ...]
    turns: tuple[tuple[date, Step], ...] = ()  # builds, frozen requests, reports

    def steps(
        self, closes: Sequence[tuple[date, Close]], checkpoints: Sequence[date]
    ) -> list[Step]:
        """Loads, builds, requests, reports, closes and checkpoints in order of the day."""
        events: list[tuple[date, int, int, Step]] = []
        for place, (day, load) in enumerate(self.arrivals):
            events.append((day, 0, place, load))
        for place, (day, step) in enumerate(self.turns):
            events.append((day, 1, place, step))
        for place, (day, close) in enumerate(closes):
            events.append((day, 3, place, close))
        for place, day in enumerate(checkpoints):
            events.append((day, 2, place, Checkpoint()))
            events.append((day, 4, place, Checkpoint()))
        events.sort(key=lambda event: event[:3])
        return _filed([(day, step) for day, _, _, step in events])


def _filed(events: Sequence[tuple[date, Step]]) -> list[Step]:
    """Rows of small feeds that arrive within the same days come in one file per carrier."""
    steps: list[Step] = []
    places: dict[tuple[str, str | None, int], int] = {}
    for day, step in events:
        if not isinstance(step, Load):
            places.clear()
            steps.append(step)
            continue
        key = (step.feed, step.carrier, day.toordinal() // DAYS_PER_FILE)
        if step.feed in SMALL_FEEDS and key in places:
            earlier = steps[places[key]]
            assert isinstance(earlier, Load)
            steps[places[key]] = replace(earlier, rows=earlier.rows + step.rows)
        else:
            places[key] = len(steps)
            steps.append(step)
    return steps
