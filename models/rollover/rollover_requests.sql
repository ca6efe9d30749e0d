{{ config(materialized='view') }}

-- What a rating and billing system asks before a bill: the balance at the start of the first open
-- cycle, and what of it expires with that cycle if it is not used. Frozen units cannot be drawn.

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

buckets as (select * from {{ ref('int_bucket_cycles') }}),

expiring as (
    select
        account_id,
        pool_id,
        cycle_start,
        frontier,
        sum(opening_quantity) filter (where expires_on = cycle_end) as expiring_quantity
    from buckets
    group by account_id, pool_id, cycle_start, frontier
),

final as (
    select
        pools.account_id,
        pools.pool_id,
        pools.unit_type,
        pools.cycle_start,
        {{ in_units(
            'case when pools.has_rollover then pools.opening_quantity else 0 end',
            'pools.base_units_per_unit'
        ) }} as balance_units,
        {{ in_units(
            'case when pools.has_rollover then coalesce(expiring.expiring_quantity, 0) else 0 end',
            'pools.base_units_per_unit'
        ) }} as expiring_units,
        {{ in_units('pools.adjusted_quantity', 'pools.base_units_per_unit') }}
            as adjusted_since_last_cycle_units
    from pools
    left join expiring
        on
            pools.account_id = expiring.account_id
            and pools.pool_id = expiring.pool_id
            and pools.cycle_start = expiring.cycle_start
            and pools.frontier = expiring.frontier
)

select * from final
