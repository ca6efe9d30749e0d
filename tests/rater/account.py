"""What is known of one account now: its cycles, plan history, orders that count."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from .catalog import Catalog, PlanPool
from .cycles import Calendar, Cycle, zone
from .feeds import Account, PoolKey, Report
from .orders import AccountOrders, Counted, OrderKey, PlanSpan, clip, merge, replay

SOURCES = {"plan": 0, "adjustment": 1, "resale": 2}  # the order of draws (rules 4.2)


@dataclass
class Bucket:
    bucket_id: str
    account_id: str
    pool_id: str
    source: str  # plan | adjustment | resale
    earned_cycle_start: date
    available_from: date
    last_cycle: int  # ordinal of the last cycle in which it can be drawn from
    earned: int
    used: int = 0
    debited: int = 0
    expired: int = 0
    archived: bool = False
    resold: int = 0  # of what expired, what was sold again
    deferred: int = 0  # all in cents
    recognised: int = 0
    broken: int = 0

    @property
    def remaining(self) -> int:
        return self.earned - self.used - self.debited - self.expired

    @property
    def draw_order(self) -> tuple[date, int, str]:
        """Rules 4.2."""
        return (self.available_from, SOURCES[self.source], self.bucket_id)


@dataclass
class PoolState:
    """The rollover of an account and pool."""

    pool_id: str
    buckets: dict[str, Bucket] = field(default_factory=dict)


@dataclass
class AdjustmentResult:
    adjustment_id: str
    cycle_start: date
    applied: int  # base units
    unapplied: int
    over_resale: bool = False


@dataclass
class OpeningResult:
    """What became of an opening balance."""

    key: PoolKey
    bucket_id: str
    cycle_start: date  # of the cycle in which it landed
    quantity: int  # base units
    as_of: datetime
    exception_type: str | None = None  # why it was not taken over


@dataclass
class ReportException:
    """Where a report of another billing system disagrees with Tandem; in base units."""

    exception_type: str
    report: Report
    expected: int
    found: int


@dataclass
class AccountState:
    """What closes have made final for one account."""

    account_id: str
    closed: list[Cycle] = field(default_factory=list)
    frozen_plans: list[PlanSpan] = field(default_factory=list)
    locked_orders: dict[OrderKey, Counted] = field(default_factory=dict)
    pools: dict[str, PoolState] = field(default_factory=dict)
    adjustments: dict[str, AdjustmentResult] = field(default_factory=dict)
    matrix: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    billed_elsewhere: set[int] = field(default_factory=set)  # ordinals of reported cycles
    openings: dict[PoolKey, OpeningResult] = field(default_factory=dict)
    used_reports: set[PoolKey] = field(default_factory=set)  # those that ended a cycle
    report_exceptions: list[ReportException] = field(default_factory=list)

    @property
    def frozen_until(self) -> date | None:
        return self.closed[-1].end if self.closed else None


@dataclass(frozen=True)
class Segment:
    """The days of one plan in one cycle."""

    plan_id: str
    start: date
    end: date

    @property
    def days(self) -> int:
        return (self.end - self.start).days


class AccountView:
    def __init__(
        self,
        catalog: Catalog,
        account: Account,
        state: AccountState,
        orders: AccountOrders,
        not_before: date | None,
    ) -> None:
        self.catalog = catalog
        self.account = account
        self.state = state
        self.orders = orders
        self.calendar = Calendar(
            state.closed,
            account.opened_on,
            account.bill_cycle_day,
            account.time_zone,
            not_before,
        )
        self.counted = orders.counted()
        # What all orders that count yield; "plans are in effect only on days on which the account
        # is open (`opened_on` to before `closed_on`)" (rules 1).
        self.yielded = replay(catalog, self.counted, account.opened_on, account.closed_on)
        # From the start of the first open cycle on that is the history; the part before is frozen.
        frozen_until = state.frozen_until
        self.history = merge([*state.frozen_plans, *clip(self.yielded, frozen_until, None)])
        self._plan_at: dict[tuple[str, date], str | None] = {}
        self._spans: dict[str, list[tuple[date, date | None, int]]] = {}

    @property
    def account_id(self) -> str:
        return self.account.account_id

    @property
    def first_open(self) -> Cycle:
        return self.calendar.cycle(self.calendar.first_open)

    def plan_at(self, carrier_id: str, on: date) -> str | None:
        """The plan of a record is the one in effect at its carrier. Where the frozen history has
        none, the plan that all orders counting now yield for that date (rules 1.3)."""
        key = (carrier_id, on)
        if key not in self._plan_at:
            plan_id = self._find(self.history, carrier_id, on)
            frozen_until = self.state.frozen_until
            if plan_id is None and frozen_until is not None and on < frozen_until:
                plan_id = self._find(self.yielded, carrier_id, on)
            self._plan_at[key] = plan_id
        return self._plan_at[key]

    def _find(self, spans: list[PlanSpan], carrier_id: str, on: date) -> str | None:
        for span in spans:
            if (
                span.start <= on
                and (span.end is None or on < span.end)
                and carrier_id in self.catalog.plans[span.plan_id].carriers
            ):
                return span.plan_id
        return None

    def segments(self, cycle: Cycle) -> list[Segment]:
        return [
            Segment(span.plan_id, span.start, span.end)
            for span in clip(self.history, cycle.start, cycle.end)
            if span.end is not None
        ]

    def pool_rules_on(self, pool_id: str, on: date) -> PlanPool | None:
        """The plan in effect on a day that has the pool, of several the first by plan_id
        (rules 4)."""
        plans = sorted(
            span.plan_id
            for span in self.history
            if span.start <= on and (span.end is None or on < span.end)
        )
        for plan_id in plans:
            pool = self.catalog.pools.get(plan_id, {}).get(pool_id)
            if pool is not None:
                return pool
        return None

    def rollover_on(self, pool_id: str, on: date) -> PlanPool | None:
        pool = self.pool_rules_on(pool_id, on)
        return pool if pool is not None and pool.has_rollover else None

    def pools_ever(self) -> set[str]:
        return {
            pool_id for span in self.history for pool_id in self.catalog.pools.get(span.plan_id, {})
        }

    def rollover_spans(self, pool_id: str) -> list[tuple[date, date | None, int]]:
        """The periods of days with rollover for the pool, each with the retention R of the plan
        that it ended with: (first day, first day without, R)."""
        if pool_id not in self._spans:
            edges = {span.start for span in self.history}
            edges |= {span.end for span in self.history if span.end is not None}
            ordered = sorted(edges)
            spans: list[tuple[date, date | None, int]] = []
            for index, edge in enumerate(ordered):
                until = ordered[index + 1] if index + 1 < len(ordered) else None
                pool = self.rollover_on(pool_id, edge)
                if pool is None:
                    continue
                retention = self.catalog.plans[pool.plan_id].rollover_retention_cycles
                if spans and spans[-1][1] == edge:
                    spans[-1] = (spans[-1][0], until, retention)
                else:
                    spans.append((edge, until, retention))
            self._spans[pool_id] = spans
        return self._spans[pool_id]

    def leaving(self, pool_id: str, last_day: date) -> tuple[date, int] | None:
        """For a day without rollover for the pool: (ended_at, R) of the last leaving before; None
        if there never was rollover."""
        ended = [
            (end, retention)
            for _, end, retention in self.rollover_spans(pool_id)
            if end is not None and end <= last_day
        ]
        return ended[-1] if ended else None

    def became_customer_at(self, pool_id: str) -> date | None:
        spans = self.rollover_spans(pool_id)
        return spans[0][0] if spans else None

    def expires_on(self, bucket: Bucket) -> date:
        """The end of the X-th cycle in which it was available (rules 4.4)."""
        return self.calendar.cycle(bucket.last_cycle).end

    def local(self, at: datetime) -> datetime:
        """Local time by the time zone of the cycle that contains the instant: for closed cycles
        the one they were closed with."""
        cycle = self.calendar.of_instant(at)
        return at.astimezone(zone(cycle.time_zone if cycle else self.account.time_zone))
