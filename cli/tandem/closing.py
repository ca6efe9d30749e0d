"""The close: the act that ends cycles for good.

dbt works out what a close will issue and tests it (models named ``int_closing_*``); here it is
issued, in one transaction: the rows go into the issued tables and the frontier of each account
moves on. Until it commits nothing has happened, and readers take the new state the moment it does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from tandem import building
from tandem.building import RunRequest, refresh_statistics
from tandem.database import Connection
from tandem.dbt import DbtRun, RunFailed
from tandem.errors import Refused
from tandem.settings import Settings

SETTLEMENT_GATE = "assert_closing_settlement_is_revenue"
NAMED = 10  # accounts named in a sentence
OUTLIER_FACTOR = 3  # a bill above this many times the account's median is shown before it is issued


@dataclass(frozen=True)
class CloseResult:
    """What was closed.

    Attributes:
        close_id: its number, or None if there was nothing to close.
        accounts, cycles, bills: how many.
        records: billed records, reversals included.
        total: sum of the bills.
        currency: of the bills.
    """

    close_id: int | None
    accounts: int = 0
    cycles: int = 0
    bills: int = 0
    records: int = 0
    total: Decimal = Decimal(0)
    currency: str = ""


@dataclass(frozen=True)
class Outlier:
    """A thing to look at before bills are issued.

    Attributes:
        account_id: whose.
        cycle_end: of which cycle, if of one.
        kind: ``high``, ``negative``, ``usage without bill`` or ``reported elsewhere``.
        detail: in words.
    """

    account_id: str
    cycle_end: date | None
    kind: str
    detail: str


@dataclass(frozen=True)
class Review:
    """The pre-bill review.

    Attributes:
        accounts, cycles, bills: what a close would end and issue.
        sections: amounts by section of the bill.
        carriers: (carrier, amount) of the settlement.
        total: sum of the bills.
        currency: of the bills.
        outliers: bills to look at.
        suspended: (reason, records) that would stay off the bills.
        waiting_orders: (sync status, orders) that hold plans back.
    """

    accounts: int
    cycles: int
    bills: int
    sections: dict[str, Decimal]
    carriers: list[tuple[str, Decimal]]
    total: Decimal
    currency: str
    outliers: list[Outlier]
    suspended: list[tuple[str, int]]
    waiting_orders: list[tuple[str, int]]


def close(
    settings: Settings,
    connection: Connection,
    through: date,
    bill_cycle_day: int | None = None,
    *,
    as_of: datetime | None = None,
    on_node: Callable[[str, int, int], None] | None = None,
) -> CloseResult:
    """Close every open cycle that ends on or before a date. The caller holds the lock.

    Args:
        settings: project and database.
        connection: the session that holds the lock, in autocommit mode.
        through: last cycle_end to close; not after today.
        bill_cycle_day: only accounts with this day.
        as_of: where the warehouse stands; None: at the latest instant in the records.
        on_node: told as dbt's nodes are done.

    Raises:
        Refused: a date after today, accounts in a tax jurisdiction that the catalog does not have,
            accounts with a plan that no settlement agreement covers, or a test of what would be
            issued that failed; nothing was issued.
    """
    prepare(settings, connection, through, bill_cycle_day, as_of=as_of, on_node=on_node)
    return issue(connection, through, bill_cycle_day)


def build(
    settings: Settings,
    connection: Connection,
    *,
    as_of: datetime | None = None,
    full_refresh: bool = False,
    on_node: Callable[[str, int, int], None] | None = None,
) -> tuple[DbtRun, CloseResult]:
    """Build everything, and end the cycles that other billing systems have reported.

    A cycle that another system billed is ended by its report, not by a date: without bill or
    settlement, for the sake of its rollover. The caller holds the lock.

    Args:
        settings: project and database.
        connection: the session that holds the lock, in autocommit mode.
        as_of: where the warehouse stands; None: at the latest instant in the records.
        full_refresh: make everything anew from the raw records.
        on_node: told as dbt's nodes are done.

    Raises:
        Refused: a model or test failed; nothing was ended.
    """
    run = building.build(
        settings,
        connection,
        request=RunRequest(as_of=as_of),
        full_refresh=full_refresh,
        on_node=on_node,
    )
    (through,) = _one(connection, "select max(closing_through) from billing.int_account_bounds")
    if through is None:
        return run, CloseResult(None)
    return run, issue(connection, through)


def prepare(
    settings: Settings,
    connection: Connection,
    through: date,
    bill_cycle_day: int | None = None,
    *,
    as_of: datetime | None = None,
    on_node: Callable[[str, int, int], None] | None = None,
) -> DbtRun:
    """Work out and test what a close would issue, without issuing it."""
    row = connection.execute("select %s > current_date", (through,)).fetchone()
    if row is not None and row[0]:
        raise Refused(f"{through} is after today; cycles that have not ended cannot be closed.")
    try:
        return building.build(
            settings,
            connection,
            request=RunRequest(as_of, through, bill_cycle_day),
            on_node=on_node,
        )
    except RunFailed as failure:
        if SETTLEMENT_GATE in {name for name, _ in failure.run.failed}:
            _refuse_uncovered_plans(connection)
        raise


def review(connection: Connection) -> Review:
    """What the prepared close would issue, and what deserves a look before it does."""
    accounts, cycles = _counts(connection)
    sections: dict[str, Decimal] = dict(
        connection.execute(
            """
            select section, sum(amount) from billing.int_closing_bill_lines
            group by section order by min(line_number)
            """
        ).fetchall()
    )
    bills, total, currency = _one(
        connection,
        """
        select count(*), coalesce(sum(total_amount), 0), coalesce(min(currency), '')
        from billing.int_closing_bills
        """,
    )
    carriers = connection.execute(
        """
        select carrier_id, sum(total_amount) from settlement.int_closing_settlement_lines
        group by carrier_id order by carrier_id collate "C"
        """
    ).fetchall()
    suspended = connection.execute(
        """
        select reason, count(*) from rating.suspended_usage group by reason order by 2 desc, 1
        """
    ).fetchall()
    waiting = connection.execute(
        """
        select sync_status, count(distinct (carrier_id, order_id)) from integrity.order_sync
        where sync_status <> 'in_sync' group by sync_status order by sync_status
        """
    ).fetchall()
    return Review(
        accounts,
        cycles,
        bills,
        sections,
        carriers,
        total,
        currency,
        _outliers(connection),
        suspended,
        waiting,
    )


def _outliers(connection: Connection) -> list[Outlier]:
    rows = connection.execute(
        """
        with history as (
            select account_id, percentile_disc(0.5) within group (order by total_amount) as median
            from billing.bills
            where account_id in (select account_id from billing.int_closing_bills)
            group by account_id
        )
        select account_id, cycle_end, 'negative' as kind,
            format('the bill is %%s', total_amount) as detail
        from billing.int_closing_bills where total_amount < 0
        union all
        select b.account_id, b.cycle_end, 'high',
            format('%%s is over %%s times the median of earlier bills (%%s)',
                b.total_amount, %(factor)s, h.median)
        from billing.int_closing_bills as b inner join history as h using (account_id)
        where b.total_amount > %(factor)s * h.median and h.median > 0
        union all
        select account_id, null, 'usage without bill',
            format('%%s suspended records (%%s)', count(*), string_agg(distinct reason, ', '))
        from rating.suspended_usage
        where account_id is not null
            and reason <> 'external_billing'
            and account_id not in (select account_id from billing.int_closing_bills)
        group by account_id
        union all
        select c.account_id, c.first_open_end, 'reported elsewhere',
            'another billing system has reported the cycle, and the account is ours now:'
            ' it will not be closed'
        from billing.int_account_calendar as c
        cross join control.run_values as r
        where not c.is_billed_elsewhere
            and c.first_open_end <= least(r.close_through, c.run_on)
            and exists (
                select 1 from raw.rollover_results as t
                where t.account_id = c.account_id
                    and t.cycle_start = c.first_open_start and t.cycle_end = c.first_open_end
            )
            and c.closable_through is null
        order by kind, account_id
        """,
        {"factor": OUTLIER_FACTOR},
    ).fetchall()
    return [Outlier(*row) for row in rows]


def _counts(connection: Connection) -> tuple[int, int]:
    accounts, cycles = _one(
        connection,
        """
        select
            (select count(*) from billing.int_account_bounds where closing_through is not null),
            (select count(*) from billing.int_open_cycles where is_closing)
        """,
    )
    return accounts, cycles


def _refuse_unknown_jurisdictions(connection: Connection) -> None:
    rows = connection.execute(
        """
        select c.account_id, coalesce(a.holder_name, ''), c.tax_jurisdiction_id
        from billing.int_account_bounds as b
        inner join billing.int_account_calendar as c using (account_id)
        inner join integrity.int_accounts as a using (account_id)
        where b.closing_through is not null
            and not c.is_billed_elsewhere
            and c.tax_jurisdiction_id not in (
                select jurisdiction_id from catalog.tax_jurisdictions)
        order by c.account_id
        """
    ).fetchall()
    if rows:
        named = ", ".join(
            f"{account} {name} ({jurisdiction})".replace("  ", " ")
            for account, name, jurisdiction in rows[:NAMED]
        )
        more = f" and {len(rows) - NAMED} more" if len(rows) > NAMED else ""
        raise Refused(
            f"The catalog does not have the tax jurisdiction of {named}{more}; nothing was closed."
        )


def _refuse_uncovered_plans(connection: Connection) -> None:
    """Say whose revenue no agreement divides: that is why the settlement does not add up."""
    rows = connection.execute(
        """
        select distinct c.account_id, c.plan_id, c.cycle_end - 1
        from billing.int_closing_charges as c
        left join settlement.int_closing_agreements as a
            on c.plan_id = a.plan_id and c.cycle_end = a.cycle_end
        where c.plan_id is not null and a.plan_id is null
        order by c.account_id, c.plan_id, c.cycle_end - 1
        """
    ).fetchall()
    if rows:
        named = ", ".join(f"{account} ({plan} on {day})" for account, plan, day in rows[:NAMED])
        more = f" and {len(rows) - NAMED} more" if len(rows) > NAMED else ""
        raise Refused(
            f"The catalog has no settlement agreement for the plan of {named}{more};"
            " nothing was closed."
        )


def issue(connection: Connection, through: date, bill_cycle_day: int | None = None) -> CloseResult:
    """Issue what was prepared, in one transaction."""
    _refuse_unknown_jurisdictions(connection)
    accounts, cycles = _counts(connection)
    if accounts == 0:
        return CloseResult(None)
    with connection.transaction():
        (close_id,) = _one(connection, "select coalesce(max(close_id), 0) + 1 from issued.closes")
        parameters = {
            "close_id": close_id,
            "through": through,
            "bill_cycle_day": bill_cycle_day,
            "accounts": accounts,
            "cycles": cycles,
        }
        records = 0
        for table, statement in ISSUING_STATEMENTS:
            cursor = connection.execute(statement.encode(), parameters)
            if table == "rated_usage":
                records = cursor.rowcount
                _refuse_other_records(connection, records)
        bills, total, currency = _one(
            connection,
            """
            select count(*), coalesce(sum(total_amount), 0), coalesce(min(currency), '')
            from issued.bills where close_id = %(close_id)s
            """,
            parameters,
        )
    refresh_statistics(connection)
    return CloseResult(close_id, accounts, cycles, bills, records, total, currency)


def _refuse_other_records(connection: Connection, issued: int) -> None:
    """What is issued is what was added up and tested, record for record."""
    (tested,) = _one(
        connection, "select coalesce(sum(records), 0) from billing.int_closing_usage_by_terms"
    )
    if issued != tested:
        raise Refused(
            f"{issued} records would be issued, but {tested} were tested; nothing was closed."
        )


def _one(
    connection: Connection, statement: str, parameters: dict[str, object] | None = None
) -> tuple:  # type: ignore[type-arg]
    row = connection.execute(statement.encode(), parameters).fetchone()
    assert row is not None
    return row


# What is issued, in this order: (table, statement). Every row carries the close.
ISSUING_STATEMENTS: tuple[tuple[str, str], ...] = (
    (
        "closes",
        """
        insert into issued.closes
        select %(close_id)s, %(through)s, %(bill_cycle_day)s, as_of, cutoff_load_id, catalog_hash,
            run_at, %(accounts)s, %(cycles)s
        from control.run_values
        """,
    ),
    (
        "usage_terms",
        """
        insert into issued.usage_terms (
            terms_id, plan_id, carrier_id, rating_platform_id, service, call_type, direction,
            treatment, pool_id, tariff_id, unit_type, base_units_per_unit, category, rule_id,
            unit_factor, is_limited, minimum_quantity, increment, overage_rate
        )
        select
            terms_id, plan_id, carrier_id, rating_platform_id, service, call_type, direction,
            treatment, pool_id, tariff_id, unit_type, base_units_per_unit, category, rule_id,
            unit_factor, is_limited, minimum_quantity, increment, overage_rate
        from catalog.int_usage_terms
        on conflict do nothing
        """,
    ),
    (
        "rated_usage",
        """
        insert into issued.rated_usage (
            account_id, started_at, carrier_id, cdr_id, is_reversal, is_late, cycle_start,
            cycle_end, terms_id, load_id, close_id, service_number, other_number, quantity,
            billable_quantity, no_charge_quantity, plan_quantity, rollover_quantity,
            overage_quantity, metered_quantity, pool_offset, rate, charge_amount, no_charge_reason
        )
        select
            account_id, started_at, carrier_id, cdr_id, is_reversal, is_late, cycle_start,
            cycle_end, terms_id, load_id, %(close_id)s, service_number, other_number, quantity,
            billable_quantity, no_charge_quantity, plan_quantity, rollover_quantity,
            overage_quantity, metered_quantity, pool_offset, rate, charge_amount, no_charge_reason
        from billing.int_closing_usage
        """,
    ),
    (
        "voided_usage",
        """
        insert into issued.voided_usage (
            account_id, started_at, carrier_id, cdr_id, cycle_start, close_id
        )
        select
            v.account_id, v.started_at, v.carrier_id, v.cdr_id, v.cycle_start, %(close_id)s
        from rating.int_voids_open as v
        inner join billing.int_account_bounds as b using (account_id)
        where v.cycle_start < b.closing_through
        """,
    ),
    (
        "cycles",
        """
        insert into issued.cycles (
            account_id, cycle_start, cycle_end, cycle_start_at, cycle_end_at, days_in_cycle,
            time_zone, is_billed, close_id
        )
        select
            account_id, cycle_start, cycle_end, cycle_start_at, cycle_end_at, days_in_cycle,
            time_zone, is_billing, %(close_id)s
        from billing.int_open_cycles where is_closing
        """,
    ),
    (
        "plan_segments",
        """
        insert into issued.plan_segments (
            account_id, cycle_start, plan_id, segment_from, segment_to, carrier_ids, close_id
        )
        select
            s.account_id, s.cycle_start, s.plan_id, s.segment_from, s.segment_to,
            (select array_agg(c.carrier_id::text order by c.carrier_id)
             from catalog.int_plan_carriers as c where c.plan_id = s.plan_id),
            %(close_id)s
        from billing.int_cycle_plan_segments as s where s.is_closing
        union all
        -- with the first close of an account, what was before its first cycle
        select
            s.account_id, c.first_cycle_start, s.plan_id, s.effective_from,
            least(s.effective_to, c.first_cycle_start),
            (select array_agg(p.carrier_id::text order by p.carrier_id)
             from catalog.int_plan_carriers as p where p.plan_id = s.plan_id),
            %(close_id)s
        from integrity.int_plan_segments as s
        inner join billing.int_account_calendar as c using (account_id)
        inner join billing.int_account_bounds as b using (account_id)
        where b.closing_through is not null and c.closed_through is null
            and s.effective_from < c.first_cycle_start
        """,
    ),
    (
        "counted_orders",
        """
        insert into issued.counted_orders (
            account_id, carrier_id, order_id, counted_from, counted_requested_at, counterparts,
            close_id
        )
        select
            o.account_id, o.carrier_id, o.order_id, o.counts_from, o.counts_requested_at,
            o.counterparts, %(close_id)s
        from integrity.int_counting_orders as o
        inner join billing.int_account_bounds as b using (account_id)
        where b.closing_through is not null
            -- most counted at an earlier close already, and go on as they did then
            and not exists (
                select 1 from issued.counted_orders as c
                where c.account_id = o.account_id and c.carrier_id = o.carrier_id
                    and c.order_id = o.order_id and c.counterparts = o.counterparts
            )
        """,
    ),
    (
        "pool_cycles",
        """
        insert into issued.pool_cycles (
            account_id, pool_id, cycle_start, cycle_end, close_id, deciding_plan_id, pool_name,
            unit_type, base_units_per_unit, has_rollover, is_rollover_first, rollover_status,
            became_customer_at, ended_at, retention_cycles_left, allowance_quantity,
            demand_quantity, plan_used_quantity, rollover_used_quantity, overage_quantity,
            opening_quantity, taken_over_quantity, adjusted_quantity, accumulated_quantity,
            expired_quantity, capped_quantity, archived_quantity, closing_quantity,
            expiring_next_quantity, plan_from, plan_to, rollover_from, rollover_to
        )
        select
            account_id, pool_id, cycle_start, cycle_end, %(close_id)s, deciding_plan_id, pool_name,
            unit_type, base_units_per_unit, has_rollover, is_rollover_first, rollover_status,
            became_customer_at, ended_at, retention_cycles_left, allowance_quantity,
            demand_quantity, plan_used_quantity, rollover_used_quantity, overage_quantity,
            opening_quantity, taken_over_quantity, adjusted_quantity, accumulated_quantity,
            expired_quantity, capped_quantity, archived_quantity, closing_quantity,
            expiring_next_quantity, plan_from, plan_to, rollover_from, rollover_to
        from rollover.int_pool_cycles where is_closing
        """,
    ),
    (
        "bucket_cycles",
        """
        insert into issued.bucket_cycles (
            account_id, bucket_id, cycle_start, cycle_end, close_id, pool_id, source,
            earned_cycle_start, available_from, expires_on, cycles_left, earned_quantity,
            deferred_amount, opening_quantity, given_quantity, accumulated_quantity, used_quantity,
            debited_quantity, expired_quantity, archived_quantity, remaining_quantity, status,
            range_from, range_to
        )
        select
            account_id, bucket_id, cycle_start, cycle_end, %(close_id)s, pool_id, source,
            earned_cycle_start, available_from, expires_on, cycles_left, earned_quantity,
            deferred_amount, opening_quantity, given_quantity, accumulated_quantity, used_quantity,
            debited_quantity, expired_quantity, archived_quantity, remaining_quantity, status,
            range_from, range_to
        from rollover.int_bucket_cycles where is_closing
        """,
    ),
    (
        "adjustments",
        """
        insert into issued.adjustments (
            account_id, adjustment_id, pool_id, action, cycle_start, cycle_end, close_id, plan_id,
            bucket_id, base_units_per_unit, quantity, applied_quantity, charged_quantity, rate,
            amount, exception_type
        )
        select
            account_id, adjustment_id, pool_id, action, cycle_start, cycle_end, %(close_id)s,
            plan_id, bucket_id, base_units_per_unit, quantity, applied_quantity, charged_quantity,
            rate, amount, exception_type
        from rollover.int_adjustments_folded where is_closing
        """,
    ),
    (
        "openings",
        """
        insert into issued.openings (
            account_id, bucket_id, pool_id, cycle_start, close_id, base_units_per_unit, quantity,
            deferred_amount, exception_type
        )
        select
            o.account_id, o.bucket_id, o.pool_id, o.cycle_start, %(close_id)s,
            o.base_units_per_unit, o.quantity, o.deferred_amount, o.exception_type
        from rollover.int_openings_open as o
        inner join billing.int_account_bounds as b using (account_id)
        where b.closing_through is not null
        """,
    ),
    (
        "reports",
        """
        insert into issued.reports (
            account_id, pool_id, cycle_start, cycle_end, close_id, load_id, request_id,
            base_units_per_unit, reported_rollover_used_quantity, rollover_used_quantity,
            reported_accumulated_quantity, accumulated_quantity, expected_accumulated_quantity,
            reported_expired_quantity, expired_quantity
        )
        select
            account_id, pool_id, cycle_start, cycle_end, %(close_id)s, load_id, request_id,
            base_units_per_unit, reported_rollover_used_quantity, rollover_used_quantity,
            reported_accumulated_quantity, accumulated_quantity, expected_accumulated_quantity,
            reported_expired_quantity, expired_quantity
        from rollover.int_closing_reports
        """,
    ),
    (
        "bills",
        """
        insert into issued.bills (
            account_id, bill_id, cycle_start, cycle_end, close_id, biller_id, currency,
            plan_fee_amount, usage_amount, one_time_amount, tax_amount, total_amount, issued_at,
            holder_name, address_line1, address_line2, city, region, postal_code, country, email,
            time_zone, tax_jurisdiction_id
        )
        select
            b.account_id, b.bill_id, b.cycle_start, b.cycle_end, %(close_id)s, b.biller_id,
            b.currency, b.plan_fee_amount, b.usage_amount, b.one_time_amount, b.tax_amount,
            b.total_amount, v.run_at, b.holder_name, b.address_line1, b.address_line2, b.city,
            b.region, b.postal_code, b.country, b.email, b.time_zone, b.tax_jurisdiction_id
        from billing.int_closing_bills as b cross join control.run_values as v
        """,
    ),
    (
        "bill_lines",
        """
        insert into issued.bill_lines (
            account_id, bill_id, line_number, section, plan_id, carrier_id, service, call_type,
            treatment, tax_code, jurisdiction_id, description, quantity_units, unit_type, rate,
            amount, close_id
        )
        select
            account_id, bill_id, line_number, section, plan_id, carrier_id, service, call_type,
            treatment, tax_code, jurisdiction_id, description, quantity_units, unit_type, rate,
            amount, %(close_id)s
        from billing.int_closing_bill_lines
        """,
    ),
    (
        "settlement_lines",
        """
        insert into issued.settlement_lines (
            account_id, bill_id, cycle_start, cycle_end, agreement_id, carrier_id, fixed_amount,
            usage_weight, remainder_amount, usage_amount, total_amount, close_id
        )
        select
            account_id, bill_id, cycle_start, cycle_end, agreement_id, carrier_id, fixed_amount,
            usage_weight, remainder_amount, usage_amount, total_amount, %(close_id)s
        from settlement.int_closing_settlement_lines
        """,
    ),
    (
        "settlement_statements",
        """
        insert into issued.settlement_statements (
            close_id, cycle_end_through, carrier_id, bills, fixed_amount, remainder_amount,
            usage_amount, total_amount, collected_by, net_payable_amount
        )
        select
            %(close_id)s, %(through)s, l.carrier_id, count(distinct l.bill_id),
            sum(l.fixed_amount), sum(l.remainder_amount), sum(l.usage_amount),
            sum(l.total_amount), b.carrier_id,
            case when l.carrier_id = b.carrier_id then 0 else sum(l.total_amount) end
        from settlement.int_closing_settlement_lines as l
        cross join (select carrier_id from catalog.carriers where is_biller) as b
        group by l.carrier_id, b.carrier_id
        """,
    ),
    (
        "journal",
        """
        insert into issued.journal (
            account_id, entry_id, cycle_start, bucket_id, bill_id, event, debit_account,
            credit_account, amount, close_id
        )
        select
            account_id, entry_id, cycle_start, bucket_id, bill_id, event, debit_account,
            credit_account, amount, %(close_id)s
        from accounting.int_closing_journal
        """,
    ),
    (
        "names",
        """
        insert into issued.names (close_id, kind, id, name, detail)
        select %(close_id)s, 'carrier', carrier_id, carrier_name, service_kind from catalog.carriers
        union all
        select %(close_id)s, 'plan', plan_id, plan_name, null from catalog.plans
        """,
    ),
    (
        "account_frontiers",
        """
        insert into issued.account_frontiers (
            account_id, close_id, first_cycle_start, closed_through, closed_through_at
        )
        select
            c.account_id, %(close_id)s, c.first_cycle_start, b.closing_through,
            b.closing_through_at
        from billing.int_account_bounds as b
        inner join billing.int_account_calendar as c using (account_id)
        where b.closing_through is not null
        on conflict (account_id) do update set
            close_id = excluded.close_id,
            closed_through = excluded.closed_through,
            closed_through_at = excluded.closed_through_at
        """,
    ),
    (
        "usage_totals",
        """
        insert into issued.usage_totals (
            close_id, carrier_id, cycle_start, records, reversals, quantity, billable_quantity,
            charge_amount, reversed_amount
        )
        select
            %(close_id)s, terms.carrier_id, sums.cycle_start,
            coalesce(sum(sums.records) filter (where not sums.is_reversal), 0),
            coalesce(sum(sums.records) filter (where sums.is_reversal), 0),
            sum(sums.quantity), sum(sums.billable_quantity),
            coalesce(sum(sums.charge_amount) filter (where not sums.is_reversal), 0),
            coalesce(sum(sums.charge_amount) filter (where sums.is_reversal), 0)
        from billing.int_closing_usage_by_terms as sums
        left join catalog.int_usage_terms as terms using (terms_id)
        group by terms.carrier_id, sums.cycle_start
        """,
    ),
    # the sums of what was issued; a close that does not balance is not committed
    (
        "money_totals",
        """
        insert into issued.money_totals (
            close_id, bills, bill_amount, line_amount, settlement_amount, tax_amount,
            receivable_amount
        )
        select
            %(close_id)s, count(*), coalesce(sum(total_amount), 0),
            coalesce((select sum(amount) from billing.int_closing_bill_lines), 0),
            coalesce((select sum(total_amount) from settlement.int_closing_settlement_lines), 0),
            coalesce(sum(tax_amount), 0),
            coalesce((select sum(amount) from accounting.int_closing_journal
                      where event = 'bill'), 0)
        from issued.bills where close_id = %(close_id)s
        """,
    ),
)
