{{ config(
    materialized='incremental',
    incremental_strategy='replace_all',
    indexes=[{'columns': ['account_id', 'pool_id', 'cycle_start', 'is_after_close'], 'unique': true}],
) }}

with

fold as (
    select * from {{ ref('int_rollover_fold') }}
    where bucket_id is null and adjustment_id is null
),

buckets as (
    select * from {{ ref('int_buckets_carried') }}
    where is_taken_over
),

cycles as (
    select * from {{ ref('int_open_cycles') }}
    where is_first_open
),

taken_over as (
    select
        buckets.account_id,
        buckets.pool_id,
        cycles.cycle_start,
        sum(buckets.remaining_quantity)::bigint as taken_over_quantity
    from buckets
    inner join cycles on buckets.account_id = cycles.account_id
    group by buckets.account_id, buckets.pool_id, cycles.cycle_start
),

inputs as (select * from {{ ref('int_pool_cycle_inputs') }}),

final as (
    select
        fold.account_id,
        fold.pool_id,
        inputs.pool_name,
        inputs.unit_type,
        inputs.deciding_plan_id,
        fold.status as rollover_status,
        inputs.base_units_per_unit,
        fold.retention_cycles_left,
        fold.allowance_quantity,
        fold.demand_quantity,
        fold.plan_used_quantity,
        fold.rollover_used_quantity,
        fold.overage_quantity,
        fold.opening_quantity,
        coalesce(taken_over.taken_over_quantity, 0) as taken_over_quantity,
        fold.adjusted_quantity,
        fold.balance_quantity,
        fold.expiring_quantity,
        fold.accumulated_quantity,
        fold.expired_quantity,
        fold.capped_quantity,
        fold.archived_quantity,
        fold.closing_quantity,
        fold.expiring_next_quantity,
        fold.plan_from,
        fold.plan_to,
        fold.rollover_from,
        fold.rollover_to,
        fold.has_rollover,
        inputs.is_rollover_first,
        fold.is_after_close,
        fold.is_after_close and inputs.is_closing as is_closing,
        fold.cycle_start,
        inputs.cycle_end,
        fold.frontier,
        case
            when inputs.became_customer_at < inputs.cycle_end then inputs.became_customer_at
        end as became_customer_at,
        fold.ended_at
    from fold
    inner join inputs
        on
            fold.account_id = inputs.account_id
            and fold.pool_id = inputs.pool_id
            and fold.cycle_start = inputs.cycle_start
    left join taken_over
        on
            fold.account_id = taken_over.account_id
            and fold.pool_id = taken_over.pool_id
            and fold.cycle_start = taken_over.cycle_start
)

select * from final
