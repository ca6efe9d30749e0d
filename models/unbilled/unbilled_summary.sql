{{ config(materialized='view') }}

-- One row per account, open cycle and pool, and one with the pool 'none' for free and metered
-- usage outside pools.

with

frontiers as not materialized (select * from {{ source('issued', 'account_frontiers') }}),

run_values as (select * from {{ ref('run_values') }}),

pools as (
    select pools.*
    from {{ ref('int_pool_cycles') }} as pools
    left join frontiers on pools.account_id = frontiers.account_id
    where
        pools.frontier = coalesce(frontiers.closed_through, '-infinity')
        and pools.cycle_start >= coalesce(frontiers.closed_through, '-infinity')
),

buckets as (select * from {{ ref('int_bucket_cycles') }}),

usage as not materialized (
    select
        usage.*,
        terms.treatment,
        terms.pool_id,
        terms.category
    from {{ ref('int_usage_open_funded') }} as usage
    inner join {{ ref('int_usage_terms') }} as terms on usage.terms_id = terms.terms_id
),

buckets_by_pool as (
    select
        account_id,
        pool_id,
        cycle_start,
        frontier,
        sum(remaining_quantity) filter (
            where available_from <= cycle_start and expires_on >= cycle_end
        ) as available_quantity,
        sum(remaining_quantity) filter (where expires_on = cycle_end) as expiring_quantity
    from buckets
    group by account_id, pool_id, cycle_start, frontier
),

usage_by_pool as (
    select
        account_id,
        cycle_start,
        pool_id,
        sum(charge_amount) as overage_amount,
        sum(no_charge_quantity) filter (where category = 'night_weekend')
            as night_weekend_quantity,
        sum(no_charge_quantity) filter (where category = 'mobile_to_mobile')
            as mobile_to_mobile_quantity,
        sum(no_charge_quantity) filter (where category not in ('night_weekend', 'mobile_to_mobile'))
            as other_no_charge_quantity
    from usage
    where treatment = 'pool'
    group by account_id, cycle_start, pool_id
),

usage_outside_pools as (
    select
        account_id,
        cycle_start,
        cycle_end,
        sum(charge_amount) as metered_amount
    from usage
    where treatment != 'pool'
    group by account_id, cycle_start, cycle_end
),

unioned as (
    select
        pools.account_id,
        pools.pool_id,
        pools.unit_type,
        pools.cycle_start,
        pools.cycle_end,
        {{ in_units('pools.allowance_quantity', 'pools.base_units_per_unit') }} as allowance_units,
        {{ in_units('pools.plan_used_quantity', 'pools.base_units_per_unit') }} as plan_used_units,
        {{ in_units(
            'pools.allowance_quantity - pools.plan_used_quantity', 'pools.base_units_per_unit'
        ) }} as plan_remaining_units,
        {{ in_units(
            'case when pools.has_rollover then coalesce(buckets.available_quantity, 0) else 0 end',
            'pools.base_units_per_unit'
        ) }} as rollover_available_units,
        {{ in_units('pools.rollover_used_quantity', 'pools.base_units_per_unit') }}
            as rollover_used_units,
        {{ in_units(
            'case when pools.has_rollover then coalesce(buckets.expiring_quantity, 0) else 0 end',
            'pools.base_units_per_unit'
        ) }} as rollover_expiring_units,
        {{ in_units('pools.overage_quantity', 'pools.base_units_per_unit') }} as overage_units,
        coalesce(usage.overage_amount, 0)::numeric(18, 6) as overage_amount,
        {{ in_units('coalesce(usage.night_weekend_quantity, 0)', 'pools.base_units_per_unit') }}
            as night_weekend_units,
        {{ in_units('coalesce(usage.mobile_to_mobile_quantity, 0)', 'pools.base_units_per_unit') }}
            as mobile_to_mobile_units,
        {{ in_units('coalesce(usage.other_no_charge_quantity, 0)', 'pools.base_units_per_unit') }}
            as other_no_charge_units,
        0::numeric(18, 6) as metered_amount
    from pools
    left join buckets_by_pool as buckets
        on
            pools.account_id = buckets.account_id
            and pools.pool_id = buckets.pool_id
            and pools.cycle_start = buckets.cycle_start
            and pools.frontier = buckets.frontier
    left join usage_by_pool as usage
        on
            pools.account_id = usage.account_id
            and pools.pool_id = usage.pool_id
            and pools.cycle_start = usage.cycle_start
    -- pools that the cycle has in some way
    where
        pools.allowance_quantity > 0
        or pools.rollover_status != 'none'
        or pools.deciding_plan_id is not null
        or usage.account_id is not null
    union all
    select
        account_id,
        'none' as pool_id,
        null as unit_type,
        cycle_start,
        cycle_end,
        null as allowance_units,
        null as plan_used_units,
        null as plan_remaining_units,
        null as rollover_available_units,
        null as rollover_used_units,
        null as rollover_expiring_units,
        null as overage_units,
        null as overage_amount,
        null as night_weekend_units,
        null as mobile_to_mobile_units,
        null as other_no_charge_units,
        metered_amount
    from usage_outside_pools
),

final as (
    select
        unioned.account_id,
        unioned.pool_id,
        unioned.unit_type,
        unioned.cycle_start,
        unioned.cycle_end,
        run_values.as_of,
        unioned.allowance_units::numeric(20, 6) as allowance_units,
        unioned.plan_used_units::numeric(20, 6) as plan_used_units,
        unioned.plan_remaining_units::numeric(20, 6) as plan_remaining_units,
        unioned.rollover_available_units::numeric(20, 6) as rollover_available_units,
        unioned.rollover_used_units::numeric(20, 6) as rollover_used_units,
        unioned.rollover_expiring_units::numeric(20, 6) as rollover_expiring_units,
        unioned.overage_units::numeric(20, 6) as overage_units,
        unioned.overage_amount::numeric(18, 6) as overage_amount,
        unioned.night_weekend_units::numeric(20, 6) as night_weekend_units,
        unioned.mobile_to_mobile_units::numeric(20, 6) as mobile_to_mobile_units,
        unioned.other_no_charge_units::numeric(20, 6) as other_no_charge_units,
        unioned.metered_amount::numeric(18, 6) as metered_amount
    from unioned
    cross join run_values
)

select * from final
