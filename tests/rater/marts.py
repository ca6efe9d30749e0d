"""What comes out (marts.md): rows of every mart, built from what is issued and what is open."""

from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from .account import AccountView, Bucket
from .arith import ZERO_CENTS, ZERO_MICRO, in_units, round_to
from .billing import decimal_rate
from .charging import CycleResult, PoolCycle
from .cycles import local_date
from .feeds import Order, Report
from .integrity import (
    BundleException,
    order_exceptions,
    over_resale,
    plan_mismatches,
    unknown_accounts,
)
from .orders import PlanSpan, SyncRow, clip, days_given
from .rating import Usage

if TYPE_CHECKING:
    from .rater import OpenAccount, Rater

Row = dict[str, Any]


# --- rating -------------------------------------------------------------------------------------


def open_results(rater: "Rater", as_of: datetime | None) -> Iterator[CycleResult]:
    for account in rater.derived(as_of).accounts.values():
        yield from account.results


def all_usages(rater: "Rater", as_of: datetime | None) -> Iterator[Usage]:
    yield from rater.issued.usages
    for result in open_results(rater, as_of):
        yield from result.usages


def all_reversals(rater: "Rater", as_of: datetime | None) -> Iterator[Usage]:
    yield from rater.issued.reversals
    for result in open_results(rater, as_of):
        yield from result.reversals


def rated_usage(rater: "Rater", as_of: datetime | None) -> list[Row]:
    return [
        usage_row(rater, usage)
        for usages in (all_usages(rater, as_of), all_reversals(rater, as_of))
        for usage in usages
    ]


def usage_row(rater: "Rater", usage: Usage) -> Row:
    cdr, cycle = usage.cdr, usage.cycle
    assert cycle is not None
    carrier = rater.catalog.carriers.get(cdr.carrier_id)
    load = usage.void.load if usage.void is not None else cdr.load
    return {
        "carrier_id": cdr.carrier_id,
        "cdr_id": cdr.cdr_id,
        "is_reversal": usage.is_reversal,
        "account_id": usage.account_id,
        "service_number": cdr.served_number,
        "other_number": cdr.other_number,
        "direction": cdr.direction,
        "service": cdr.service,
        "call_type": cdr.call_type,
        "started_at": cdr.started_at,
        "cycle_start": cycle.start,
        "cycle_end": cycle.end,
        "plan_id": usage.plan_id,
        "treatment": usage.treatment,
        "pool_id": usage.pool_id,
        "unit_type": usage.unit_type,
        "category": usage.category,
        "no_charge_reason": usage.no_charge_reason,
        "rating_platform_id": carrier.rating_platform_id if carrier else None,
        "quantity": 0 if usage.is_reversal else cdr.quantity,
        "billable_quantity": usage.billable_quantity,
        "no_charge_quantity": usage.no_charge_quantity,
        "plan_quantity": usage.plan_quantity,
        "rollover_quantity": usage.rollover_quantity,
        "overage_quantity": usage.overage_quantity,
        "metered_quantity": usage.metered_quantity,
        "rate": decimal_rate(usage.rate),
        "charge_amount": usage.charge_amount,
        "is_late": usage.is_late,
        "is_closed": usage.is_closed,
        "load_id": load.load_id,
    }


def suspended_usage(rater: "Rater", as_of: datetime | None) -> list[Row]:
    return [
        {
            "carrier_id": waiting.cdr.carrier_id,
            "cdr_id": waiting.cdr.cdr_id,
            "service_number": waiting.cdr.served_number,
            "started_at": waiting.cdr.started_at,
            "service": waiting.cdr.service,
            "quantity": waiting.cdr.quantity,
            "reason": waiting.reason,
            "suspended_since": waiting.cdr.load.loaded_at,
            "load_id": waiting.cdr.load.load_id,
            "account_id": waiting.account_id,
        }
        for waiting in rater.derived(as_of).suspended
    ]


def voids_and_voided(rater: "Rater", as_of: datetime | None) -> list[tuple[Row, Any]]:
    """Rows of voided_usage, each with the cycle_start it is counted in."""
    derived = rater.derived(as_of)
    taken_out: dict[tuple[str, str], tuple[str | None, Any]] = dict(rater.issued.voided)
    for account_id, cdrs in derived.placed.voided.items():
        for cdr in cdrs:
            cycle_start = None
            if account_id is not None and account_id in derived.accounts:
                calendar = derived.accounts[account_id].view.calendar
                cycle_start = calendar.landing(cdr.started_at).start
            taken_out[cdr.carrier_id, cdr.cdr_id] = (account_id, cycle_start)
    reversed_: dict[tuple[str, str], tuple[str | None, Any]] = {}
    for usage in all_reversals(rater, as_of):
        assert usage.cycle is not None
        reversed_[usage.cdr.carrier_id, usage.cdr.cdr_id] = (usage.account_id, usage.cycle.start)
    rows: list[tuple[Row, Any]] = []
    for (carrier_id, cdr_id, action), cdr in rater.feeds.cdrs.items():
        key = (carrier_id, cdr_id)
        if action == "new" and key not in taken_out:
            continue
        other = rater.feeds.cdrs.get((carrier_id, cdr_id, "void" if action == "new" else "new"))
        account_id, cycle_start = taken_out.get(key) or reversed_.get(key) or (None, None)
        rows.append(
            (
                {
                    "carrier_id": carrier_id,
                    "cdr_id": cdr_id,
                    "action": action,
                    "account_id": account_id,
                    "load_id": cdr.load.load_id,
                    "voided_load_id": other.load.load_id if other is not None else None,
                },
                cycle_start,
            )
        )
    return rows


def voided_usage(rater: "Rater", as_of: datetime | None) -> list[Row]:
    return [row for row, _ in voids_and_voided(rater, as_of)]


def usage_funding(rater: "Rater", as_of: datetime | None) -> list[Row]:
    return [
        {
            "carrier_id": usage.cdr.carrier_id,
            "cdr_id": usage.cdr.cdr_id,
            "account_id": usage.account_id,
            "cycle_start": usage.cycle.start if usage.cycle else None,
            "pool_id": usage.pool_id,
            "source": source,
            "bucket_id": bucket_id,
            "quantity": quantity,
        }
        for usage in all_usages(rater, as_of)
        for source, bucket_id, quantity in usage.fundings
    ]


# --- rollover -----------------------------------------------------------------------------------


def rollover_buckets(rater: "Rater", as_of: datetime | None) -> list[Row]:
    rows = []
    for account_id, account in rater.derived(as_of).accounts.items():
        present = account.results[-1].cycle
        for pool_id, state in sorted(account.states.items()):
            frozen = account.view.rollover_on(pool_id, present.last_day) is None
            for bucket in sorted(state.buckets.values(), key=lambda b: b.draw_order):
                rows.append(
                    {
                        "bucket_id": bucket.bucket_id,
                        "account_id": account_id,
                        "pool_id": pool_id,
                        "source": bucket.source,
                        "earned_cycle_start": bucket.earned_cycle_start,
                        "available_from": bucket.available_from,
                        "expires_on": account.view.expires_on(bucket),
                        "earned_quantity": bucket.earned,
                        "used_quantity": bucket.used,
                        "debited_quantity": bucket.debited,
                        "expired_quantity": bucket.expired,
                        "remaining_quantity": bucket.remaining,
                        "status": bucket_status(bucket, frozen),
                    }
                )
    return rows


def bucket_status(bucket: Bucket, frozen: bool) -> str:
    """The first that holds (rules 4)."""
    if bucket.archived:
        return "archived"
    if bucket.expired > 0:
        return "expired"
    if bucket.remaining == 0:
        return "depleted"
    return "retained" if frozen else "available"


def matrix_rows(view: AccountView, result: CycleResult, is_closed: bool) -> Iterator[Row]:
    for pool_id, pool in sorted(result.pools.items()):
        if pool.status is None:
            continue
        unit_type = view.catalog.pool_unit_type[pool_id]
        base = view.catalog.base_units[unit_type]
        began = view.became_customer_at(pool_id)
        yield {
            "account_id": view.account_id,
            "pool_id": pool_id,
            "unit_type": unit_type,
            "cycle_start": result.cycle.start,
            "cycle_end": result.cycle.end,
            # not before it has happened
            "became_customer_at": began if began is not None and began < result.cycle.end else None,
            "ended_at": pool.ended_at,
            "rollover_status": pool.status,
            "opening_balance": in_units(pool.opening, base),
            "taken_over_units": in_units(pool.taken_over, base),
            "adjusted_units": in_units(pool.adjusted, base),
            "allowance_units": in_units(pool.allowance, base),
            "plan_used_units": in_units(pool.plan_used, base),
            "overage_assessed_units": in_units(pool.rollover_used + pool.overage, base),
            "rollover_used_units": in_units(pool.rollover_used, base),
            "accumulated_units": in_units(pool.accumulated, base),
            "expired_units": in_units(pool.expired, base),
            "capped_units": in_units(pool.capped, base),
            "archived_units": in_units(pool.archived, base),
            "closing_balance": in_units(pool.closing, base),
            "expiring_next_units": in_units(pool.expiring_next, base),
            "is_closed": is_closed,
        }


def rollover_matrix(rater: "Rater", as_of: datetime | None) -> list[Row]:
    """The last 12 closed cycles and all open ones."""
    rows: list[Row] = []
    for account in rater.derived(as_of).accounts.values():
        state = account.view.state
        oldest = len(state.closed) - 12
        rows += [row for ordinal, row in state.matrix if ordinal >= oldest]
        for result in account.results:
            rows += matrix_rows(account.view, result, is_closed=False)
    return rows


def rollover_requests(rater: "Rater", as_of: datetime | None) -> list[Row]:
    rows = []
    for account_id, account in rater.derived(as_of).accounts.items():
        result = account.results[0]  # the first open cycle
        for pool_id, pool in sorted(result.pools.items()):
            if pool.status is None:
                continue
            base = rater.catalog.base_units[rater.catalog.pool_unit_type[pool_id]]
            rows.append(
                {
                    "account_id": account_id,
                    "pool_id": pool_id,
                    "cycle_start": result.cycle.start,
                    "balance_units": in_units(pool.balance_before_draws, base),
                    "expiring_units": in_units(pool.expiring_before_draws, base),
                    "adjusted_since_last_cycle_units": in_units(pool.adjusted, base),
                }
            )
    return rows


def adjustment_history(rater: "Rater", as_of: datetime | None) -> list[Row]:
    results = {
        adjusted.adjustment_id: adjusted
        for account in rater.derived(as_of).accounts.values()
        for adjusted in [
            *account.view.state.adjustments.values(),
            *(a for result in account.results for a in result.adjustments),
        ]
    }
    rows = []
    for adjustment in rater.feeds.adjustments.values():
        result = results.get(adjustment.adjustment_id)
        unit_type = rater.catalog.pool_unit_type.get(adjustment.pool_id)
        base = rater.catalog.base_units[unit_type] if unit_type is not None else 1
        quantity = round_to(adjustment.quantity, 6)
        rows.append(
            {
                "adjustment_id": adjustment.adjustment_id,
                "account_id": adjustment.account_id,
                "pool_id": adjustment.pool_id,
                "action": adjustment.action,
                "quantity": quantity,
                "applied_quantity": in_units(result.applied, base) if result else ZERO_MICRO,
                "unapplied_quantity": in_units(result.unapplied, base) if result else quantity,
                "reason_code": adjustment.reason_code,
                "adjusted_at": adjustment.adjusted_at,
                "adjusted_by": adjustment.adjusted_by,
                "cycle_start": result.cycle_start if result else None,
                "note": adjustment.note,
            }
        )
    return rows


def rollover_exceptions(rater: "Rater", as_of: datetime | None) -> list[Row]:
    return [
        *over_resale_exceptions(rater, as_of),
        *opening_exceptions(rater, as_of),
        *waiting_openings(rater, as_of),
        *report_exceptions(rater, as_of),
    ]


def rollover_exception(
    exception_type: str,
    key: tuple[str, str, Any],  # account, pool, start of the cycle
    subject: str,
    units: tuple[Decimal | None, Decimal | None],  # expected, found
    opened_at: datetime,
) -> Row:
    return {
        "exception_id": f"{exception_type}-{subject}",
        "exception_type": exception_type,
        "account_id": key[0],
        "pool_id": key[1],
        "cycle_start": key[2],
        "subject": subject,
        "expected_units": units[0],
        "found_units": units[1],
        "opened_at": opened_at,
    }


def over_resale_exceptions(rater: "Rater", as_of: datetime | None) -> Iterator[Row]:
    """expected = applied, found = quantity."""
    over = over_resold(rater, as_of)
    for row in adjustment_history(rater, as_of):
        if row["adjustment_id"] in over:
            yield rollover_exception(
                "over_resale",
                (row["account_id"], row["pool_id"], row["cycle_start"]),
                row["adjustment_id"],
                (row["applied_quantity"], row["quantity"]),
                row["adjusted_at"],
            )


def opening_exceptions(rater: "Rater", as_of: datetime | None) -> Iterator[Row]:
    """expected = what was taken over (nothing), found = quantity."""
    for account in rater.derived(as_of).accounts.values():
        for opening in [
            *account.view.state.openings.values(),
            *(opening for result in account.results for opening in result.openings),
        ]:
            if opening.exception_type is not None:
                account_id, pool_id, _ = opening.key
                base = rater.catalog.base_units_of_pool(pool_id)
                assert base is not None
                yield rollover_exception(
                    opening.exception_type,
                    (account_id, pool_id, opening.cycle_start),
                    opening.bucket_id,
                    (ZERO_MICRO, in_units(opening.quantity, base)),
                    opening.as_of,
                )


def waiting_openings(rater: "Rater", as_of: datetime | None) -> Iterator[Row]:
    """Of an account or pool that is not known, or part of a base unit: accepted, and visible."""
    landed = {
        landing.key
        for account in rater.derived(as_of).accounts.values()
        for landing in [
            *account.view.state.openings.values(),
            *(opening for result in account.results for opening in result.openings),
        ]
    }
    for opening in rater.feeds.openings.values():
        if opening.key not in landed:
            account_id, pool_id, earned = opening.key
            yield rollover_exception(
                "opening_waits",
                (account_id, pool_id, None),
                f"{account_id}-{pool_id}-{earned:%Y%m%d}-plan",
                (None, round_to(opening.quantity, 6)),
                opening.as_of,
            )


def report_exceptions(rater: "Rater", as_of: datetime | None) -> Iterator[Row]:
    def about(
        report: Report, exception_type: str, expected: Decimal | None, found: Decimal | None
    ) -> Row:
        account_id, pool_id, cycle_start = report.key
        subject = f"{account_id}-{pool_id}-{cycle_start:%Y%m%d}"
        return rollover_exception(
            exception_type, report.key, subject, (expected, found), report.reported_at
        )

    for state in rater.states.values():
        for found in state.report_exceptions:
            base = rater.catalog.base_units_of_pool(found.report.pool_id)
            assert base is not None
            yield about(
                found.report,
                found.exception_type,
                in_units(found.expected, base),
                in_units(found.found, base),
            )
    requests = {
        (request.request_id, request.account_id, request.cycle_start)
        for request in rater.issued.frozen_requests
    }
    accounts = rater.derived(as_of).accounts
    for report in rater.feeds.reports.values():
        account = accounts.get(report.account_id)
        has_ended = account is not None and report.key in account.view.state.used_reports
        is_theirs = (
            account is not None
            and account.view.account.is_external
            and report.pool_id in rater.catalog.pool_unit_type
        )
        # Bounds that are no cycle of the account's calendar from the first open one on, or of one
        # already ended that was not ended by it.
        if not has_ended and is_theirs and not is_cycle_to_come(account.view, report):
            yield about(report, "report_unknown_cycle", None, None)
        elif not has_ended:
            yield about(report, "report_waits", None, None)
        named = (report.request_id, report.account_id, report.cycle_start)
        if report.request_id is not None and named not in requests and (has_ended or is_theirs):
            yield about(report, "report_unknown_request", None, None)


def is_cycle_to_come(view: AccountView, report: Report) -> bool:
    ordinal = view.calendar.first_open
    while view.calendar.cycle(ordinal).start < report.cycle_start:
        ordinal += 1
    cycle = view.calendar.cycle(ordinal)
    return (cycle.start, cycle.end) == (report.cycle_start, report.cycle_end)


def rollover_archive(rater: "Rater", _as_of: datetime | None) -> list[Row]:
    return [dict(row) for row in rater.issued.archive]


# --- unbilled -----------------------------------------------------------------------------------

NO_CHARGE_COLUMNS = {
    "night_weekend": "night_weekend_units",
    "mobile_to_mobile": "mobile_to_mobile_units",
}


def unbilled_summary(rater: "Rater", as_of: datetime | None) -> list[Row]:
    derived = rater.derived(as_of)
    rows: list[Row] = []
    for account in derived.accounts.values():
        for result in account.results:
            rows += unbilled_of_cycle(account.view, result, derived.as_of)
    return rows


def unbilled_of_cycle(
    view: AccountView, result: CycleResult, as_of: datetime | None
) -> Iterator[Row]:
    in_plan = {
        pool_id
        for segment in result.segments
        for pool_id in view.catalog.pools.get(segment.plan_id, {})
    }
    in_use = {usage.pool_id for usage in result.usages if usage.pool_id is not None}
    keys: Row = {
        "account_id": view.account_id,
        "cycle_start": result.cycle.start,
        "cycle_end": result.cycle.end,
        "as_of": as_of,
    }
    for pool_id in sorted(in_plan | in_use):
        usages = [usage for usage in result.usages if usage.pool_id == pool_id]
        yield {**keys, **unbilled_of_pool(view, result.pools[pool_id], usages)}
    outside = [usage for usage in result.usages if usage.pool_id is None]
    if outside:
        # free and metered usage outside pools: one row a cycle, all figures but one null
        yield {
            **keys,
            **dict.fromkeys(UNBILLED_FIGURES),
            "pool_id": "none",
            "unit_type": None,
            "metered_amount": sum((u.charge_amount for u in outside), ZERO_MICRO),
        }


UNBILLED_FIGURES = (
    "allowance_units",
    "plan_used_units",
    "plan_remaining_units",
    "rollover_available_units",
    "rollover_used_units",
    "rollover_expiring_units",
    "overage_units",
    "overage_amount",
    "night_weekend_units",
    "mobile_to_mobile_units",
    "other_no_charge_units",
    "metered_amount",
)


def unbilled_of_pool(view: AccountView, pool: PoolCycle, usages: list[Usage]) -> Row:
    unit_type = view.catalog.pool_unit_type[pool.pool_id]
    base = view.catalog.base_units[unit_type]
    no_charge = {
        "night_weekend_units": 0,
        "mobile_to_mobile_units": 0,
        "other_no_charge_units": 0,
    }
    for usage in usages:
        column = NO_CHARGE_COLUMNS.get(usage.category, "other_no_charge_units")
        no_charge[column] += usage.no_charge_quantity
    return {
        "pool_id": pool.pool_id,
        "unit_type": unit_type,
        "allowance_units": in_units(pool.allowance, base),
        "plan_used_units": in_units(pool.plan_used, base),
        "plan_remaining_units": in_units(pool.allowance - pool.plan_used, base),
        "rollover_available_units": in_units(pool.available, base),
        "rollover_used_units": in_units(pool.rollover_used, base),
        "rollover_expiring_units": in_units(pool.expiring, base),
        "overage_units": in_units(pool.overage, base),
        "overage_amount": sum((u.charge_amount for u in usages), ZERO_MICRO),
        **{column: in_units(quantity, base) for column, quantity in no_charge.items()},
        "metered_amount": ZERO_MICRO,
    }


def unbilled_detail(rater: "Rater", as_of: datetime | None) -> list[Row]:
    rows = []
    for result in open_results(rater, as_of):
        for usage in result.usages:
            cdr = usage.cdr
            paid = {source for source, _, _ in usage.fundings}
            sources = [s for s in ("plan", "rollover", "overage") if s in paid]
            rows.append(
                {
                    "account_id": usage.account_id,
                    "service_number": cdr.served_number,
                    "carrier_id": cdr.carrier_id,
                    "cdr_id": cdr.cdr_id,
                    "local_date": usage.local_started_at.date(),
                    "local_time": usage.local_started_at.time(),
                    "duration_units": in_units(cdr.quantity, usage.base_units_per_unit),
                    "other_number": cdr.other_number,
                    "category": usage.category,
                    "source": "+".join(sources) or None,
                    "charge_amount": usage.charge_amount,
                }
            )
    return rows


# --- billing ------------------------------------------------------------------------------------


def bills(rater: "Rater", _as_of: datetime | None) -> list[Row]:
    return [
        {
            "bill_id": bill.bill_id,
            "account_id": bill.account_id,
            "cycle_start": bill.cycle.start,
            "cycle_end": bill.cycle.end,
            "biller_id": bill.biller_id,
            "currency": bill.currency,
            "plan_fee_amount": bill.amount("plan_fee"),
            "usage_amount": bill.amount("usage"),
            "one_time_amount": bill.amount("one_time"),
            "tax_amount": bill.amount("tax"),
            "total_amount": bill.amount(),
            "issued_at": bill.issued_at,
            "close_id": bill.close_id,
        }
        for bill in rater.issued.bills
    ]


def bill_lines(rater: "Rater", _as_of: datetime | None) -> list[Row]:
    return [
        {
            "bill_id": bill.bill_id,
            "account_id": bill.account_id,
            "line_number": line.line_number,
            "section": line.section,
            "plan_id": line.plan_id,
            "carrier_id": line.carrier_id,
            "service": line.service,
            "call_type": line.call_type,
            "treatment": line.treatment,
            "description": line.description,
            "quantity_units": line.quantity_units,
            "unit_type": line.unit_type,
            "rate": line.rate,
            "amount": line.amount,
        }
        for bill in rater.issued.bills
        for line in bill.lines
    ]


# --- settlement ---------------------------------------------------------------------------------


def settlement_lines(rater: "Rater", _as_of: datetime | None) -> list[Row]:
    return [
        {
            "bill_id": line.bill.bill_id,
            "account_id": line.bill.account_id,
            "cycle_start": line.bill.cycle.start,
            "cycle_end": line.bill.cycle.end,
            "agreement_id": line.agreement_id,
            "carrier_id": line.carrier_id,
            "fixed_amount": line.fixed_amount,
            "usage_weight": decimal_rate(line.usage_weight),
            "remainder_amount": line.remainder_amount,
            "usage_amount": line.usage_amount,
            "total_amount": line.total_amount,
        }
        for line in rater.issued.settlement
    ]


def settlement_statements(rater: "Rater", _as_of: datetime | None) -> list[Row]:
    """Rules 6.5: what a carrier earned, who collected it (the biller), net payable (0 for the
    biller)."""
    rows: dict[tuple[int, str], Row] = {}
    bill_ids: dict[tuple[int, str], set[str]] = {}
    through = {close.close_id: close.through for close in rater.issued.closes}
    for line in rater.issued.settlement:
        key = (line.bill.close_id, line.carrier_id)
        row = rows.setdefault(
            key,
            {
                "close_id": line.bill.close_id,
                "cycle_end_through": through[line.bill.close_id],
                "carrier_id": line.carrier_id,
                "bills": 0,
                "fixed_amount": ZERO_CENTS,
                "remainder_amount": ZERO_CENTS,
                "usage_amount": ZERO_CENTS,
                "total_amount": ZERO_CENTS,
                "collected_by": line.bill.biller_id,
                "net_payable_amount": ZERO_CENTS,
            },
        )
        bill_ids.setdefault(key, set()).add(line.bill.bill_id)
        row["bills"] = len(bill_ids[key])
        row["fixed_amount"] += line.fixed_amount
        row["remainder_amount"] += line.remainder_amount
        row["usage_amount"] += line.usage_amount
        row["total_amount"] += line.total_amount
        if line.carrier_id != line.bill.biller_id:
            row["net_payable_amount"] += line.total_amount
    return [rows[key] for key in sorted(rows)]


# --- accounting ---------------------------------------------------------------------------------


def journal(rater: "Rater", _as_of: datetime | None) -> list[Row]:
    return [
        {name: value for name, value in vars(entry).items() if name != "close_id"}
        for entry in rater.issued.journal
    ]


def deferred_revenue(rater: "Rater", _as_of: datetime | None) -> list[Row]:
    rows = []
    for account_id, state in sorted(rater.states.items()):
        for pool in state.pools.values():
            for bucket in pool.buckets.values():
                if bucket.deferred == 0:
                    continue
                balance = bucket.deferred - bucket.recognised - bucket.broken
                rows.append(
                    {
                        "bucket_id": bucket.bucket_id,
                        "account_id": account_id,
                        "deferred_amount": Decimal(bucket.deferred).scaleb(-2),
                        "usage_amount": Decimal(bucket.recognised).scaleb(-2),
                        "breakage_amount": Decimal(bucket.broken).scaleb(-2),
                        "balance_amount": Decimal(balance).scaleb(-2),
                    }
                )
    return rows


def deferred_revenue_roll_forward(rater: "Rater", _as_of: datetime | None) -> list[Row]:
    """One row per close of any kind, even with no movement; the opening of a close is the closing
    of the one before."""
    rows: list[Row] = []
    balance = ZERO_CENTS
    for close in rater.issued.closes:
        moved: dict[str, Decimal] = {}
        for entry in rater.issued.journal:
            if entry.close_id == close.close_id:
                moved[entry.event] = moved.get(entry.event, ZERO_CENTS) + entry.amount
        taken_over = moved.get("opening", ZERO_CENTS)
        deferred = moved.get("defer", ZERO_CENTS) + taken_over
        recognised = moved.get("recognise", ZERO_CENTS)
        breakage = moved.get("breakage", ZERO_CENTS)
        rows.append(
            {
                "close_id": close.close_id,
                "opening_amount": balance,
                "deferred_amount": deferred,
                "taken_over_amount": taken_over,  # of deferred_amount
                "recognised_amount": recognised,
                "breakage_amount": breakage,
                "closing_amount": balance + deferred - recognised - breakage,
            }
        )
        balance = rows[-1]["closing_amount"]
    return rows


# --- integrity ----------------------------------------------------------------------------------


def sync_rows(rater: "Rater", as_of: datetime | None) -> Iterator[SyncRow]:
    """For orders of all accounts, those the accounts feed has not brought included."""
    at = rater.derived(as_of).as_of
    for orders in rater.all_orders():
        for order in orders.known:
            yield from orders.sync_rows(order, at)


def order_sync(rater: "Rater", as_of: datetime | None) -> list[Row]:
    """One row per completed order and other carrier concerned."""
    return [
        {
            "carrier_id": row.order.carrier_id,
            "order_id": row.order.order_id,
            "account_id": row.order.account_id,
            "plan_id": row.order.plan_id,
            "action": row.order.action,
            "status": row.order.status,
            "sync_status": row.status,
            "counterpart_carrier_id": row.carrier_id,
            "counterpart_order_id": row.counterpart.order_id if row.counterpart else None,
            "requested_at": row.order.requested_at,
            "effective_on": row.order.effective_on,
        }
        for row in sync_rows(rater, as_of)
    ]


def pass_through_orders(rater: "Rater", as_of: datetime | None) -> list[Row]:
    """An order that awaits or misses its counterpart yields one (rules 7)."""
    return [
        {
            "to_carrier_id": row.carrier_id,
            "from_carrier_id": row.order.carrier_id,
            "order_id": row.order.order_id,
            "account_id": row.order.account_id,
            "action": row.order.action,
            "plan_id": row.order.plan_id,
            "sync_status": row.status,
            "requested_at": row.order.requested_at,
            "effective_on": row.order.effective_on,
        }
        for row in sync_rows(rater, as_of)
        if row.status in ("awaiting_counterpart", "missing_counterpart")
    ]


def fulfillment_notices(rater: "Rater", as_of: datetime | None) -> list[Row]:
    """Orders in sync yield one notice to the subscriber, never one per carrier: a change are the
    orders that answer each other, and those that answer them."""
    derived = rater.derived(as_of)
    at = derived.as_of
    told: list[list[Order]] = []
    for orders in rater.all_orders():
        changes: list[list[Order]] = []
        for order in orders.known:
            if orders.sync_status(order, at) != "in_sync":
                continue
            group = [order] + [r.counterpart for r in orders.sync_rows(order, at) if r.counterpart]
            keys = {other.key for other in group}
            touched = [change for change in changes if keys & {other.key for other in change}]
            merged = {other.key: other for change in [*touched, group] for other in change}
            changes = [change for change in changes if change not in touched]
            changes.append([merged[key] for key in sorted(merged)])
        told += changes
    return [
        {
            "account_id": change[0].account_id,
            "carrier_id": change[0].carrier_id,
            "order_id": change[0].order_id,
            "action": change[0].action,
            "plan_id": change[0].plan_id,
            "order_keys": [f"{order.carrier_id}:{order.order_id}" for order in change],
            "effective_on": max(order.effective_on for order in change),
            "takes_effect_on": takes_effect_on(derived.accounts.get(change[0].account_id), change),
            # when the last of them was completed
            "fulfilled_at": max(
                order.row_time(row)
                for order in change
                for row in order.statuses
                if row.status == "completed"
            ),
        }
        for change in told
    ]


def takes_effect_on(account: "OpenAccount | None", change: list[Order]) -> date | None:
    """The first day on which the plan in effect is what the change made it (rules 1)."""
    if account is None:
        return None
    view = account.view
    given = days_given(view.catalog, view.counted)
    spans = [given[order.key] for order in change if order.key in given]
    if not spans:
        return None
    start = min(span[0] for span in spans)
    of_plan = [span for span in view.history if span.plan_id == change[0].plan_id]
    if change[0].action == "cancel":
        latest = max(start, view.state.frozen_until or start)
        ends = [s.end for s in of_plan if s.end is not None and start <= s.end <= latest]
        return min(ends, default=None)
    ends = [end for _, end in spans if end is not None]
    end = max(ends) if len(ends) == len(spans) else None
    left: list[PlanSpan] = clip(of_plan, start, end)
    return min((span.start for span in left), default=None)


def order_instructions(rater: "Rater", as_of: datetime | None) -> list[Row]:
    """What the platform of an order is told: to hold it, and to withdraw it when it is refused."""
    rows: list[Row] = []
    for exception in exceptions(rater, as_of):
        if exception.order_id is None or exception.other is None:
            continue
        told = [("hold", exception.opened_at), ("withdraw", exception.refused_at)]
        if exception.exception_type == "counterpart_failed":
            told = [("withdraw", exception.opened_at)]
        told = [(word, at) for word, at in told if at is not None]
        for place, (word, at) in enumerate(told):
            following = [later for _, later in told[place + 1 :]]
            rows.append(
                {
                    "instruction": word,
                    "carrier_id": exception.carrier_id,
                    "order_id": exception.order_id,
                    "account_id": exception.account_id,
                    "other_carrier_id": exception.other,
                    "opened_at": at,
                    "resolved_at": following[0] if following else exception.resolved_at,
                }
            )
    return rows


def order_history(rater: "Rater", _as_of: datetime | None) -> list[Row]:
    """Every status that an order took, the last loaded one marked."""
    return [
        {
            "carrier_id": order.carrier_id,
            "order_id": order.order_id,
            "account_id": order.account_id,
            "action": order.action,
            "plan_id": order.plan_id,
            "service_number": order.service_number,
            "status": row.status,
            "counterpart_order_id": order.counterpart_order_id,
            "is_current": row is order.statuses[-1],
            "effective_on": order.effective_on,
            "requested_at": order.requested_at,
            "status_at": row.status_at,
        }
        for orders in rater.all_orders()
        for order in orders.orders
        for row in order.statuses
    ]


def exceptions(rater: "Rater", as_of: datetime | None) -> list[BundleException]:
    derived = rater.derived(as_of)
    found: list[BundleException] = []
    if derived.as_of is None:
        return found
    for orders in rater.all_orders():
        found += order_exceptions(orders, derived.as_of)
        found += unknown_accounts(orders, derived.accounts)
    views = {account_id: account.view for account_id, account in derived.accounts.items()}
    found += plan_mismatches(derived.placed.casi, views, derived.as_of)
    over = over_resold(rater, as_of)
    for row in adjustment_history(rater, as_of):
        if row["adjustment_id"] in over:
            found.append(
                over_resale(
                    rater.catalog,
                    row["account_id"],
                    row["adjustment_id"],
                    row["adjusted_at"],
                    row["applied_quantity"],
                    row["quantity"],
                )
            )
    return found


def over_resold(rater: "Rater", as_of: datetime | None) -> set[str]:
    ids = {
        adjusted.adjustment_id
        for result in open_results(rater, as_of)
        for adjusted in result.adjustments
        if adjusted.over_resale
    }
    for state in rater.states.values():
        ids |= {a.adjustment_id for a in state.adjustments.values() if a.over_resale}
    return ids


def bundle_exceptions(rater: "Rater", as_of: datetime | None) -> list[Row]:
    return [exception.row() for exception in exceptions(rater, as_of)]


def carrier_notifications(rater: "Rater", as_of: datetime | None) -> list[Row]:
    """Each exception yields one notification to the carrier that must act."""
    return [
        {
            "notification_id": exception.exception_id,
            "exception_id": exception.exception_id,
            "carrier_id": exception.notify_carrier_id,
            "account_id": exception.account_id,
            "exception_type": exception.exception_type,
            "order_carrier_id": exception.carrier_id,
            "order_id": exception.order_id,
            "service_number": row["service_number"],
            "expected": exception.expected,
            "found": exception.found,
            "is_open": exception.resolved_at is None,
            "opened_at": exception.opened_at,
            "resolved_at": exception.resolved_at,
        }
        for exception in exceptions(rater, as_of)
        for row in (exception.row(),)
    ]


def casi_subscribers(rater: "Rater", as_of: datetime | None) -> list[Row]:
    return [
        {
            "carrier_id": row.carrier_id,
            "account_id": row.account_id,
            "service_number": row.service_number,
            "plan_id": row.plan_id,
            "status": row.status,
            "activated_at": row.activated_at,
            "deactivated_at": row.deactivated_at,
            "subscriber_name": row.subscriber_name,
            "email": row.email,
            "data_at": row.at,
        }
        for _, row in sorted(rater.derived(as_of).placed.casi.current.items())
    ]


def casi_discrepancies(rater: "Rater", as_of: datetime | None) -> list[Row]:
    return list(rater.derived(as_of).placed.casi.discrepancies())


def casi_history(rater: "Rater", as_of: datetime | None) -> list[Row]:
    return list(rater.derived(as_of).placed.casi.history())


def casi_conflicts(rater: "Rater", as_of: datetime | None) -> list[Row]:
    """Carrier against carrier, for the integrated plans in effect on the date of as_of."""
    derived = rater.derived(as_of)
    rows: list[Row] = []
    if derived.as_of is None:
        return rows
    for account_id, account in derived.accounts.items():
        today = local_date(derived.as_of, account.view.account.time_zone)
        for span in account.view.history:
            plan = rater.catalog.plans[span.plan_id]
            in_effect = span.start <= today and (span.end is None or today < span.end)
            if plan.is_integrated and in_effect:
                rows += derived.placed.casi.conflicts(
                    account_id, span.plan_id, plan.carriers, derived.as_of
                )
    return rows


def effective_plans(rater: "Rater", as_of: datetime | None) -> list[Row]:
    return [
        {
            "account_id": account_id,
            "plan_id": span.plan_id,
            "effective_from": span.start,
            "effective_to": span.end,
        }
        for account_id, account in rater.derived(as_of).accounts.items()
        for span in account.view.history
    ]


# --- control ------------------------------------------------------------------------------------


def load_control(rater: "Rater", _as_of: datetime | None) -> list[Row]:
    return [
        {
            "load_id": load.load_id,
            "feed": load.feed,
            "carrier_id": load.carrier_id,
            "file_name": None,
            "rows_read": load.result.read,
            "accepted": load.result.accepted,
            "duplicate": load.result.duplicate,
            "rejected": len(load.result.rejected),
        }
        for load in rater.feeds.loads
    ]


def usage_control(rater: "Rater", as_of: datetime | None) -> list[Row]:
    """Per carrier and cycle_start (null where no account is known): accepted = rated + suspended +
    voided, reversals not counted."""
    rows: dict[tuple[str, Any], Row] = {}

    def count(carrier_id: str, cycle_start: Any, outcome: str) -> Row:
        row = rows.setdefault(
            (carrier_id, cycle_start),
            {
                "carrier_id": carrier_id,
                "cycle_start": cycle_start,
                "accepted": 0,
                "rated": 0,
                "suspended": 0,
                "voided": 0,
                "rated_amount": ZERO_MICRO,
            },
        )
        row["accepted"] += 1
        row[outcome] += 1
        return row

    for usage in all_usages(rater, as_of):
        assert usage.cycle is not None
        row = count(usage.cdr.carrier_id, usage.cycle.start, "rated")
        row["rated_amount"] += usage.charge_amount
    for waiting in rater.derived(as_of).suspended:
        count(waiting.cdr.carrier_id, waiting.cycle_start, "suspended")
    for void, cycle_start in voids_and_voided(rater, as_of):
        count(void["carrier_id"], cycle_start, "voided")
    return [rows[key] for key in sorted(rows, key=lambda k: (k[0], str(k[1] or "")))]


def money_control(rater: "Rater", _as_of: datetime | None) -> list[Row]:
    """Per close, bills = lines = settlement + tax."""
    rows = []
    for close in rater.issued.closes:
        of_close = [bill for bill in rater.issued.bills if bill.close_id == close.close_id]
        settled = [s for s in rater.issued.settlement if s.bill.close_id == close.close_id]
        rows.append(
            {
                "close_id": close.close_id,
                "bills": len(of_close),
                "bills_amount": sum((bill.amount() for bill in of_close), ZERO_CENTS),
                "lines_amount": sum(
                    (line.amount for bill in of_close for line in bill.lines), ZERO_CENTS
                ),
                "settlement_amount": sum((s.total_amount for s in settled), ZERO_CENTS),
                "tax_amount": sum((bill.amount("tax") for bill in of_close), ZERO_CENTS),
            }
        )
    return rows


MARTS: dict[str, Callable[["Rater", datetime | None], list[Row]]] = {
    "rating.rated_usage": rated_usage,
    "rating.suspended_usage": suspended_usage,
    "rating.voided_usage": voided_usage,
    "rating.usage_funding": usage_funding,
    "rollover.rollover_buckets": rollover_buckets,
    "rollover.rollover_matrix": rollover_matrix,
    "rollover.rollover_requests": rollover_requests,
    "rollover.adjustment_history": adjustment_history,
    "rollover.rollover_archive": rollover_archive,
    "rollover.rollover_exceptions": rollover_exceptions,
    "unbilled.unbilled_summary": unbilled_summary,
    "unbilled.unbilled_detail": unbilled_detail,
    "billing.bills": bills,
    "billing.bill_lines": bill_lines,
    "settlement.settlement_lines": settlement_lines,
    "settlement.settlement_statements": settlement_statements,
    "accounting.journal": journal,
    "accounting.deferred_revenue": deferred_revenue,
    "accounting.deferred_revenue_roll_forward": deferred_revenue_roll_forward,
    "integrity.order_sync": order_sync,
    "integrity.order_history": order_history,
    "integrity.bundle_exceptions": bundle_exceptions,
    "integrity.carrier_notifications": carrier_notifications,
    "integrity.pass_through_orders": pass_through_orders,
    "integrity.fulfillment_notices": fulfillment_notices,
    "integrity.order_instructions": order_instructions,
    "integrity.casi_subscribers": casi_subscribers,
    "integrity.casi_discrepancies": casi_discrepancies,
    "integrity.casi_history": casi_history,
    "integrity.casi_conflicts": casi_conflicts,
    "integrity.effective_plans": effective_plans,
    "control.load_control": load_control,
    "control.usage_control": usage_control,
    "control.money_control": money_control,
}
