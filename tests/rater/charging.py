"""One cycle of one account: opening balances, adjustments, who pays for each record, expiry,
earning, leaving (rules 3 and 4); also a cycle that another billing system has charged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from .account import (
    AccountView,
    AdjustmentResult,
    Bucket,
    OpeningResult,
    PoolState,
    ReportException,
    Segment,
)
from .arith import cents, charge, money, round_int
from .catalog import PlanPool
from .cycles import Cycle, month_after
from .feeds import Adjustment, Opening, Report
from .rating import Usage


@dataclass
class PoolCycle:
    """What happened to one pool in one cycle; all in base units."""

    pool_id: str
    rules: PlanPool | None  # of the plan that decides, if it has rollover for the pool
    burn_order: str
    allowance: int
    opening: int
    taken_over: int = 0  # of the opening balance, what openings brought in this cycle
    report: Report | None = None  # what another billing system did with the pool in the cycle
    plan_used: int = 0
    adjusted: int = 0
    rollover_used: int = 0
    overage: int = 0
    expired: int = 0
    accumulated: int = 0
    capped: int = 0
    archived: int = 0
    closing: int = 0
    balance_before_draws: int = 0  # what can be drawn, after adjustments
    expiring_before_draws: int = 0
    available: int = 0  # what can be drawn, after the draws of the cycle
    expiring: int = 0
    expiring_next: int = 0  # of the closing balance, at the end of the next cycle
    status: str | None = None  # active | retained | archived; None: no row in the matrix
    ended_at: date | None = None

    @property
    def has_rollover(self) -> bool:
        return self.rules is not None


@dataclass
class OneTime:
    """A resale or extension that was applied, with its charge."""

    adjustment: Adjustment
    plan_id: str
    quantity: int  # base units sold or extended
    rate: Fraction
    amount: Decimal


@dataclass
class Posting:
    """A journal entry on a bucket (rules 8)."""

    event: str
    bucket_id: str
    debit_account: str
    credit_account: str
    amount: Decimal


@dataclass
class CycleResult:
    cycle: Cycle
    segments: list[Segment]
    fees: list[Decimal]  # of the segments
    usages: list[Usage] = field(default_factory=list)
    reversals: list[Usage] = field(default_factory=list)
    pools: dict[str, PoolCycle] = field(default_factory=dict)
    adjustments: list[AdjustmentResult] = field(default_factory=list)
    openings: list[OpeningResult] = field(default_factory=list)
    report_exceptions: list[ReportException] = field(default_factory=list)
    one_times: list[OneTime] = field(default_factory=list)
    archive: list[tuple[str, str, int]] = field(default_factory=list)  # pool, bucket, quantity
    postings: list[Posting] = field(default_factory=list)


class CycleCharger:
    """Charges one cycle against the states of the pools, which it changes. With `closing` it also
    expires, earns, freezes and archives: "until a cycle is closed it neither earns nor expires".
    `reports`, by pool, are those that end a cycle of an external account."""

    def __init__(
        self,
        view: AccountView,
        cycle: Cycle,
        states: dict[str, PoolState],
        closing: bool,
        reports: Mapping[str, Report] | None = None,
    ) -> None:
        self.view = view
        self.catalog = view.catalog
        self.cycle = cycle
        self.states = states
        self.closing = closing
        self.reports = reports or {}
        segments = view.segments(cycle)
        # Rules 5.1: per plan segment, round(monthly_fee * days / days of cycle, 2).
        fees = [
            money(self.catalog.plans[s.plan_id].monthly_fee * s.days / cycle.days) for s in segments
        ]
        self.result = CycleResult(cycle, segments, fees)
        self.no_charge_left: dict[tuple[str, str], int] = {}

    def run(
        self,
        usages: list[Usage],
        reversals: list[Usage],
        adjustments: list[Adjustment],
        openings: Sequence[Opening] = (),
    ) -> CycleResult:
        result = self.result
        taken_over: dict[str, int] = {}
        for opening in sorted(openings, key=lambda o: o.key):
            pool_id = opening.pool_id
            taken_over[pool_id] = taken_over.get(pool_id, 0) + self._take_over(opening)
        wanted = self.view.pools_ever() | set(self.states) | set(self.reports)
        wanted |= {u.pool_id for u in usages if u.pool_id is not None}
        wanted |= {a.pool_id for a in adjustments}
        for pool_id in sorted(wanted):
            result.pools[pool_id] = self._open_pool(pool_id)
            result.pools[pool_id].taken_over = taken_over.get(pool_id, 0)
        # Rules 4, in this order: 1. adjustments; what gives units first, debits after, each by
        # (adjusted_at, adjustment_id).
        for adjustment in sorted(
            adjustments, key=lambda a: (a.action == "debit", a.adjusted_at, a.adjustment_id)
        ):
            result.adjustments.append(self._adjust(adjustment))
        for pool in result.pools.values():
            pool.balance_before_draws, pool.expiring_before_draws = self._balance(pool.pool_id)
            if self.closing:
                # Rules 8: target so far, taken after debits, goes to breakage_revenue.
                for bucket in self._unarchived(pool.pool_id):
                    self._recognise(bucket, "breakage", self._target(bucket))
        # 2. draw
        for usage in sorted(usages, key=lambda u: u.charging_order):
            usage.cycle = self.cycle
            self._charge(usage)
            result.usages.append(usage)
        for pool in result.pools.values():
            if pool.report is not None:
                self._charge_as_reported(pool, pool.report)
        for reversal in sorted(reversals, key=lambda u: u.charging_order):
            reversal.cycle = self.cycle
            result.reversals.append(reversal)
        for pool in result.pools.values():
            pool.available, pool.expiring = self._balance(pool.pool_id)
        if self.closing:
            for pool in result.pools.values():
                self._close_pool(pool)
        for pool in result.pools.values():
            live = self._live(pool.pool_id)
            pool.closing = sum(b.remaining for b in live)
            pool.expiring_next = sum(
                b.remaining for b in live if b.last_cycle == self.cycle.ordinal + 1
            )
            self._matrix_status(pool)
        return result

    # --- the pool in the cycle ----------------------------------------------------------------

    def _open_pool(self, pool_id: str) -> PoolCycle:
        # Rules 3: allowance of a cycle = sum over the plan segments of the cycle of round half
        # up(allowance in base units * days of the segment / days of the cycle).
        allowance = 0
        for segment in self.result.segments:
            pool = self.catalog.pools.get(segment.plan_id, {}).get(pool_id)
            if pool is not None:
                allowance += round_int(
                    pool.allowance * pool.base_units_per_unit * segment.days / self.cycle.days
                )
        # Rules 4: the plan in effect on the last day of the cycle that has the pool (of several
        # the first by plan_id) decides for the whole cycle.
        deciding = self.view.pool_rules_on(pool_id, self.cycle.last_day)
        return PoolCycle(
            pool_id=pool_id,
            rules=deciding if deciding is not None and deciding.has_rollover else None,
            burn_order=deciding.burn_order if deciding is not None else "allowance_first",
            allowance=allowance,
            opening=sum(b.remaining for b in self._live(pool_id)),
            report=self.reports.get(pool_id),
        )

    def _unarchived(self, pool_id: str) -> list[Bucket]:
        state = self.states.get(pool_id)
        return [b for b in state.buckets.values() if not b.archived] if state else []

    def _live(self, pool_id: str) -> list[Bucket]:
        buckets = [b for b in self._unarchived(pool_id) if b.remaining > 0]
        return sorted(buckets, key=lambda b: b.draw_order)

    def _drawable(self, pool_id: str) -> list[Bucket]:
        """Buckets not past `expires_on`, of a pool that has rollover in the cycle."""
        if not self.result.pools[pool_id].has_rollover:
            return []
        return [b for b in self._live(pool_id) if b.last_cycle >= self.cycle.ordinal]

    def _balance(self, pool_id: str) -> tuple[int, int]:
        """What can be drawn, and of it what expires at the end of this cycle."""
        drawable = self._drawable(pool_id)
        expiring = [b.remaining for b in drawable if b.last_cycle == self.cycle.ordinal]
        return sum(b.remaining for b in drawable), sum(expiring)

    # --- opening balances -----------------------------------------------------------------------

    def _take_over(self, opening: Opening) -> int:
        """What another system kept becomes the plan bucket
        `<account>-<pool>-<earned YYYYMMDD>-plan`, in the first open cycle. Gives the units taken
        over."""
        earned_in = opening.earned_cycle_start
        bucket_id = self._bucket_id(opening.pool_id, earned_in, "plan")
        quantity = self._base_quantity(opening.pool_id, opening.quantity)
        result = OpeningResult(
            opening.key, bucket_id, self.cycle.start, quantity, as_of=opening.as_of
        )
        self.result.openings.append(result)
        buckets = self._state(opening.pool_id).buckets
        if opening.expires_on <= self.cycle.start:
            result.exception_type = "opening_expired"
            return 0
        # A bucket of that id exists already; or will, since what is earned from our first cycle on
        # is ours to earn.
        if bucket_id in buckets or earned_in >= self.view.calendar.cycle(0).start:
            result.exception_type = "opening_exists"
            return 0
        # it expires at the end of the first cycle, from the landing one on, whose cycle_end >=
        # expires_on
        last_cycle = self.cycle.ordinal
        while self.view.calendar.cycle(last_cycle).end < opening.expires_on:
            last_cycle += 1
        bucket = Bucket(
            bucket_id=bucket_id,
            account_id=self.view.account_id,
            pool_id=opening.pool_id,
            source="plan",
            earned_cycle_start=earned_in,
            available_from=min(month_after(earned_in), self.cycle.start),
            last_cycle=last_cycle,
            earned=quantity,
            deferred=cents(money(opening.deferred_amount)),
        )
        buckets[bucket_id] = bucket
        if self.closing:
            self._post("opening", bucket, "opening_balances", "deferred_revenue", bucket.deferred)
        return quantity

    def _base_quantity(self, pool_id: str, units: Fraction) -> int:
        unit_type = self.catalog.pool_unit_type[pool_id]
        return round_int(units * self.catalog.base_units[unit_type])

    # --- a cycle that another billing system reported -------------------------------------------

    def _charge_as_reported(self, pool: PoolCycle, report: Report) -> None:
        """Allowance and plan_used as reported; `rollover_used` is drawn from buckets in draw order,
        at most what can be drawn; overage = reported overage - what was drawn."""
        wanted = self._base_quantity(pool.pool_id, report.rollover_used)
        pool.allowance = self._base_quantity(pool.pool_id, report.allowance)
        pool.plan_used = self._base_quantity(pool.pool_id, report.plan_used)
        pool.rollover_used = sum(taken for _, taken in self._take(pool.pool_id, wanted))
        pool.overage = self._base_quantity(pool.pool_id, report.overage) - pool.rollover_used
        if wanted > pool.rollover_used:
            self._disagree("report_overdrawn", report, pool.rollover_used, wanted)

    def _check_reported_end(self, pool: PoolCycle, report: Report, accumulable: int) -> None:
        """`report_expired` and `report_accumulated`: what the report says of the end of the cycle
        against our own state."""
        expired = self._base_quantity(pool.pool_id, report.expired)
        if expired != pool.expired:
            self._disagree("report_expired", report, pool.expired, expired)
        accumulated = self._base_quantity(pool.pool_id, report.accumulated)
        if accumulated != accumulable:
            self._disagree("report_accumulated", report, accumulable, accumulated)

    def _disagree(self, exception_type: str, report: Report, expected: int, found: int) -> None:
        self.result.report_exceptions.append(
            ReportException(exception_type, report, expected, found)
        )

    # --- adjustments (rules 4.1) ----------------------------------------------------------------

    def _adjust(self, adjustment: Adjustment) -> AdjustmentResult:
        pool = self.result.pools[adjustment.pool_id]
        quantity = self._base_quantity(adjustment.pool_id, adjustment.quantity)
        result = AdjustmentResult(adjustment.adjustment_id, self.cycle.start, 0, quantity)
        if pool.rules is None:
            return result  # "stay unapplied, and visible"
        match adjustment.action:
            case "credit":
                self._new_bucket(adjustment, pool.rules, "adjustment", quantity)
                result.applied = quantity
            case "debit":
                result.applied = self._debit(adjustment.pool_id, quantity)
            case "resale":
                result.applied = self._resell(adjustment, pool.rules, quantity)
                result.over_resale = result.applied < quantity
            case "extension":
                if self._extend(adjustment, pool.rules):
                    result.applied = quantity
        result.unapplied = quantity - result.applied
        if adjustment.action == "debit":
            pool.adjusted -= result.applied
        elif adjustment.action != "extension":
            pool.adjusted += result.applied
        return result

    def _new_bucket(
        self, adjustment: Adjustment, rules: PlanPool, source: str, quantity: int
    ) -> None:
        """A bucket available from that same cycle, life X cycles counting that one."""
        if quantity == 0:
            return
        bucket = Bucket(
            bucket_id=self._bucket_id(adjustment.pool_id, self.cycle.start, source)
            + f"-{adjustment.adjustment_id}",
            account_id=self.view.account_id,
            pool_id=adjustment.pool_id,
            source=source,
            earned_cycle_start=self.cycle.start,
            available_from=self.cycle.start,
            last_cycle=self.cycle.ordinal + rules.rollover_cycles - 1,
            earned=quantity,
        )
        self._state(adjustment.pool_id).buckets[bucket.bucket_id] = bucket

    def _bucket_id(self, pool_id: str, earned: date, source: str) -> str:
        return f"{self.view.account_id}-{pool_id}-{earned:%Y%m%d}-{source}"

    def _state(self, pool_id: str) -> PoolState:
        return self.states.setdefault(pool_id, PoolState(pool_id))

    def _plan_bucket(self, adjustment: Adjustment) -> Bucket | None:
        """The plan bucket earned in `bucket_cycle_start`."""
        if adjustment.bucket_cycle_start is None:
            return None
        bucket_id = self._bucket_id(adjustment.pool_id, adjustment.bucket_cycle_start, "plan")
        return self._state(adjustment.pool_id).buckets.get(bucket_id)

    def _debit(self, pool_id: str, quantity: int) -> int:
        """From the oldest available units; what exceeds the balance is unapplied."""
        left = quantity
        for bucket in self._drawable(pool_id):
            taken = min(left, bucket.remaining)
            bucket.debited += taken
            left -= taken
        return quantity - left

    def _resell(self, adjustment: Adjustment, rules: PlanPool, quantity: int) -> int:
        """At most what expired and was not resold yet."""
        old = self._plan_bucket(adjustment)
        applied = 0 if old is None else min(quantity, old.expired - old.resold)
        if old is None or applied == 0:
            return 0
        old.resold += applied
        self._new_bucket(adjustment, rules, "resale", applied)
        # a bill line of applied quantity * `resale_rate`, rounded
        amount = money(Fraction(applied, rules.base_units_per_unit) * rules.resale_rate)
        self.result.one_times.append(
            OneTime(adjustment, rules.plan_id, applied, rules.resale_rate, amount)
        )
        return applied

    def _extend(self, adjustment: Adjustment, rules: PlanPool) -> bool:
        """The bucket, if not yet expired, gets `extend_cycles` more cycles, as a whole. (All its
        remaining units are those at the start of the cycle: only other extensions and credits can
        have come before this in the cycle, debits come after.)"""
        bucket = self._plan_bucket(adjustment)
        if bucket is None or bucket.archived or bucket.last_cycle < self.cycle.ordinal:
            return False
        assert adjustment.extend_cycles is not None
        bucket.last_cycle += adjustment.extend_cycles
        # bill line of its remaining units at the start of the cycle * `extension_rate` *
        # `extend_cycles`, rounded
        rate = rules.extension_rate
        units = Fraction(bucket.remaining, rules.base_units_per_unit)
        amount = money(units * rate * adjustment.extend_cycles)
        self.result.one_times.append(
            OneTime(adjustment, rules.plan_id, bucket.remaining, rate, amount)
        )
        return True

    # --- charging one record (rules 2.3 and 3) ------------------------------------------------

    def _charge(self, usage: Usage) -> None:
        left = usage.to_charge
        if usage.limited_rule is not None:
            # no charge while it lasts, in charging order; the part beyond it goes to the pool
            key = (usage.plan_id, usage.limited_rule.rule_id)
            free = min(left, self._no_charge_left(usage))
            self.no_charge_left[key] -= free
            usage.no_charge_quantity = free
            usage.no_charge_reason = usage.limited_rule.rule_id if free > 0 else None
            left -= free
        if usage.pool_id is None or left == 0:
            return
        pool = self.result.pools[usage.pool_id]
        if pool.burn_order == "rollover_first":
            left = self._draw(usage, pool, left)
            left = self._use_allowance(usage, pool, left)
        else:
            left = self._use_allowance(usage, pool, left)
            left = self._draw(usage, pool, left)
        if left > 0:
            usage.overage_quantity = left
            pool.overage += left
            usage.fundings.append(("overage", None, left))
            assert usage.rate is not None
            # Rules 3: round(overage quantity * overage_rate / base units per unit, 6)
            usage.charge_amount = charge(left * usage.rate / usage.base_units_per_unit)

    def _no_charge_left(self, usage: Usage) -> int:
        """Per plan and rule, in the pool's unit, prorated over the segments of that plan; of the
        cycle in which the record lands."""
        rule = usage.limited_rule
        assert rule is not None and rule.allowance is not None
        key = (usage.plan_id, rule.rule_id)
        if key not in self.no_charge_left:
            self.no_charge_left[key] = sum(
                round_int(
                    rule.allowance * usage.base_units_per_unit * segment.days / self.cycle.days
                )
                for segment in self.result.segments
                if segment.plan_id == usage.plan_id
            )
        return self.no_charge_left[key]

    def _use_allowance(self, usage: Usage, pool: PoolCycle, left: int) -> int:
        taken = min(left, pool.allowance - pool.plan_used)
        if taken > 0:
            pool.plan_used += taken
            usage.plan_quantity += taken
            usage.fundings.append(("plan", None, taken))
        return left - taken

    def _draw(self, usage: Usage, pool: PoolCycle, left: int) -> int:
        """Rules 4.2: from buckets in the order (`available_from`, source, `bucket_id`)."""
        if left == 0 or not pool.has_rollover:
            return left
        for bucket, taken in self._take(pool.pool_id, left):
            pool.rollover_used += taken
            usage.rollover_quantity += taken
            usage.fundings.append(("rollover", bucket.bucket_id, taken))
            left -= taken
        return left

    def _take(self, pool_id: str, quantity: int) -> list[tuple[Bucket, int]]:
        """Draws a quantity, at most what can be drawn: which bucket gave how much."""
        parts = []
        for bucket in self._drawable(pool_id):
            if quantity == 0:
                break
            taken = min(quantity, bucket.remaining)
            bucket.used += taken
            quantity -= taken
            parts.append((bucket, taken))
        return parts

    # --- the end of the cycle (rules 4.3, 4.4, Leaving; rules 8) ----------------------------------

    def _close_pool(self, pool: PoolCycle) -> None:
        state = self.states.get(pool.pool_id)
        ordinal = self.cycle.ordinal
        # Rules 8: after draws to rollover_revenue.
        for bucket in self._unarchived(pool.pool_id):
            self._recognise(bucket, "recognise", self._target(bucket))
        if pool.rules is None:
            if state is not None:
                self._freeze(pool, state)
            if pool.report is not None:
                self._check_reported_end(pool, pool.report, 0)
            return
        # 3. Expire: buckets with `expires_on` = this `cycle_end` lose what remains.
        for bucket in self._live(pool.pool_id):
            if bucket.last_cycle <= ordinal:
                pool.expired += bucket.remaining
                bucket.expired += bucket.remaining
                self._recognise(bucket, "breakage", bucket.deferred)
        # 4. Earn: unused allowance becomes a new bucket; the cap limits only the new bucket.
        unused = pool.allowance - pool.plan_used
        earned = unused
        if pool.rules.rollover_cap is not None:
            cap = round_int(pool.rules.rollover_cap * pool.rules.base_units_per_unit)
            balance = sum(b.remaining for b in self._live(pool.pool_id))
            earned = min(unused, max(0, cap - balance))
        if pool.report is not None:
            # least(reported accumulated, room under our cap)
            self._check_reported_end(pool, pool.report, earned)
            earned = min(earned, self._base_quantity(pool.pool_id, pool.report.accumulated))
        pool.accumulated = earned
        pool.capped = unused - earned
        if earned > 0:
            bucket = Bucket(
                bucket_id=self._bucket_id(pool.pool_id, self.cycle.start, "plan"),
                account_id=self.view.account_id,
                pool_id=pool.pool_id,
                source="plan",
                earned_cycle_start=self.cycle.start,
                available_from=self.cycle.end,
                last_cycle=ordinal + pool.rules.rollover_cycles,
                earned=earned,
            )
            self._state(pool.pool_id).buckets[bucket.bucket_id] = bucket
            self._defer(pool, bucket)

    def _freeze(self, pool: PoolCycle, state: PoolState) -> None:
        """Rules 4, Leaving: no draw, no ageing; at the close of the last of the R cycles that
        follow the cycle containing the day before `ended_at` (with R = 0: at the close of the first
        cycle whose last day has none) the buckets are archived."""
        left = self.view.leaving(pool.pool_id, self.cycle.last_day)
        if left is None:
            # Opening balances of a pool for which the account never had rollover: archived at the
            # close of the cycle in which they landed.
            is_over = True
        else:
            ended_at, retention = left
            left_in = self.view.calendar.ordinal_of_day(ended_at - timedelta(days=1))
            is_over = self.cycle.ordinal >= left_in + retention
        if is_over:
            for bucket in self._live(pool.pool_id):
                bucket.archived = True
                pool.archived += bucket.remaining
                self.result.archive.append((pool.pool_id, bucket.bucket_id, bucket.remaining))
                self._recognise(bucket, "breakage", bucket.deferred)
        # every cycle whose last day has no rollover for the pool moves their expiry by one cycle
        for bucket in state.buckets.values():
            if not bucket.archived and bucket.last_cycle >= self.cycle.ordinal:
                bucket.last_cycle += 1

    def _matrix_status(self, pool: PoolCycle) -> None:
        """Rows for pools with rollover on the last day of the cycle and, frozen, until archived
        (marts, rollover_matrix): frozen as long as there are units to freeze."""
        if pool.has_rollover:
            pool.status = "active"
        elif pool.opening > 0:
            pool.status = "archived" if pool.archived > 0 else "retained"
            left = self.view.leaving(pool.pool_id, self.cycle.last_day)
            # never had rollover: the start of the first open cycle
            pool.ended_at = left[0] if left is not None else self.view.first_open.start

    # --- deferral (rules 8) -----------------------------------------------------------------------

    def _defer(self, pool: PoolCycle, bucket: Bucket) -> None:
        """round(plan fee of the cycle * s * earned / allowance of the cycle, 2); the plan fee is
        that of the segments whose plan has the pool, as they make up the allowance. In a reported
        cycle it is the reported `plan_fee`; not given: nothing deferred."""
        assert pool.rules is not None
        share = pool.rules.deferral_fee_share
        if share is None:
            return
        fee = sum(
            (
                Fraction(amount)
                for segment, amount in zip(self.result.segments, self.result.fees, strict=True)
                if pool.pool_id in self.catalog.pools.get(segment.plan_id, {})
            ),
            Fraction(0),
        )
        if pool.report is not None:
            fee = pool.report.plan_fee or Fraction(0)
        amount = money(fee * share * bucket.earned / pool.allowance)
        bucket.deferred = cents(amount)
        self._post("defer", bucket, "plan_revenue", "deferred_revenue", bucket.deferred)

    @staticmethod
    def _target(bucket: Bucket) -> int:
        """round(deferred * (1 - remaining / earned), 2), in cents."""
        return round_int(
            Fraction(bucket.deferred * (bucket.earned - bucket.remaining), bucket.earned)
        )

    def _recognise(self, bucket: Bucket, event: str, target: int) -> None:
        due = target - bucket.recognised - bucket.broken
        if event == "recognise":
            bucket.recognised += due
            self._post(event, bucket, "deferred_revenue", "rollover_revenue", due)
        else:
            bucket.broken += due
            self._post(event, bucket, "deferred_revenue", "breakage_revenue", due)

    def _post(self, event: str, bucket: Bucket, debit: str, credit: str, amount: int) -> None:
        if amount != 0:  # an entry over nothing is none
            self.result.postings.append(
                Posting(event, bucket.bucket_id, debit, credit, Decimal(amount).scaleb(-2))
            )
