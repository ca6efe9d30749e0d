{{ config(
    materialized='incremental',
    incremental_strategy='replace_all',
    indexes=[{'columns': ['account_id', 'pool_id', 'cycle_start']}],
) }}

-- Reports of other billing systems about accounts that they bill, of pools that the catalog has.
-- What a close has taken in already stands there.

with

results as (
    select * from {{ ref('stg_rollover__results') }}
    where {{ within_run('load_id') }}
),

calendar as (select * from {{ ref('int_account_calendar') }}),

pools as (select * from {{ ref('int_pools') }}),

issued as (select * from {{ source('issued', 'reports') }}),

final as (
    select
        results.account_id,
        results.pool_id,
        results.request_id,
        pools.base_units_per_unit,
        round(results.allowance_units * pools.base_units_per_unit)::bigint as allowance_quantity,
        round(results.plan_used_units * pools.base_units_per_unit)::bigint as plan_used_quantity,
        round(results.overage_units * pools.base_units_per_unit)::bigint as overage_quantity,
        round(results.rollover_used_units * pools.base_units_per_unit)::bigint
            as rollover_used_quantity,
        round(results.accumulated_units * pools.base_units_per_unit)::bigint
            as accumulated_quantity,
        round(results.expired_units * pools.base_units_per_unit)::bigint as expired_quantity,
        results.plan_fee_amount,
        results.load_id,
        results.cycle_start,
        results.cycle_end,
        -- whether the cycle is one of the account's calendar, from the first open one on
        {{ is_cycle_of_calendar(
            'results.cycle_start',
            'results.cycle_end',
            'calendar.first_open_start',
            'calendar.first_open_end',
            'calendar.bill_cycle_day',
        ) }} as is_of_calendar,
        results.reported_at
    from results
    inner join calendar
        on results.account_id = calendar.account_id and calendar.is_billed_elsewhere
    inner join pools on results.pool_id = pools.pool_id
    where
        not exists (
            select 1
            from issued
            where
                issued.account_id = results.account_id
                and issued.pool_id = results.pool_id
                and issued.cycle_start = results.cycle_start
        )
)

select * from final
