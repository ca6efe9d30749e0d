"""What only pages ask for, in the session of whoever looks."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from tandem.bills import format as fmt
from tandem.queries import Row
from tandem.serve import queries
from tandem.serve.access import Session
from tandem.serve.reading import Pool, fetch


async def days(session: Session, account_id: str, cycle_start: date) -> list[Row]:
    """Usage of a cycle by local day and unit: from pools, at no charge, priced one by one."""
    return await fetch(
        session,
        """
        select local_date, unit_type,
            coalesce(sum(duration_units) filter (
                where category = 'anytime' and no_charge_reason is null
            ), 0) as pooled_units,
            coalesce(sum(duration_units) filter (
                where category not in ('anytime', 'metered') or no_charge_reason is not null
            ), 0) as free_units,
            coalesce(sum(duration_units) filter (
                where category = 'metered' and no_charge_reason is null
            ), 0) as metered_units
        from unbilled_detail
        where account_id = %s and cycle_start = %s and unit_type is not null
        group by local_date, unit_type
        order by unit_type, local_date
        """,
        (account_id, cycle_start),
    )


async def pooled(session: Session, account_id: str, cycle_start: date) -> list[Row]:
    """Units that drew on pools in a cycle, by carrier and service."""
    return await fetch(
        session,
        """
        select carrier_id, service, sum(duration_units) as units
        from unbilled_detail
        where account_id = %s and cycle_start = %s and category = 'anytime'
            and no_charge_reason is null
        group by carrier_id, service
        order by carrier_id, service
        """,
        (account_id, cycle_start),
    )


async def overage_rates(
    session: Session, account_id: str, on: date, services: Iterable[str]
) -> list[Row]:
    """Overage rates of the plans in effect on a day, by pool, carrier and service.

    Terms for any carrier or service are those of each that has none before them; services are
    those that plans name, and those given.
    """
    return await fetch(
        session,
        """
        select terms.pool_id, carriers.carrier_id, services.service,
            max(terms.overage_rate) as overage_rate
        from effective_plans as held
        inner join catalog.plan_services as terms on terms.plan_id = held.plan_id
        inner join catalog.carriers as carriers on terms.carrier_id in ('*', carriers.carrier_id)
        inner join (
            select distinct service from catalog.plan_services where service <> '*'
            union
            select unnest(%s::text[])
        ) as services on terms.service in ('*', services.service)
        where held.account_id = %s and held.effective_from <= %s
            and (held.effective_to is null or held.effective_to > %s)
            and terms.pool_id is not null
            and not exists (
                select from catalog.plan_services as before
                where before.plan_id = terms.plan_id and before.priority < terms.priority
                    and before.carrier_id in ('*', carriers.carrier_id)
                    and before.service in ('*', services.service)
                    and before.call_type in ('*', terms.call_type)
                    and before.direction in ('*', terms.direction)
            )
        group by terms.pool_id, carriers.carrier_id, services.service
        order by terms.pool_id, carriers.carrier_id, services.service
        """,
        (list(services), account_id, on, on),
    )


async def numbers(session: Session, account_id: str) -> list[Row]:
    """Numbers that unbilled records are of."""
    return await fetch(
        session,
        """
        select service_number, min(carrier_id) as carrier_id, count(*)::integer as records
        from unbilled_detail where account_id = %s
        group by service_number order by service_number
        """,
        (account_id,),
    )


async def carrier_names(session: Session) -> dict[str, str]:
    """Names of carriers by id."""
    return {row["carrier_id"]: fmt.carrier_name(row) for row in await queries.carriers(session)}


async def plans(session: Session) -> list[Row]:
    """Plans of the catalog with their carriers and pools, the dearest first.

    The carriers of a plan are those that its services name; where they name none it is a plan of
    any network, and all carriers are its own.
    """
    return await fetch(
        session,
        """
        select plans.plan_id, plans.plan_name, plans.monthly_fee, plans.currency,
            plans.is_integrated, plans.valid_from, plans.valid_to,
            coalesce(named.is_any_network, false) as is_any_network,
            coalesce(
                case
                    when named.is_any_network
                        then array(
                            select carrier_id from catalog.carriers order by carrier_id
                        )
                    else named.carrier_ids
                end,
                '{}'
            ) as carrier_ids,
            array(
                select jsonb_build_object(
                    'name', pools.pool_name, 'unit_type', pools.unit_type,
                    'allowance', pools.allowance::text, 'has_rollover', pools.has_rollover,
                    'cycles', pools.rollover_cycles
                )
                from catalog.plan_pools as pools
                where pools.plan_id = plans.plan_id order by pools.pool_id
            ) as pools
        from catalog.plans as plans
        left join (
            select plan_id, bool_and(carrier_id = '*') as is_any_network,
                array_agg(distinct carrier_id order by carrier_id)
                    filter (where carrier_id <> '*') as carrier_ids
            from catalog.plan_services
            group by plan_id
        ) as named on named.plan_id = plans.plan_id
        order by plans.monthly_fee desc, plans.plan_id
        """,
    )


async def just_received(pool: Pool, account_id: str, carrier_id: str | None = None) -> list[Row]:
    """Orders of an account that came after the last build, which has therefore not seen them.

    Args:
        pool: the server's own, as no audience reads what was loaded.
        account_id: whose; the caller has made sure that the visitor may see this account.
        carrier_id: only this carrier's.
    """
    async with pool.connection() as session:
        return await fetch(
            session,
            """
            select * from (
                select distinct on (orders.carrier_id, orders.order_id) orders.carrier_id,
                    orders.order_id, orders.action, orders.plan_id, plans.plan_name, orders.status,
                    orders.requested_at, orders.effective_on, orders.load_id
                from raw.orders as orders
                left join catalog.plans as plans on plans.plan_id = orders.plan_id
                where orders.account_id = %(account_id)s
                    and (%(carrier_id)s::text is null or orders.carrier_id = %(carrier_id)s)
                    and orders.action in ('subscribe', 'change_plan', 'cancel')
                order by orders.carrier_id, orders.order_id, orders.load_id desc,
                    orders.row_number desc
            ) as last_seen
            where load_id > (select max(cutoff_load_id) from control.build_state)
            order by requested_at desc, carrier_id, order_id
            """,
            {"account_id": account_id, "carrier_id": carrier_id},
        )


async def recorded_adjustments(
    pool: Pool, account_id: str, adjustment_id: str | None = None
) -> list[Row]:
    """Adjustments as they were recorded: one of an id, or those since the last build, latest first.

    Args:
        pool: the server's own, as no audience reads what was loaded.
        account_id: whose; the caller has made sure that the visitor may see this account.
        adjustment_id: only this one, whenever it came.
    """
    async with pool.connection() as session:
        return await fetch(
            session,
            """
            select recorded.adjustment_id, recorded.pool_id, recorded.action, recorded.quantity,
                recorded.reason_code, reasons.description as reason, recorded.adjusted_at,
                recorded.adjusted_by, recorded.bucket_cycle_start, recorded.extend_cycles,
                recorded.note, named.unit_type,
                recorded.load_id <= (select max(cutoff_load_id) from control.build_state)
                    as is_built
            from raw.rollover_adjustments as recorded
            left join catalog.adjustment_reasons as reasons
                on reasons.reason_code = recorded.reason_code
            left join (
                select pool_id, min(unit_type) as unit_type from catalog.plan_pools group by pool_id
            ) as named on named.pool_id = recorded.pool_id
            where recorded.account_id = %(account_id)s
                and (
                    recorded.adjustment_id = %(adjustment_id)s
                    or %(adjustment_id)s::text is null
                    and recorded.load_id > (select max(cutoff_load_id) from control.build_state)
                )
            order by recorded.adjusted_at desc, recorded.adjustment_id
            """,
            {"account_id": account_id, "adjustment_id": adjustment_id},
        )


async def free(session: Session, account_id: str, cycle_start: date) -> list[Row]:
    """What was used in a cycle that the plan does not count at all, by unit."""
    return await fetch(
        session,
        """
        select unit_type, sum(duration_units) as units, count(*)::integer as records
        from unbilled_detail
        where account_id = %s and cycle_start = %s and category = 'free' and unit_type is not null
        group by unit_type having sum(duration_units) > 0 order by unit_type
        """,
        (account_id, cycle_start),
    )


async def retention(session: Session, account_id: str) -> dict[str, int]:
    """For how many cycles the rollover of a plan that was left is kept, by pool."""
    rows = await fetch(
        session,
        """
        select distinct on (matrix.pool_id) matrix.pool_id, plans.rollover_retention_cycles
        from rollover_matrix as matrix
        inner join effective_plans as held
            on held.account_id = matrix.account_id and held.effective_from < matrix.ended_at
                and (held.effective_to is null or held.effective_to >= matrix.ended_at)
        inner join catalog.plan_pools as pools
            on pools.plan_id = held.plan_id and pools.pool_id = matrix.pool_id
                and pools.has_rollover
        inner join catalog.plans as plans on plans.plan_id = held.plan_id
        where matrix.account_id = %s and matrix.ended_at is not null
        order by matrix.pool_id, matrix.cycle_start desc, held.plan_id
        """,
        (account_id,),
    )
    return {row["pool_id"]: row["rollover_retention_cycles"] for row in rows}


async def first_cycle(session: Session, account_id: str) -> date | None:
    """The first day of the first cycle that is billed here."""
    (row,) = await fetch(
        session,
        """
        select least(
            (select min(cycle_start) from bills where account_id = %(account_id)s),
            (select min(cycle_start) from unbilled_summary where account_id = %(account_id)s)
        ) as first_cycle
        """,
        {"account_id": account_id},
    )
    found: date | None = row["first_cycle"]
    return found


async def plan_names(session: Session) -> dict[str, str]:
    """Names of the catalog's plans by id."""
    rows = await fetch(
        session, "select plan_id, plan_name from catalog.plans where plan_name is not null"
    )
    return {row["plan_id"]: row["plan_name"] for row in rows}


async def known_accounts(session: Session, account_ids: list[str | None]) -> set[str]:
    """Which of these accounts there are, and the visitor may see."""
    rows = await fetch(
        session, "select account_id from accounts where account_id = any(%s)", (account_ids,)
    )
    return {row["account_id"] for row in rows}
