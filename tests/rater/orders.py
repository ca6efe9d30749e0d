"""Orders: counterparts, carriers concerned, sync, and the plan history they yield
(rules 1, Effective plans; rules 7)."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from .catalog import Catalog
from .feeds import Order

PLAN_ACTIONS = ("subscribe", "change_plan", "cancel")
MATCH_WITHIN = timedelta(hours=72)
GRACE = timedelta(hours=24)
DEAD = ("failed", "withdrawn")
# the worst first (rules 7: "overall the worst of")
SYNC_STATUSES = (
    "counterpart_failed",
    "mismatched",
    "missing_counterpart",
    "awaiting_counterpart",
    "in_sync",
)

OrderKey = tuple[str, str]
StatusOf = Callable[[Order], str | None]
Matches = dict[OrderKey, dict[str, Order]]  # order -> other carrier -> counterpart


class PlanSpan(NamedTuple):
    """A plan in effect from a date to before another (None = no end)."""

    plan_id: str
    start: date
    end: date | None


@dataclass(frozen=True)
class Counted:
    """An order that counts: when, and thanks to which counterparts."""

    order_key: OrderKey
    action: str
    plan_id: str
    effective_on: date
    requested_at: datetime
    counterparts: tuple[OrderKey, ...]

    @property
    def sequence(self) -> tuple[date, datetime, OrderKey]:
        """Rules 1: by date, on one date by requested_at (of a pair the earlier one), then
        carrier_id, order_id."""
        return (self.effective_on, self.requested_at, self.order_key)


@dataclass(frozen=True)
class SyncRow:
    order: Order
    carrier_id: str  # the other carrier
    counterpart: Order | None
    status: str


def match_orders(orders: Iterable[Order], status_of: StatusOf) -> Matches:
    """Rules 7: which orders are counterparts; one to one per pair of carriers."""
    present = [order for order in orders if status_of(order) is not None]
    pairs = []
    for index, one in enumerate(present):
        for two in present[index + 1 :]:
            if one.carrier_id == two.carrier_id or one.account_id != two.account_id:
                continue
            named = (
                one.counterpart_order_id == two.order_id or two.counterpart_order_id == one.order_id
            )
            apart = abs(one.requested_at - two.requested_at)
            alike = (
                one.action == two.action
                and one.plan_id is not None
                and one.plan_id == two.plan_id
                and apart <= MATCH_WITHIN
            )
            if not (named or alike):
                continue
            dead = status_of(one) in DEAD or status_of(two) in DEAD
            first, second = sorted((one, two), key=lambda o: o.key)
            pairs.append(((dead, not named, apart, first.key, second.key), first, second))
    matches: Matches = {}
    for _, first, second in sorted(pairs, key=lambda pair: pair[0]):
        of_first = matches.setdefault(first.key, {})
        of_second = matches.setdefault(second.key, {})
        if second.carrier_id not in of_first and first.carrier_id not in of_second:
            of_first[second.carrier_id] = second
            of_second[first.carrier_id] = first
    return matches


def replay(
    catalog: Catalog, counted: Iterable[Counted], opened_on: date, closed_on: date | None
) -> list[PlanSpan]:
    """The plan history that orders yield, on the days on which the account is open."""
    in_effect: dict[str, date] = {}
    spans: list[PlanSpan] = []
    for order in sorted(counted, key=lambda c: c.sequence):
        if order.action == "cancel":
            ended = [order.plan_id] if order.plan_id in in_effect else []
        else:
            carriers = catalog.plans[order.plan_id].carriers
            ended = [p for p in in_effect if catalog.plans[p].carriers & carriers]
        for plan_id in ended:
            spans.append(PlanSpan(plan_id, in_effect.pop(plan_id), order.effective_on))
        if order.action != "cancel":
            in_effect[order.plan_id] = order.effective_on
    spans += [PlanSpan(plan_id, start, None) for plan_id, start in in_effect.items()]
    return merge(clip(spans, opened_on, closed_on))


def days_given(
    catalog: Catalog, counted: Iterable[Counted]
) -> dict[OrderKey, tuple[date, date | None]]:
    """What each order that counts does: the days that it gives its plan or, of a cancel, the first
    day without it; nothing where another order has been or comes before it."""
    holders: dict[str, Counted] = {}
    given: dict[OrderKey, tuple[date, date | None]] = {}
    for order in sorted(counted, key=lambda c: c.sequence):
        if order.action == "cancel":
            ended = [order.plan_id] if order.plan_id in holders else []
            if ended:
                given[order.order_key] = (order.effective_on, None)
        else:
            carriers = catalog.plans[order.plan_id].carriers
            ended = [p for p in holders if catalog.plans[p].carriers & carriers]
        for plan_id in ended:
            holder = holders.pop(plan_id)
            if holder.effective_on < order.effective_on:
                given[holder.order_key] = (holder.effective_on, order.effective_on)
        if order.action != "cancel":
            holders[order.plan_id] = order
    for holder in holders.values():
        given[holder.order_key] = (holder.effective_on, None)
    return given


def clip(spans: Iterable[PlanSpan], start: date | None, end: date | None) -> list[PlanSpan]:
    clipped = []
    for span in spans:
        from_ = span.start if start is None else max(span.start, start)
        ends = [e for e in (span.end, end) if e is not None]
        to = min(ends) if ends else None
        if to is None or from_ < to:
            clipped.append(PlanSpan(span.plan_id, from_, to))
    return clipped


def merge(spans: Iterable[PlanSpan]) -> list[PlanSpan]:
    """Days of one plan that follow each other are one segment."""
    merged: list[PlanSpan] = []
    for span in sorted(spans, key=lambda s: (s.plan_id, s.start)):
        if span.end is not None and span.end <= span.start:
            continue
        last = merged[-1] if merged else None
        if last and last.plan_id == span.plan_id and (last.end is None or span.start <= last.end):
            end = None if last.end is None or span.end is None else max(last.end, span.end)
            merged[-1] = PlanSpan(last.plan_id, last.start, end)
        else:
            merged.append(span)
    return sorted(merged, key=lambda s: (s.start, s.plan_id))


class AccountOrders:
    """All orders of one account, judged by what is loaded now."""

    def __init__(
        self, catalog: Catalog, orders: Iterable[Order], locked: Mapping[OrderKey, Counted]
    ) -> None:
        self.catalog = catalog
        self.orders = sorted(orders, key=lambda o: o.key)
        self.by_key = {order.key: order for order in self.orders}
        self.locked = locked
        self.matches = match_orders(self.orders, lambda order: order.status)
        self.completed = [
            order
            for order in self.orders
            if order.action in PLAN_ACTIONS and order.status == "completed"
        ]
        self.known = [order for order in self.completed if order.plan_id in catalog.plans]
        self._sequence = {order.key: self._sequence_of(order) for order in self.known}
        self.concerned = {order.key: self._concerned(order) for order in self.known}

    def _sequence_of(self, order: Order) -> tuple[date, datetime, OrderKey]:
        """The order of section 1 for any completed order: of a pair the later date and the
        earlier request; its pair = its completed counterparts with the same plan and action."""
        group = [order] + [
            other
            for other in self.matches.get(order.key, {}).values()
            if other.status == "completed"
            and other.plan_id == order.plan_id
            and other.action == order.action
        ]
        return (
            max(o.effective_on for o in group),
            min(o.requested_at for o in group),
            order.key,
        )

    def old_plans(self, order: Order) -> set[str]:
        """Rules 7: the plans of the account's earlier completed orders (in the order of section 1,
        whether or not those count, own counterparts left out) that occupy a carrier of the new
        plan and were not replaced or cancelled by a later one of them."""
        assert order.plan_id is not None
        if order.action == "cancel":
            return {order.plan_id}
        own = {other.key for other in self.matches.get(order.key, {}).values()}
        standing: set[str] = set()
        for earlier in sorted(self.known, key=lambda o: self._sequence[o.key]):
            if self._sequence[earlier.key] >= self._sequence[order.key]:
                break
            if earlier.key in own:
                continue
            assert earlier.plan_id is not None
            if earlier.action == "cancel":
                standing.discard(earlier.plan_id)
            else:
                carriers = self.catalog.plans[earlier.plan_id].carriers
                standing = {p for p in standing if not self.catalog.plans[p].carriers & carriers}
                standing.add(earlier.plan_id)
        carriers = self.catalog.plans[order.plan_id].carriers
        return {p for p in standing if self.catalog.plans[p].carriers & carriers}

    def _concerned(self, order: Order) -> frozenset[str]:
        """Carriers concerned: those of its old plans and of the new plan, as far as these are
        integrated, and its own."""
        assert order.plan_id is not None
        carriers = {order.carrier_id}
        for plan_id in self.old_plans(order) | {order.plan_id}:
            plan = self.catalog.plans[plan_id]
            if plan.is_integrated:
                carriers |= plan.carriers
        return frozenset(carriers)

    def others(self, order: Order) -> list[str]:
        return sorted(self.concerned[order.key] - {order.carrier_id})

    def judge(
        self,
        order: Order,
        counterpart: Order | None,
        counterpart_status: str | None,
        at: datetime | None,
    ) -> str:
        """The sync status of an order against one other carrier (rules 7)."""
        if counterpart is not None and counterpart_status in DEAD:
            return "counterpart_failed"
        if counterpart is not None and counterpart_status == "completed":
            assert order.plan_id is not None
            tolerance = self.catalog.plans[order.plan_id].sync_tolerance_days
            apart = abs((counterpart.effective_on - order.effective_on).days)
            agrees = (
                counterpart.plan_id == order.plan_id
                and counterpart.action == order.action
                and apart <= tolerance
            )
            return "in_sync" if agrees else "mismatched"
        # none, or still submitted
        if at is not None and at < order.requested_at + GRACE:
            return "awaiting_counterpart"
        return "missing_counterpart"

    def sync_rows(self, order: Order, as_of: datetime | None) -> list[SyncRow]:
        rows = []
        for carrier_id in self.others(order):
            other = self.matches.get(order.key, {}).get(carrier_id)
            status = self.judge(order, other, other.status if other else None, as_of)
            rows.append(SyncRow(order, carrier_id, other, status))
        return rows

    def sync_status(self, order: Order, as_of: datetime | None) -> str:
        statuses = {row.status for row in self.sync_rows(order, as_of)} | {"in_sync"}
        return next(status for status in SYNC_STATUSES if status in statuses)

    def counted(self) -> list[Counted]:
        """The orders that count now, with the dates from which they do."""
        return [c for c in (self._count(order) for order in self.known) if c is not None]

    def _count(self, order: Order) -> Counted | None:
        assert order.plan_id is not None
        # Rules 1: an order that counted at a close keeps counting unless it or a counterpart is
        # withdrawn. (That it is itself still completed is known here.)
        locked = self.locked.get(order.key)
        if locked is not None and all(
            self.by_key[key].status != "withdrawn" for key in locked.counterparts
        ):
            return locked
        rows = self.sync_rows(order, None)
        if any(row.status != "in_sync" for row in rows):
            return None
        group = [order] + [row.counterpart for row in rows if row.counterpart is not None]
        return Counted(
            order_key=order.key,
            action=order.action,
            plan_id=order.plan_id,
            effective_on=max(o.effective_on for o in group),  # of the pair the later one
            requested_at=min(o.requested_at for o in group),  # of a pair the earlier one
            counterparts=tuple(o.key for o in group[1:]),
        )
