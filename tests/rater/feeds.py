"""What comes in (feeds.md): rows parsed, defaults, duplicates, conflicts, order statuses.

Rows are taken to be syntactically valid; of the reject reasons only `conflicting_duplicate`
can arise here and, for the feeds of rollover (adjustments, opening balances, reports of other
billing systems), `missing_value` and `bad_value`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from fractions import Fraction

from .arith import round_int, round_to
from .catalog import Catalog

Row = Mapping[str, str | None]


@dataclass
class LoadResult:
    load_id: int
    read: int = 0
    accepted: int = 0
    duplicate: int = 0
    rejected: list[tuple[int, str]] = field(default_factory=list)  # (row_number, reason_code)


@dataclass(frozen=True)
class Load:
    load_id: int
    feed: str
    carrier_id: str | None
    as_of: datetime | None
    loaded_at: datetime | None
    result: LoadResult


@dataclass(frozen=True)
class Cdr:
    carrier_id: str
    cdr_id: str
    action: str  # new | void
    calling_number: str | None
    called_number: str | None
    direction: str
    service: str
    call_type: str
    started_at: datetime
    quantity: int
    other_party_type: str | None
    other_party_carrier_id: str | None
    load: Load = field(compare=False)

    @property
    def served_number(self) -> str | None:
        """Rules 1.1."""
        return self.calling_number if self.direction == "originated" else self.called_number

    @property
    def other_number(self) -> str | None:
        return self.called_number if self.direction == "originated" else self.calling_number


@dataclass(frozen=True)
class SubscriberRow:
    """A row of a batch (`at` = its as-of, `change_id` None) or a change (`at` = changed_at)."""

    carrier_id: str
    account_id: str
    service_number: str
    plan_id: str | None
    status: str
    activated_at: datetime
    deactivated_at: datetime | None
    subscriber_name: str | None
    email: str | None
    at: datetime
    change_id: str | None


@dataclass(frozen=True)
class Account:
    account_id: str
    holder_name: str | None
    bill_cycle_day: int
    time_zone: str
    tax_jurisdiction_id: str | None
    opened_on: date
    closed_on: date | None
    billing_system: str

    @property
    def is_external(self) -> bool:
        """An account is external if another system than Tandem bills it."""
        return self.billing_system != OWN_BILLING


@dataclass(frozen=True)
class StatusRow:
    status: str
    status_at: datetime
    load_id: int


@dataclass
class Order:
    carrier_id: str
    order_id: str
    account_id: str
    action: str
    plan_id: str | None
    service_number: str | None
    requested_at: datetime
    effective_on: date
    counterpart_order_id: str | None
    statuses: list[StatusRow] = field(default_factory=list)  # in the order of loading

    @property
    def key(self) -> tuple[str, str]:
        return (self.carrier_id, self.order_id)

    @property
    def status(self) -> str:
        """The last loaded permitted status stands (domain, invariant 5)."""
        return self.statuses[-1].status

    def status_at(self, at: datetime) -> str | None:
        """The state at a time uses the status rows with `status_at` up to it (rules 7); of those
        the last loaded. None: the order was not there yet."""
        rows = [row for row in self.statuses if self.row_time(row) <= at]
        return rows[-1].status if rows else None

    def row_time(self, row: StatusRow) -> datetime:
        return max(self.requested_at, row.status_at)


@dataclass(frozen=True)
class Adjustment:
    adjustment_id: str
    account_id: str
    pool_id: str
    action: str
    quantity: Fraction  # in units
    reason_code: str | None
    adjusted_at: datetime
    adjusted_by: str | None
    bucket_cycle_start: date | None
    extend_cycles: int | None
    note: str | None
    load_id: int = field(compare=False)


@dataclass(frozen=True)
class Opening:
    """A balance that another system kept until Tandem took it over."""

    account_id: str
    pool_id: str
    earned_cycle_start: date
    expires_on: date
    quantity: Fraction  # in units
    deferred_amount: Fraction
    as_of: datetime
    load_id: int = field(compare=False)

    @property
    def key(self) -> "PoolKey":
        return (self.account_id, self.pool_id, self.earned_cycle_start)


@dataclass(frozen=True)
class Report:
    """What another billing system did with one pool in one cycle; quantities in units."""

    account_id: str
    pool_id: str
    cycle_start: date
    cycle_end: date
    allowance: Fraction
    plan_used: Fraction
    overage: Fraction  # before rollover
    rollover_used: Fraction
    accumulated: Fraction
    expired: Fraction
    reported_at: datetime
    plan_fee: Fraction | None
    request_id: str | None
    load_id: int = field(compare=False)

    @property
    def key(self) -> "PoolKey":
        return (self.account_id, self.pool_id, self.cycle_start)

    @property
    def quantities(self) -> tuple[Fraction, ...]:
        return (
            self.allowance,
            self.plan_used,
            self.overage,
            self.rollover_used,
            self.accumulated,
            self.expired,
        )


PoolKey = tuple[str, str, date]  # account, pool, start of a cycle

OWN_BILLING = "tandem"
ADJUSTMENT_ACTIONS = ("credit", "debit", "resale", "extension")
MAX_UNITS = 10**9
MAX_AMOUNT = 10**9
MAX_CYCLES = 1200


# Feeds, orders: "`failed` and `withdrawn` are final, `completed` is left only for `withdrawn`".
PERMITTED = {
    "submitted": {"completed", "failed", "withdrawn"},
    "completed": {"withdrawn"},
    "failed": set(),
    "withdrawn": set(),
}


def get(row: Row, column: str) -> str | None:
    """Empty = null."""
    value = row.get(column)
    return value if value else None


def need(row: Row, column: str) -> str:
    value = get(row, column)
    if value is None:
        raise ValueError(f"the row lacks {column}: {dict(row)}")
    return value


def instant(value: str | None) -> datetime | None:
    if value is None:
        return None
    parsed = datetime.fromisoformat(value)
    if parsed.tzinfo is None:
        raise ValueError(f"a time without offset: {value}")
    return parsed.astimezone(UTC)


def need_instant(row: Row, column: str) -> datetime:
    parsed = instant(need(row, column))
    assert parsed is not None
    return parsed


def day(value: str | None) -> date | None:
    return None if value is None else date.fromisoformat(value)


def need_day(row: Row, column: str) -> date:
    return date.fromisoformat(need(row, column))


def moment(row: Row, column: str) -> datetime:
    """A timestamp or a date; a date means its midnight in UTC."""
    value = need(row, column)
    if len(value) == len("2025-01-01"):
        return datetime.combine(date.fromisoformat(value), time.min, UTC)
    return need_instant(row, column)


def number(row: Row, column: str) -> Fraction | None:
    value = get(row, column)
    return None if value is None else Fraction(value)


def need_number(row: Row, column: str) -> Fraction:
    return Fraction(need(row, column))


def lacks(row: Row, *columns: str) -> bool:
    return any(get(row, column) is None for column in columns)


def is_whole_base_units(catalog: Catalog, pool_id: str, *quantities: Fraction) -> bool:
    """ "`quantity` must be a whole number of base units", where a plan of the catalog has the
    pool."""
    base = catalog.base_units_of_pool(pool_id)
    return base is None or all((q * base).denominator == 1 for q in quantities)


def is_whole_in_decimals(catalog: Catalog, pool_id: str, *quantities: Fraction) -> bool:
    """As far as six decimals can tell: a second is 0.016667 minutes to a system that has the
    figures of our marts."""
    base = catalog.base_units_of_pool(pool_id)
    return base is None or all(
        Fraction(round_to(Fraction(round_int(q * base), base), 6)) == q for q in quantities
    )


class Feeds:
    """Everything accepted so far."""

    def __init__(self) -> None:
        self.loads: list[Load] = []
        self.cdrs: dict[tuple[str, str, str], Cdr] = {}
        # (carrier, account, number) -> as-of -> row; of two rows in one batch the last stands
        self.batch_rows: dict[tuple[str, str, str], dict[datetime, SubscriberRow]] = {}
        self.batches: dict[str, set[datetime]] = {}
        self.changes: dict[tuple[str, str], SubscriberRow] = {}
        self.accounts: dict[str, Account] = {}
        self.orders: dict[tuple[str, str], Order] = {}
        self.orders_of: dict[str, list[Order]] = {}
        self.adjustments: dict[str, Adjustment] = {}
        self.openings: dict[PoolKey, Opening] = {}
        self.openings_of: dict[str, list[Opening]] = {}
        self.reports: dict[PoolKey, Report] = {}
        self.reports_of: dict[str, list[Report]] = {}
        self.latest: datetime | None = None  # the default `as_of` (domain, Terms)

    def load(
        self,
        feed: str,
        rows: Sequence[Row],
        carrier_id: str | None,
        as_of: datetime | None,
        loaded_at: datetime | None,
        catalog: Catalog,
    ) -> LoadResult:
        result = LoadResult(load_id=len(self.loads) + 1)
        load = Load(result.load_id, feed, carrier_id, as_of, loaded_at, result)
        self.loads.append(load)
        if feed == "subscribers":
            if carrier_id is None or as_of is None:
                raise ValueError("subscribers needs carrier and as_of")
            self.batches.setdefault(carrier_id, set()).add(as_of.astimezone(UTC))
            self._seen(as_of.astimezone(UTC))
        for row_number, row in enumerate(rows, start=1):
            result.read += 1
            outcome = self._take(feed, row, load, catalog)
            if outcome == "accepted":
                result.accepted += 1
            elif outcome == "duplicate":
                result.duplicate += 1
            else:
                result.rejected.append((row_number, outcome))
        return result

    def _seen(self, at: datetime) -> None:
        """`as_of`: by default the latest started_at, changed_at, requested_at, adjusted_at of
        accepted records and as-of of batches."""
        if self.latest is None or at > self.latest:
            self.latest = at

    def _take(self, feed: str, row: Row, load: Load, catalog: Catalog) -> str:
        match feed:
            case "cdrs":
                return self._take_cdr(row, load)
            case "subscribers":
                return self._take_subscriber(row, load)
            case "subscriber_changes":
                return self._take_change(row, load)
            case "accounts":
                return self._take_account(row)
            case "orders":
                return self._take_order(row, load)
            case "rollover_adjustments":
                return self._take_adjustment(row, load, catalog)
            case "rollover_opening":
                return self._take_opening(row, load, catalog)
            case "rollover_results":
                return self._take_report(row, load, catalog)
        raise ValueError(f"no such feed: {feed}")

    @staticmethod
    def _carrier(load: Load) -> str:
        if load.carrier_id is None:
            raise ValueError(f"{load.feed} needs a carrier")
        return load.carrier_id

    def _take_cdr(self, row: Row, load: Load) -> str:
        cdr = Cdr(
            carrier_id=self._carrier(load),
            cdr_id=need(row, "cdr_id"),
            action=get(row, "action") or "new",  # default
            calling_number=get(row, "calling_number"),
            called_number=get(row, "called_number"),
            direction=need(row, "direction"),
            service=need(row, "service"),
            call_type=get(row, "call_type") or "local",  # default
            started_at=need_instant(row, "started_at"),
            quantity=int(need(row, "quantity")),
            other_party_type=get(row, "other_party_type"),
            other_party_carrier_id=get(row, "other_party_carrier_id"),
            load=load,
        )
        # Feeds, Loading: the same (carrier, cdr_id, action) with the same content after parsing
        # and defaults is a duplicate; with different content conflicting_duplicate.
        first = self.cdrs.get((cdr.carrier_id, cdr.cdr_id, cdr.action))
        if first is not None:
            return "duplicate" if first == cdr else "conflicting_duplicate"
        self.cdrs[cdr.carrier_id, cdr.cdr_id, cdr.action] = cdr
        self._seen(cdr.started_at)
        return "accepted"

    def _subscriber(
        self, row: Row, load: Load, at: datetime, change_id: str | None
    ) -> SubscriberRow:
        return SubscriberRow(
            carrier_id=self._carrier(load),
            account_id=need(row, "account_id"),
            service_number=need(row, "service_number"),
            plan_id=get(row, "plan_id"),
            status=need(row, "status"),
            activated_at=need_instant(row, "activated_at"),
            deactivated_at=instant(get(row, "deactivated_at")),
            subscriber_name=get(row, "subscriber_name"),
            email=get(row, "email"),
            at=at,
            change_id=change_id,
        )

    def _take_subscriber(self, row: Row, load: Load) -> str:
        assert load.as_of is not None
        subscriber = self._subscriber(row, load, load.as_of.astimezone(UTC), None)
        line = (subscriber.carrier_id, subscriber.account_id, subscriber.service_number)
        # "Of two rows of a line in one batch the last loaded stands"; never duplicates.
        self.batch_rows.setdefault(line, {})[subscriber.at] = subscriber
        return "accepted"

    def _take_change(self, row: Row, load: Load) -> str:
        change = self._subscriber(
            row, load, need_instant(row, "changed_at"), need(row, "change_id")
        )
        assert change.change_id is not None
        first = self.changes.get((change.carrier_id, change.change_id))
        if first is not None:
            return "duplicate" if first == change else "conflicting_duplicate"
        self.changes[change.carrier_id, change.change_id] = change
        self._seen(change.at)
        return "accepted"

    def _take_account(self, row: Row) -> str:
        account = Account(
            account_id=need(row, "account_id"),
            holder_name=get(row, "holder_name"),
            bill_cycle_day=int(need(row, "bill_cycle_day")),
            time_zone=need(row, "time_zone"),
            tax_jurisdiction_id=get(row, "tax_jurisdiction_id"),
            opened_on=need_day(row, "opened_on"),
            closed_on=day(get(row, "closed_on")),
            billing_system=get(row, "billing_system") or OWN_BILLING,  # default
        )
        self.accounts[account.account_id] = account  # a later load replaces an earlier one
        return "accepted"

    def _take_order(self, row: Row, load: Load) -> str:
        order = Order(
            carrier_id=self._carrier(load),
            order_id=need(row, "order_id"),
            account_id=need(row, "account_id"),
            action=need(row, "action"),
            plan_id=get(row, "plan_id"),
            service_number=get(row, "service_number"),
            requested_at=need_instant(row, "requested_at"),
            effective_on=need_day(row, "effective_on"),
            counterpart_order_id=get(row, "counterpart_order_id"),
        )
        status = need(row, "status")
        status_at = instant(get(row, "status_at")) or order.requested_at  # default
        first = self.orders.get(order.key)
        if first is None:
            self.orders[order.key] = order
            self.orders_of.setdefault(order.account_id, []).append(order)
            self._seen(order.requested_at)
            first = order
        else:
            # "orders: same content apart from `status` and `status_at`"
            order.statuses = first.statuses
            if order != first:
                return "conflicting_duplicate"
            # "An order row with a status it may no longer take counts as duplicate and changes
            # nothing"; the status it has already is one it can't take again.
            if status not in PERMITTED[first.status]:
                return "duplicate"
        first.statuses.append(StatusRow(status, status_at, load.load_id))
        return "accepted"

    def _take_adjustment(self, row: Row, load: Load, catalog: Catalog) -> str:
        action = get(row, "action")
        if lacks(
            row,
            *("adjustment_id", "account_id", "pool_id", "action", "quantity", "reason_code"),
            *("adjusted_at", "adjusted_by"),
            *(["bucket_cycle_start"] if action in ("resale", "extension") else []),
            *(["extend_cycles"] if action == "extension" else []),
        ):
            return "missing_value"
        extend_cycles = get(row, "extend_cycles")
        adjustment = Adjustment(
            adjustment_id=need(row, "adjustment_id"),
            account_id=need(row, "account_id"),
            pool_id=need(row, "pool_id"),
            action=need(row, "action"),
            quantity=need_number(row, "quantity"),
            reason_code=get(row, "reason_code"),
            adjusted_at=need_instant(row, "adjusted_at"),
            adjusted_by=get(row, "adjusted_by"),
            bucket_cycle_start=day(get(row, "bucket_cycle_start")),
            extend_cycles=None if extend_cycles is None else int(extend_cycles),
            note=get(row, "note"),
            load_id=load.load_id,
        )
        at_least = 1 if action == "extension" else 0
        if (
            action not in ADJUSTMENT_ACTIONS
            or not 0 < adjustment.quantity <= MAX_UNITS
            or not at_least <= (adjustment.extend_cycles or 0) <= MAX_CYCLES
            or not is_whole_base_units(catalog, adjustment.pool_id, adjustment.quantity)
        ):
            return "bad_value"
        first = self.adjustments.get(adjustment.adjustment_id)
        if first is not None:
            return "duplicate" if first == adjustment else "conflicting_duplicate"
        self.adjustments[adjustment.adjustment_id] = adjustment
        self._seen(adjustment.adjusted_at)
        return "accepted"

    def _take_opening(self, row: Row, load: Load, catalog: Catalog) -> str:
        """Its `as_of` does not move the clock of the warehouse."""
        if lacks(
            row, "account_id", "pool_id", "earned_cycle_start", "expires_on", "quantity", "as_of"
        ):
            return "missing_value"
        opening = Opening(
            account_id=need(row, "account_id"),
            pool_id=need(row, "pool_id"),
            earned_cycle_start=need_day(row, "earned_cycle_start"),
            expires_on=need_day(row, "expires_on"),
            quantity=need_number(row, "quantity"),
            deferred_amount=number(row, "deferred_amount") or Fraction(0),  # default
            as_of=moment(row, "as_of"),
            load_id=load.load_id,
        )
        if (
            not 0 < opening.quantity <= MAX_UNITS
            or opening.expires_on <= opening.earned_cycle_start
            or not 0 <= opening.deferred_amount <= MAX_AMOUNT
            or (opening.deferred_amount * 100).denominator != 1
            or not is_whole_in_decimals(catalog, opening.pool_id, opening.quantity)
        ):
            return "bad_value"
        first = self.openings.get(opening.key)
        if first is not None:
            return "duplicate" if first == opening else "conflicting_duplicate"
        self.openings[opening.key] = opening
        self.openings_of.setdefault(opening.account_id, []).append(opening)
        return "accepted"

    def _take_report(self, row: Row, load: Load, catalog: Catalog) -> str:
        if lacks(
            row,
            *("account_id", "pool_id", "cycle_start", "cycle_end", "allowance", "plan_used"),
            *("overage", "rollover_used", "accumulated", "expired", "reported_at"),
        ):
            return "missing_value"
        report = Report(
            account_id=need(row, "account_id"),
            pool_id=need(row, "pool_id"),
            cycle_start=need_day(row, "cycle_start"),
            cycle_end=need_day(row, "cycle_end"),
            allowance=need_number(row, "allowance"),
            plan_used=need_number(row, "plan_used"),
            overage=need_number(row, "overage"),
            rollover_used=need_number(row, "rollover_used"),
            accumulated=need_number(row, "accumulated"),
            expired=need_number(row, "expired"),
            reported_at=need_instant(row, "reported_at"),
            plan_fee=number(row, "plan_fee"),
            request_id=get(row, "request_id"),
            load_id=load.load_id,
        )
        fee = report.plan_fee or Fraction(0)
        account = self.accounts.get(report.account_id)  # the last loaded row stands
        if (
            not all(0 <= quantity <= MAX_UNITS for quantity in report.quantities)
            or report.cycle_end <= report.cycle_start
            or report.plan_used > report.allowance
            or report.rollover_used > report.overage
            or report.accumulated > report.allowance - report.plan_used
            or not 0 <= fee <= MAX_AMOUNT
            or (fee * 100).denominator != 1
            or not is_whole_in_decimals(catalog, report.pool_id, *report.quantities)
            or (account is not None and not account.is_external)
        ):
            return "bad_value"
        first = self.reports.get(report.key)
        if first is not None:
            return "duplicate" if first == report else "conflicting_duplicate"
        self.reports[report.key] = report
        self.reports_of.setdefault(report.account_id, []).append(report)
        return "accepted"
