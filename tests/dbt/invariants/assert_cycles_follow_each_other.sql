-- A day is billed once. A row here would be days of an account in two cycles (fee and allowance
-- twice) or in none (fee and calls never billed).
--
-- Cycles in which an account has nothing, no plan and no record, leave no trace; only such may be
-- missing.
{{ config(meta={
    'invariant': 'Closed is closed',
    'proves': 'cycles of an account follow each other without overlap; only empty ones are missing',
}) }}

with

frontiers as (select * from {{ source('issued', 'account_frontiers') }}),

cycles as (
    select
        account_id,
        cycle_start,
        cycle_end,
        cycle_start_at,
        cycle_end_at,
        true as is_closed
    from {{ source('issued', 'cycles') }}
    union all
    select
        open_cycles.account_id,
        open_cycles.cycle_start,
        open_cycles.cycle_end,
        open_cycles.cycle_start_at,
        open_cycles.cycle_end_at,
        false as is_closed
    from {{ ref('int_open_cycles') }} as open_cycles
    left join frontiers on open_cycles.account_id = frontiers.account_id
    where open_cycles.cycle_start >= coalesce(frontiers.closed_through, '-infinity')
),

in_order as (
    select
        *,
        lag(cycle_end) over account_in_time as earlier_end,
        lag(cycle_end_at) over account_in_time as earlier_end_at
    from cycles
    window account_in_time as (
        partition by account_id
        order by cycle_start, cycle_end
    )
),

plan_days as (
    select
        account_id,
        effective_from,
        coalesce(effective_to, 'infinity') as effective_to
    from {{ ref('effective_plans') }}
)

select
    in_order.account_id,
    in_order.cycle_start,
    in_order.cycle_end,
    in_order.earlier_end
from in_order
left join frontiers on in_order.account_id = frontiers.account_id
where
    in_order.cycle_end <= in_order.cycle_start
    or in_order.cycle_end_at <= in_order.cycle_start_at
    or in_order.cycle_start < in_order.earlier_end
    or in_order.cycle_start_at < in_order.earlier_end_at
    or (
        in_order.cycle_start = in_order.earlier_end
        and in_order.cycle_start_at is distinct from in_order.earlier_end_at
    )
    or (
        in_order.is_closed
        and in_order.cycle_end > coalesce(frontiers.closed_through, '-infinity')
    )
    or (
        in_order.cycle_start > in_order.earlier_end
        and exists (
            select 1
            from plan_days
            where
                plan_days.account_id = in_order.account_id
                and plan_days.effective_from < in_order.cycle_start
                and plan_days.effective_to > in_order.earlier_end
        )
    )
