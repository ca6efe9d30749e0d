{{ config(materialized='view') }}

-- What a rating and billing system asks before a bill: the balance of the first open cycle,
-- adjusted and before anything is drawn, and what of it expires with that cycle if it is not used.
-- Frozen units cannot be drawn.

with

frontiers as not materialized (select * from {{ source('issued', 'account_frontiers') }}),

pools as (
    select pools.*
    from {{ ref('int_pool_cycles') }} as pools
    inner join {{ ref('int_open_cycles') }} as cycles
        on pools.account_id = cycles.account_id and pools.cycle_start = cycles.cycle_start
    left join frontiers on pools.account_id = frontiers.account_id
    where
        pools.rollover_status != 'none'
        and pools.frontier = coalesce(frontiers.closed_through, '-infinity')
        and pools.cycle_start = coalesce(
            frontiers.closed_through, case when cycles.is_first_open then cycles.cycle_start end
        )
),

final as (
    select
        pools.account_id,
        pools.pool_id,
        pools.unit_type,
        pools.cycle_start,
        {{ in_units('pools.balance_quantity', 'pools.base_units_per_unit') }} as balance_units,
        {{ in_units('pools.expiring_quantity', 'pools.base_units_per_unit') }} as expiring_units,
        {{ in_units('pools.adjusted_quantity', 'pools.base_units_per_unit') }}
            as adjusted_since_last_cycle_units
    from pools
)

select * from final
