"""The rater: loads, closes, and what follows from them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from .account import AccountState, AccountView, PoolState, ReportException
from .arith import ZERO_CENTS
from .billing import Bill, make_bill
from .casi import Casi
from .catalog import Catalog
from .charging import CycleCharger, CycleResult
from .cycles import Cycle, local_date
from .feeds import (
    Account,
    Adjustment,
    Cdr,
    Feeds,
    LoadResult,
    Opening,
    Report,
    is_whole_base_units,
    is_whole_in_decimals,
)
from .marts import MARTS, matrix_rows
from .orders import AccountOrders, clip, merge
from .rating import RecordRater, Suspended, Usage
from .settlement import SettlementLine, settle

RecordKey = tuple[str, str]  # carrier_id, cdr_id


class CloseRefusedError(ValueError):
    """`tandem close` would refuse, with nothing changed."""


@dataclass
class JournalEntry:
    close_id: int
    entry_id: str
    account_id: str
    cycle_start: date
    bucket_id: str | None
    bill_id: str | None
    event: str
    debit_account: str
    credit_account: str
    amount: Decimal


@dataclass(frozen=True)
class Close:
    close_id: int
    through: date | None  # None: a build that ended reported cycles
    issued_at: datetime


@dataclass(frozen=True)
class FrozenRequest:
    """What a billing system was told before a bill. Adjustments loaded after the cut-off that would
    count in the cycle count in the next one."""

    request_id: str
    account_id: str
    pool_id: str
    cycle_start: date
    cutoff_load_id: int


@dataclass
class Issued:
    """What closes have issued; never changed again (domain, invariant 4)."""

    closes: list[Close] = field(default_factory=list)
    usages: list[Usage] = field(default_factory=list)
    reversals: list[Usage] = field(default_factory=list)
    billed: dict[RecordKey, Usage] = field(default_factory=dict)
    reversed: set[RecordKey] = field(default_factory=set)
    voided: dict[RecordKey, tuple[str, date]] = field(default_factory=dict)
    bills: list[Bill] = field(default_factory=list)
    settlement: list[SettlementLine] = field(default_factory=list)
    journal: list[JournalEntry] = field(default_factory=list)
    archive: list[dict[str, Any]] = field(default_factory=list)
    frozen_requests: list[FrozenRequest] = field(default_factory=list)


@dataclass
class Placed:
    """Which open records belong to which account; the same for every as_of."""

    casi: Casi
    records: dict[str, list[Cdr]]  # to be rated
    voided: dict[str | None, list[Cdr]]  # taken out by a void before their bill
    reversals: dict[str, list[Cdr]]  # the voids of billed records, by account
    suspended: list[Suspended]  # unknown line, unknown account
    adjustments: dict[str, list[Adjustment]]  # not yet final, of known pools
    openings: dict[str, list[Opening]]  # not yet final, of known pools


@dataclass
class OpenAccount:
    """The open part of one account."""

    view: AccountView
    results: list[CycleResult]
    states: dict[str, PoolState]
    suspended: list[Suspended]


@dataclass
class Derived:
    """All that follows, at an as_of, from what was loaded and closed."""

    as_of: datetime | None
    placed: Placed
    accounts: dict[str, OpenAccount]
    suspended: list[Suspended]


class Rater:
    def __init__(
        self,
        catalog: Mapping[str, Sequence[Mapping[str, str | None]]],
        first_billing_date: date | None = None,
    ) -> None:
        self.catalog = Catalog(catalog)
        self.first_billing_date = first_billing_date
        self.feeds = Feeds()
        self.states: dict[str, AccountState] = {}
        self.issued = Issued()
        self.built_load_id = 0  # the last load the last build included
        self.requests_at_build: list[dict[str, Any]] = []  # rollover_requests as of that build
        self._placed: Placed | None = None
        self._derived: dict[datetime | None, Derived] = {}

    @classmethod
    def from_seeds(cls, path: Path | str, first_billing_date: date | None = None) -> "Rater":
        return cls(Catalog.read_seeds(path), first_billing_date)

    def replace_catalog(self, catalog: Mapping[str, Sequence[Mapping[str, str | None]]]) -> None:
        """A corrected catalog counts for what is open; closed is closed."""
        self.catalog = Catalog(catalog)
        self._forget()

    def _forget(self) -> None:
        self._placed = None
        self._derived = {}

    # --- loading ------------------------------------------------------------------------------

    def load(
        self,
        feed: str,
        rows: Sequence[Mapping[str, str | None]],
        carrier: str | None = None,
        as_of: datetime | None = None,
        loaded_at: datetime | None = None,
    ) -> LoadResult:
        self._forget()
        return self.feeds.load(feed, rows, carrier, as_of, loaded_at, self.catalog)

    # --- deriving -----------------------------------------------------------------------------

    def placed(self) -> Placed:
        if self._placed is None:
            self._placed = self._place()
        return self._placed

    def _place(self) -> Placed:
        casi = Casi(self.feeds)
        placed = Placed(casi, {}, {}, {}, [], {}, {})
        for (carrier_id, cdr_id, action), cdr in self.feeds.cdrs.items():
            key = (carrier_id, cdr_id)
            if action == "void":
                # Rules 1.4: if the record was billed, the first open cycle gets a reversal.
                original = self.issued.billed.get(key)
                if original is not None and key not in self.issued.reversed:
                    placed.reversals.setdefault(original.account_id, []).append(cdr)
                continue
            if key in self.issued.billed or key in self.issued.voided:
                continue
            line = casi.line_at(carrier_id, cdr.served_number, cdr.started_at)
            account_id = line.account_id if line else None
            if (carrier_id, cdr_id, "void") in self.feeds.cdrs:
                # a void of a record in an open cycle takes it out
                placed.voided.setdefault(account_id, []).append(cdr)
            elif account_id is None:
                placed.suspended.append(Suspended(cdr, "unknown_line", None, None))
            elif account_id not in self.feeds.accounts:
                placed.suspended.append(Suspended(cdr, "unknown_account", account_id, None))
            else:
                placed.records.setdefault(account_id, []).append(cdr)
        for adjustment in self.feeds.adjustments.values():
            state = self.states.get(adjustment.account_id)
            final = state is not None and adjustment.adjustment_id in state.adjustments
            if self._is_known(adjustment) and not final:
                placed.adjustments.setdefault(adjustment.account_id, []).append(adjustment)
        for opening in self.feeds.openings.values():
            state = self.states.get(opening.account_id)
            final = state is not None and opening.key in state.openings
            if self._is_known(opening) and not final:
                placed.openings.setdefault(opening.account_id, []).append(opening)
        return placed

    def _is_known(self, row: Adjustment | Opening) -> bool:
        """An account or pool that is not known (yet): waits. A pool that was unknown at the load,
        and a quantity that turns out to be no whole number of its base units: for ever."""
        is_whole = is_whole_in_decimals if isinstance(row, Opening) else is_whole_base_units
        return (
            row.account_id in self.feeds.accounts
            and row.pool_id in self.catalog.pool_unit_type
            and is_whole(self.catalog, row.pool_id, row.quantity)
        )

    def view(self, account_id: str) -> AccountView:
        state = self.states.get(account_id) or AccountState(account_id)
        orders = AccountOrders(
            self.catalog, self.feeds.orders_of.get(account_id, ()), state.locked_orders
        )
        account = self.feeds.accounts[account_id]
        return AccountView(self.catalog, account, state, orders, self._not_before(account))

    def _not_before(self, account: Account) -> date | None:
        """The first cycle of an external account contains the latest of opened_on,
        first_billing_date and of begun_on."""
        days = [] if self.first_billing_date is None else [self.first_billing_date]
        if account.is_external:
            # the first cycle reported, of a known pool; before one is, the balances taken over, of
            # which a closing balance of the day before is one of the day
            begun = [
                report.cycle_start
                for report in self.feeds.reports_of.get(account.account_id, ())
                if report.cycle_start.day == account.bill_cycle_day
                and report.pool_id in self.catalog.pool_unit_type
            ] or [
                local_date(opening.as_of + timedelta(hours=12), account.time_zone)
                for opening in self.feeds.openings_of.get(account.account_id, ())
            ]
            days += [min(begun)] if begun else []
        return max(days) if days else None

    def all_orders(self) -> Iterator[AccountOrders]:
        for account_id, orders in sorted(self.feeds.orders_of.items()):
            state = self.states.get(account_id)
            yield AccountOrders(self.catalog, orders, state.locked_orders if state else {})

    def _rate_account(self, view: AccountView) -> tuple[list[Usage], list[Suspended]]:
        """Every record of the account that is not billed yet."""
        rater = RecordRater(self.catalog, self.placed().casi)
        usages, suspended = [], []
        for cdr in self.placed().records.get(view.account_id, ()):
            if (cdr.carrier_id, cdr.cdr_id) in self.issued.billed:
                continue
            own_cycle = view.calendar.of_instant(cdr.started_at)
            of_other_system = (
                own_cycle is not None and own_cycle.ordinal in view.state.billed_elsewhere
            )
            if view.account.is_external or of_other_system:
                # tested after unknown_account, before before_billing; what another system billed
                # is billed, whoever bills the account now
                landing = view.calendar.landing(cdr.started_at)
                suspended.append(Suspended(cdr, "external_billing", view.account_id, landing.start))
                continue
            rated = rater.rate(cdr, view)
            if isinstance(rated, Suspended):
                suspended.append(rated)
            else:
                usages.append(rated)
        return usages, suspended

    def _reversals(self, view: AccountView) -> list[Usage]:
        """Rules 1.4: all quantities 0, the charge turned, everything else as the original."""
        reversals = []
        for void in self.placed().reversals.get(view.account_id, ()):
            key = (void.carrier_id, void.cdr_id)
            if key in self.issued.reversed:
                continue
            original = self.issued.billed[key]
            reversals.append(
                replace(
                    original,
                    is_reversal=True,
                    void=void,
                    is_late=False,
                    is_closed=False,
                    cycle=None,
                    landing=view.calendar.first_open,
                    billable_quantity=0,
                    no_charge_quantity=0,
                    plan_quantity=0,
                    rollover_quantity=0,
                    overage_quantity=0,
                    metered_quantity=0,
                    charge_amount=-original.charge_amount,
                    fundings=[],
                )
            )
        return reversals

    def _charge(
        self,
        view: AccountView,
        cycle: Cycle,
        usages: list[Usage],
        states: dict[str, PoolState],
        closing: bool,
        reports: Mapping[str, Report] | None = None,
    ) -> CycleResult:
        """`reports`: those by which another billing system ends the cycle."""
        here = [usage for usage in usages if usage.landing == cycle.ordinal]
        reversals: list[Usage] = []
        openings: list[Opening] = []
        if cycle.ordinal == view.calendar.first_open:
            # A cycle that another system ends has no bill: reversals wait for one that has.
            reversals = self._reversals(view) if reports is None else []
            # An opening lands in the account's first open cycle.
            openings = [
                opening
                for opening in self.placed().openings.get(view.account_id, ())
                if opening.key not in view.state.openings
            ]
        landings = self._landings(view)
        adjustments = [
            adjustment
            for adjustment in self.placed().adjustments.get(view.account_id, ())
            if landings.get(adjustment.adjustment_id) == cycle.ordinal
        ]
        charger = CycleCharger(view, cycle, states, closing, reports)
        return charger.run(here, reversals, adjustments, openings)

    def _landings(self, view: AccountView) -> dict[str, int]:
        """Rules 4: adjustments count in the cycle that contains `adjusted_at`, or the first open
        one. Where they come after the cut-off of that cycle, in the next one."""
        ended_by = self._reports_to_end(view)
        landings = {}
        for adjustment in self.placed().adjustments.get(view.account_id, ()):
            if adjustment.adjustment_id in view.state.adjustments:
                continue
            ordinal = view.calendar.landing(adjustment.adjusted_at).ordinal
            while self._is_cut_off(adjustment, view.calendar.cycle(ordinal), view, ended_by):
                ordinal += 1
            landings[adjustment.adjustment_id] = ordinal
        return landings

    def _is_cut_off(
        self,
        adjustment: Adjustment,
        cycle: Cycle,
        view: AccountView,
        ended_by: Mapping[str, Report] | None,
    ) -> bool:
        """Loaded after a frozen request for that account, pool and cycle, or after the report of
        the pool in a cycle that is reported."""
        cutoffs = [
            request.cutoff_load_id
            for request in self.issued.frozen_requests
            if request.account_id == adjustment.account_id
            and request.pool_id == adjustment.pool_id
            and request.cycle_start == cycle.start
        ]
        if ended_by and cycle.ordinal == view.calendar.first_open:
            report = ended_by.get(adjustment.pool_id)
            cutoffs += [] if report is None else [report.load_id]
        return bool(cutoffs) and adjustment.load_id > min(cutoffs)

    # --- what other billing systems report ------------------------------------------------------

    def _reports_of_cycle(self, account_id: str, cycle: Cycle) -> list[Report]:
        return [
            report
            for report in self.feeds.reports_of.get(account_id, ())
            if (report.cycle_start, report.cycle_end) == (cycle.start, cycle.end)
        ]

    def _reports_to_end(self, view: AccountView) -> dict[str, Report] | None:
        """The reports, by pool, that end the account's first open cycle; None if it is not
        *reported*: every pool that has rollover in it (by the plan that decides on its last day),
        at least one, has a report with exactly its bounds; no pool with rollover: any report with
        its bounds."""
        if not view.account.is_external:
            return None
        cycle = view.first_open
        reports = self._reports_of_cycle(view.account_id, cycle)
        by_pool = {
            report.pool_id: report
            for report in reports
            if report.pool_id in self.catalog.pool_unit_type
            and is_whole_in_decimals(self.catalog, report.pool_id, *report.quantities)
        }
        with_rollover = {
            pool_id
            for pool_id in self.catalog.pool_unit_type
            if view.rollover_on(pool_id, cycle.last_day) is not None
        }
        if not by_pool or not with_rollover <= set(by_pool):
            return None
        # nor one of a plan that we do not know of (yet): its units would be archived
        if any(
            (report.accumulated > 0 or report.rollover_used > 0)
            and view.pool_rules_on(pool_id, cycle.last_day) is None
            for pool_id, report in by_pool.items()
        ):
            return None
        return by_pool

    def end_reported(self, now: datetime | None = None) -> int | None:
        """What `tandem build` does besides building: reported cycles are ended in order, in one
        close row for all of them. None: there were none."""
        clock = now.astimezone(UTC) if now is not None else datetime.now(UTC)
        close_id = None
        if self._reported_accounts():
            close = Close(len(self.issued.closes) + 1, None, clock)
            self.issued.closes.append(close)
            self._end_reported(close)
            self._forget()
            close_id = close.close_id
        self._built()
        return close_id

    def disagreements(
        self, view: AccountView, reports: Mapping[str, Report]
    ) -> list[ReportException]:
        """What would be found if these reports ended the account's first open cycle now."""
        states = copy_states(view.state.pools)
        result = self._charge(view, view.first_open, [], states, closing=True, reports=reports)
        return result.report_exceptions

    def _reported_accounts(self) -> list[str]:
        return [
            account_id
            for account_id, account in sorted(self.feeds.accounts.items())
            if account.is_external and self._reports_to_end(self.view(account_id)) is not None
        ]

    def _end_reported(self, close: Close) -> None:
        for account_id in self._reported_accounts():
            while True:
                view = self.view(account_id)
                reports = self._reports_to_end(view)
                if reports is None:
                    break
                self._end_cycle(view, close, reports)

    def _built(self) -> None:
        self.built_load_id = len(self.feeds.loads)
        self.requests_at_build = self.mart("rollover.rollover_requests")

    def freeze(
        self, request_id: str, account_ids: Sequence[str] | None = None
    ) -> list[FrozenRequest]:
        """`tandem rollover request [ACCOUNT...] --freeze ID`: the figures of `rollover_requests`
        as of the last build. Adjustments loaded after the last load which that build included, and
        landing in that cycle, land in the next one instead."""
        if request_id in {request.request_id for request in self.issued.frozen_requests}:
            raise ValueError(f"{request_id} is frozen already")
        frozen = [
            FrozenRequest(
                request_id=request_id,
                account_id=row["account_id"],
                pool_id=row["pool_id"],
                cycle_start=row["cycle_start"],
                cutoff_load_id=self.built_load_id,
            )
            for row in self.requests_at_build
            if account_ids is None or row["account_id"] in account_ids
        ]
        self.issued.frozen_requests += frozen
        self._forget()
        return frozen

    def derived(self, as_of: datetime | None = None) -> Derived:
        at = as_of.astimezone(UTC) if as_of is not None else self.feeds.latest
        if at not in self._derived:
            placed = self.placed()
            accounts = {
                account_id: self._open_account(account_id, at)
                for account_id in sorted(self.feeds.accounts)
            }
            suspended = list(placed.suspended)
            for account in accounts.values():
                suspended += account.suspended
            self._derived[at] = Derived(at, placed, accounts, suspended)
        return self._derived[at]

    def _open_account(self, account_id: str, as_of: datetime | None) -> OpenAccount:
        view = self.view(account_id)
        usages, suspended = self._rate_account(view)
        # Domain, Terms: open cycles run from the first one not closed to that of the later of
        # as_of and its last record; there is at least one.
        times = [usage.cdr.started_at for usage in usages]
        times += [waiting.cdr.started_at for waiting in suspended]
        times += [] if as_of is None else [as_of]
        last = max([view.calendar.first_open, *self._landings(view).values()])
        if times:
            last = max(last, view.calendar.landing(max(times)).ordinal)
        states = copy_states(view.state.pools)
        results = [
            self._charge(view, view.calendar.cycle(ordinal), usages, states, closing=False)
            for ordinal in range(view.calendar.first_open, last + 1)
        ]
        return OpenAccount(view, results, states, suspended)

    # --- closing ------------------------------------------------------------------------------

    def close(
        self,
        through: date,
        bill_cycle_day: int | None = None,
        now: datetime | None = None,
    ) -> int | None:
        """`tandem close --through DATE [--bill-cycle-day D]`; `now` = the machine's clock."""
        clock = now.astimezone(UTC) if now is not None else datetime.now(UTC)
        if through > clock.date():
            raise CloseRefusedError(f"{through} is after today")
        accounts = [
            account_id
            for account_id, account in sorted(self.feeds.accounts.items())
            if bill_cycle_day in (None, account.bill_cycle_day)
            # it never ends an external account's cycle for the date's sake
            and not account.is_external
            and self._is_due(self.view(account_id), through, clock)
        ]
        without = [
            account_id
            for account_id in accounts
            if self.feeds.accounts[account_id].tax_jurisdiction_id not in self.catalog.jurisdictions
        ]
        if without:
            raise CloseRefusedError(f"tax jurisdiction not in the catalog: {', '.join(without)}")
        if not accounts and not self._reported_accounts():
            return None
        close = Close(len(self.issued.closes) + 1, through, clock)
        self.issued.closes.append(close)
        # Reported cycles share the close row.
        self._end_reported(close)
        for account_id in accounts:
            # several cycles of an account in order
            while True:
                view = self.view(account_id)
                if not self._is_due(view, through, clock):
                    break
                self._end_cycle(view, close, None)
        self._forget()
        self._built()
        return close.close_id

    def _is_due(self, view: AccountView, through: date, now: datetime) -> bool:
        """The first open cycle is over, and no other billing system has billed it."""
        cycle = view.first_open
        return (
            cycle.end <= through
            and cycle.end_at <= now
            and not any(
                report.pool_id in self.catalog.pool_unit_type
                for report in self._reports_of_cycle(view.account_id, cycle)
            )
        )

    def _end_cycle(
        self, view: AccountView, close: Close, reports: Mapping[str, Report] | None
    ) -> None:
        """Ends the first open cycle: with a bill or, where another billing system reported it,
        without."""
        cycle = view.first_open
        state = self.states.setdefault(view.account_id, view.state)
        usages, _ = self._rate_account(view)
        pools = copy_states(state.pools)
        result = self._charge(view, cycle, usages, pools, closing=True, reports=reports)
        bill = None
        if reports is None:
            bill = make_bill(view, result, close.close_id, close.issued_at)
        if bill is not None:
            self.issued.bills.append(bill)
            self.issued.settlement += settle(view, result, bill)
            self._post_bill(bill)
        self._post(view, result, close)
        # what is final from now on
        for usage in result.usages:
            usage.is_closed = True
            self.issued.usages.append(usage)
            self.issued.billed[usage.cdr.carrier_id, usage.cdr.cdr_id] = usage
        for reversal in result.reversals:
            reversal.is_closed = True
            self.issued.reversals.append(reversal)
            self.issued.reversed.add((reversal.cdr.carrier_id, reversal.cdr.cdr_id))
        for cdr in self.placed().voided.get(view.account_id, ()):
            if view.calendar.landing(cdr.started_at).ordinal == cycle.ordinal:
                key = (cdr.carrier_id, cdr.cdr_id)
                self.issued.voided.setdefault(key, (view.account_id, cycle.start))
        for pool_id, bucket_id, quantity in result.archive:
            self.issued.archive.append(
                {
                    "account_id": view.account_id,
                    "pool_id": pool_id,
                    "bucket_id": bucket_id,
                    "quantity": quantity,
                    "archived_on": cycle.end,
                }
            )
        for adjusted in result.adjustments:
            state.adjustments[adjusted.adjustment_id] = adjusted
        for opened in result.openings:
            state.openings[opened.key] = opened
        state.report_exceptions += result.report_exceptions
        if reports is not None:
            state.used_reports |= {report.key for report in reports.values()}
            state.billed_elsewhere.add(cycle.ordinal)
        for row in matrix_rows(view, result, is_closed=True):
            state.matrix.append((cycle.ordinal, row))
        state.pools = pools
        # Rules 1: the part of the history before the first open cycle is frozen by the close; an
        # order that counted at a close keeps counting.
        state.frozen_plans = merge(clip(view.history, None, cycle.end))
        state.locked_orders = {counted.order_key: counted for counted in view.counted}
        state.closed = [*state.closed, cycle]

    def _post_bill(self, bill: Bill) -> None:
        """Rules 8: debit accounts_receivable; credit plan_revenue, usage_revenue (reversals too),
        one_time_revenue, tax_payable."""
        credits = {
            "plan_revenue": bill.amount("plan_fee"),
            "usage_revenue": sum(
                (x.amount for x in bill.lines if x.charge_category == "usage"), ZERO_CENTS
            ),
            "one_time_revenue": sum(
                (x.amount for x in bill.lines if x.charge_category == "one_time"), ZERO_CENTS
            ),
            "tax_payable": bill.amount("tax"),
        }
        for credit_account, amount in credits.items():
            if amount != 0:  # an entry over nothing is none
                self.issued.journal.append(
                    JournalEntry(
                        close_id=bill.close_id,
                        entry_id=f"{bill.bill_id}-bill-{credit_account}",
                        account_id=bill.account_id,
                        cycle_start=bill.cycle.start,
                        bucket_id=None,
                        bill_id=bill.bill_id,
                        event="bill",
                        debit_account="accounts_receivable",
                        credit_account=credit_account,
                        amount=amount,
                    )
                )

    def _post(self, view: AccountView, result: CycleResult, close: Close) -> None:
        counts: dict[str, int] = {}
        for posting in result.postings:
            stem = f"{posting.bucket_id}-{result.cycle.start:%Y%m%d}-{posting.event}"
            counts[stem] = counts.get(stem, 0) + 1
            self.issued.journal.append(
                JournalEntry(
                    close_id=close.close_id,
                    entry_id=f"{stem}-{counts[stem]}",
                    account_id=view.account_id,
                    cycle_start=result.cycle.start,
                    bucket_id=posting.bucket_id,
                    bill_id=None,
                    event=posting.event,
                    debit_account=posting.debit_account,
                    credit_account=posting.credit_account,
                    amount=posting.amount,
                )
            )

    # --- what comes out -----------------------------------------------------------------------

    def mart(self, name: str, as_of: datetime | None = None) -> list[dict[str, Any]]:
        return MARTS[name](self, as_of)


def copy_states(pools: Mapping[str, PoolState]) -> dict[str, PoolState]:
    return {
        pool_id: PoolState(
            pool_id, {bucket_id: replace(b) for bucket_id, b in state.buckets.items()}
        )
        for pool_id, state in pools.items()
    }
