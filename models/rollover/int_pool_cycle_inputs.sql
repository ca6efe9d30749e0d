{{ config(unlogged=true, indexes=[{'columns': ['account_id', 'pool_id']}]) }}

-- What the fold of a pool over the open cycles needs of each cycle. Section "Rollover": for each
-- pool the plan in effect on the last day of the cycle that has the pool (of several the first by
-- plan_id) decides for the whole cycle.

with

cycles as not materialized (select * from {{ ref('int_open_cycles') }}),

segments as (select * from {{ ref('int_cycle_plan_segments') }}),

stretches as not materialized (select * from {{ ref('int_pool_stretches') }}),

pool_terms as not materialized (select * from {{ ref('int_pool_terms') }}),

meters as (select * from {{ ref('int_meter_totals') }}),

buckets as (select * from {{ ref('int_buckets_carried') }}),

adjustments as (select * from {{ ref('int_adjustments_open') }}),

reports as (
    select * from {{ ref('int_reports') }}
    where is_of_calendar
),

plans as (select * from {{ ref('plans') }}),

pool_names as (select * from {{ ref('int_pools') }}),

states as not materialized (select * from {{ ref('int_pool_states') }}),

issued as (select * from {{ source('issued', 'pool_cycles') }}),

pool_segments as (
    select
        segments.account_id,
        segments.cycle_start,
        segments.cycle_end,
        segments.segment_from,
        segments.segment_to,
        pool_terms.*,
        {{ round_half_up(
            'plans.monthly_fee * segments.days / segments.days_in_cycle', 2
        ) }} as segment_fee_amount,
        {{ round_half_up(
            'pool_terms.allowance_quantity * segments.days / segments.days_in_cycle', 0
        ) }}::bigint as segment_allowance_quantity
    from segments
    inner join pool_terms on segments.plan_id = pool_terms.plan_id
    inner join plans on segments.plan_id = plans.plan_id
),

allowances as (
    select
        account_id,
        pool_id,
        cycle_start,
        sum(segment_allowance_quantity)::bigint as allowance_quantity,
        sum(segment_fee_amount)::numeric(18, 2) as fee_amount
    from pool_segments
    group by account_id, pool_id, cycle_start
),

deciding as (
    select
        cycles.account_id,
        stretches.pool_id,
        cycles.cycle_start,
        pool_terms.plan_id,
        pool_terms.has_rollover,
        pool_terms.is_rollover_first,
        pool_terms.rollover_cycles,
        pool_terms.rollover_cap_quantity,
        pool_terms.resale_rate,
        pool_terms.extension_rate,
        pool_terms.deferral_fee_share
    from cycles
    inner join stretches
        on
            cycles.account_id = stretches.account_id
            and cycles.cycle_end > stretches.decides_from
            and cycles.cycle_end <= stretches.decides_to
    inner join pool_terms
        on stretches.plan_id = pool_terms.plan_id and stretches.pool_id = pool_terms.pool_id
),

demands as (
    select
        account_id,
        cycle_start,
        substr(meter, 6) as pool_id,
        drawn_quantity
    from meters
    where meter like 'pool %'
),

pools as (
    select distinct
        account_id,
        pool_id
    from pool_segments
    union
    select distinct
        account_id,
        pool_id
    from demands
    union
    select distinct
        account_id,
        pool_id
    from buckets
    union
    select distinct
        account_id,
        pool_id
    from adjustments
    union
    select distinct
        account_id,
        pool_id
    from reports
),

-- when rollover for the pool was left, and the plan that was left with it
left_on as (
    select distinct on (cycles.account_id, stretches.pool_id, cycles.cycle_start)
        cycles.account_id,
        stretches.pool_id,
        cycles.cycle_start,
        stretches.decides_to as left_on,
        stretches.rollover_retention_cycles
    from cycles
    inner join stretches
        on cycles.account_id = stretches.account_id and cycles.cycle_end >= stretches.decides_to
    where stretches.has_rollover
    order by
        cycles.account_id asc,
        stretches.pool_id asc,
        cycles.cycle_start asc,
        stretches.decides_to desc
),

first_days as (
    select
        account_id,
        pool_id,
        min(decides_from) as first_on
    from stretches
    where has_rollover
    group by account_id, pool_id
),

-- pools that the last closed cycle did not have, but an earlier one
remembered as (
    select
        pools.account_id,
        pools.pool_id,
        earlier.became_customer_at
    from pools
    left join states
        on pools.account_id = states.account_id and pools.pool_id = states.pool_id
    cross join
        lateral (
            select issued.became_customer_at
            from issued
            where issued.account_id = pools.account_id and issued.pool_id = pools.pool_id
            order by issued.cycle_start desc
            limit 1
        ) as earlier
    where states.account_id is null
),

final as (
    select
        pools.account_id,
        pools.pool_id,
        pool_names.pool_name,
        pool_names.unit_type,
        pool_names.base_units_per_unit,
        cycles.is_closing,
        cycles.is_ahead,
        cycles.cycle_start,
        cycles.cycle_end,
        deciding.plan_id as deciding_plan_id,
        coalesce(deciding.has_rollover, false) as has_rollover,
        coalesce(deciding.is_rollover_first, false) as is_rollover_first,
        deciding.rollover_cycles,
        deciding.rollover_cap_quantity,
        deciding.resale_rate,
        deciding.extension_rate,
        deciding.deferral_fee_share,
        coalesce(allowances.allowance_quantity, 0) as allowance_quantity,
        coalesce(allowances.fee_amount, 0) as fee_amount,
        reports.allowance_quantity as reported_allowance_quantity,
        reports.plan_used_quantity as reported_plan_used_quantity,
        reports.overage_quantity as reported_overage_quantity,
        reports.rollover_used_quantity as reported_rollover_used_quantity,
        reports.accumulated_quantity as reported_accumulated_quantity,
        reports.expired_quantity as reported_expired_quantity,
        reports.plan_fee_amount as reported_fee_amount,
        reports.load_id as reported_load_id,
        reports.request_id as reported_request_id,
        coalesce(demands.drawn_quantity, 0) as demand_quantity,
        left_on.left_on,
        coalesce(left_on.rollover_retention_cycles, left_plans.rollover_retention_cycles, 0)
            as retention_cycles,
        coalesce(
            states.became_customer_at, remembered.became_customer_at, first_days.first_on
        ) as became_customer_at
    from pools
    inner join cycles on pools.account_id = cycles.account_id
    inner join pool_names on pools.pool_id = pool_names.pool_id
    left join deciding
        on
            pools.account_id = deciding.account_id
            and pools.pool_id = deciding.pool_id
            and cycles.cycle_start = deciding.cycle_start
    left join allowances
        on
            pools.account_id = allowances.account_id
            and pools.pool_id = allowances.pool_id
            and cycles.cycle_start = allowances.cycle_start
    left join demands
        on
            pools.account_id = demands.account_id
            and pools.pool_id = demands.pool_id
            and cycles.cycle_start = demands.cycle_start
    left join reports
        on
            pools.account_id = reports.account_id
            and pools.pool_id = reports.pool_id
            and cycles.cycle_start = reports.cycle_start
    left join left_on
        on
            pools.account_id = left_on.account_id
            and pools.pool_id = left_on.pool_id
            and cycles.cycle_start = left_on.cycle_start
    left join states
        on pools.account_id = states.account_id and pools.pool_id = states.pool_id
    left join pool_terms as left_plans
        on
            states.became_customer_at is not null
            and states.deciding_plan_id = left_plans.plan_id
            and states.pool_id = left_plans.pool_id
    left join remembered
        on pools.account_id = remembered.account_id and pools.pool_id = remembered.pool_id
    left join first_days
        on pools.account_id = first_days.account_id and pools.pool_id = first_days.pool_id
)

select * from final
