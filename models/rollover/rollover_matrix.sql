{{ config(materialized='view') }}

-- Pools with rollover on the last day of the cycle and, frozen, until they are archived; the last
-- 12 closed cycles of an account and all that are open.

with

frontiers as not materialized (select * from {{ source('issued', 'account_frontiers') }}),

cycles as not materialized (select * from {{ source('issued', 'cycles') }}),

-- 12 cycles are at most 12 months; with short ones after changes of the bill cycle day, less
shown_from as not materialized (
    select
        frontiers.account_id,
        greatest(
            {{ months_after('frontiers.closed_through', '-12') }}, twelfth.cycle_start
        ) as first_cycle_start
    from frontiers
    left join lateral (
        select cycles.cycle_start
        from cycles
        where cycles.account_id = frontiers.account_id
        order by cycles.cycle_start desc
        limit 1 offset 11
    ) as twelfth on true
),

unioned as (
    select
        pools.account_id,
        pools.pool_id,
        pools.unit_type,
        pools.base_units_per_unit,
        pools.cycle_start,
        pools.cycle_end,
        pools.became_customer_at,
        pools.ended_at,
        pools.rollover_status,
        pools.opening_quantity,
        pools.taken_over_quantity,
        pools.adjusted_quantity,
        pools.allowance_quantity,
        pools.plan_used_quantity,
        pools.overage_quantity,
        pools.rollover_used_quantity,
        pools.accumulated_quantity,
        pools.expired_quantity,
        pools.capped_quantity,
        pools.archived_quantity,
        pools.closing_quantity,
        pools.expiring_next_quantity,
        true as is_closed
    from {{ source('issued', 'pool_cycles') }} as pools
    inner join shown_from on pools.account_id = shown_from.account_id
    where
        pools.rollover_status != 'none'
        and pools.cycle_start >= shown_from.first_cycle_start
    union all
    select
        pools.account_id,
        pools.pool_id,
        pools.unit_type,
        pools.base_units_per_unit,
        pools.cycle_start,
        pools.cycle_end,
        pools.became_customer_at,
        pools.ended_at,
        pools.rollover_status,
        pools.opening_quantity,
        pools.taken_over_quantity,
        pools.adjusted_quantity,
        pools.allowance_quantity,
        pools.plan_used_quantity,
        pools.overage_quantity,
        pools.rollover_used_quantity,
        pools.accumulated_quantity,
        pools.expired_quantity,
        pools.capped_quantity,
        pools.archived_quantity,
        pools.closing_quantity,
        pools.expiring_next_quantity,
        false as is_closed
    from {{ ref('int_pool_cycles') }} as pools
    left join frontiers on pools.account_id = frontiers.account_id
    where
        pools.rollover_status != 'none'
        and pools.frontier = coalesce(frontiers.closed_through, '-infinity')
        and pools.cycle_start >= coalesce(frontiers.closed_through, '-infinity')
),

final as (
    select
        account_id,
        pool_id,
        unit_type,
        cycle_start,
        cycle_end,
        became_customer_at,
        ended_at,
        rollover_status,
        {{ in_units('opening_quantity', 'base_units_per_unit') }} as opening_balance,
        {{ in_units('adjusted_quantity', 'base_units_per_unit') }} as adjusted_units,
        {{ in_units('allowance_quantity', 'base_units_per_unit') }} as allowance_units,
        {{ in_units('plan_used_quantity', 'base_units_per_unit') }} as plan_used_units,
        {{ in_units('rollover_used_quantity + overage_quantity', 'base_units_per_unit') }}
            as overage_assessed_units,
        {{ in_units('rollover_used_quantity', 'base_units_per_unit') }} as rollover_used_units,
        {{ in_units('accumulated_quantity', 'base_units_per_unit') }} as accumulated_units,
        {{ in_units('expired_quantity', 'base_units_per_unit') }} as expired_units,
        {{ in_units('capped_quantity', 'base_units_per_unit') }} as capped_units,
        {{ in_units('archived_quantity', 'base_units_per_unit') }} as archived_units,
        {{ in_units('closing_quantity', 'base_units_per_unit') }} as closing_balance,
        {{ in_units('expiring_next_quantity', 'base_units_per_unit') }} as expiring_next_units,
        is_closed,
        {{ in_units('taken_over_quantity', 'base_units_per_unit') }} as taken_over_units
    from unioned
)

select * from final
