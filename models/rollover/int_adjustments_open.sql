{{ config(
    materialized='incremental',
    incremental_strategy='replace_all',
    indexes=[{'columns': ['account_id', 'pool_id']}],
) }}

-- Adjustments that no close has counted, in the cycle in which they count: that of `adjusted_at`,
-- or the first open one. One that came after the figures of that cycle were promised, or reported
-- by the system that bills it, counts in the next. Those for an account or pool that is not known
-- wait.

with

adjustments as (
    select * from {{ ref('stg_rollover__adjustments') }}
    where {{ within_run('load_id') }}
),

issued as (select * from {{ source('issued', 'adjustments') }}),

calendar as (select * from {{ ref('int_account_calendar') }}),

pools as (select * from {{ ref('int_pools') }}),

frozen_requests as (select * from {{ source('issued', 'frozen_requests') }}),

reported_cycles as (select * from {{ ref('int_reported_cycles') }}),

reports as (
    select * from {{ ref('int_reports') }}
    where is_of_calendar
),

known as (
    select
        adjustments.*,
        pools.base_units_per_unit,
        calendar.first_open_start,
        calendar.first_open_end,
        case
            when
                adjustments.adjusted_at < calendar.first_open_start_at
                or (adjustments.adjusted_at at time zone calendar.time_zone)::date
                < calendar.first_open_end
                then calendar.first_open_start
            else
                {{ cycle_start_of(
                    '(adjustments.adjusted_at at time zone calendar.time_zone)::date',
                    'calendar.bill_cycle_day'
                ) }}
        end as own_cycle_start
    from adjustments
    inner join calendar on adjustments.account_id = calendar.account_id
    inner join pools on adjustments.pool_id = pools.pool_id
    where
        adjustments.quantity_units * pools.base_units_per_unit % 1 = 0
        and not exists (
            select 1
            from issued
            where
                issued.account_id = adjustments.account_id
                and issued.adjustment_id = adjustments.adjustment_id
        )
),

-- cycles whose figures hold against what is loaded later
held as (
    select
        known.adjustment_id,
        known.first_open_start as held_from,
        known.first_open_end as held_to
    from known
    inner join frozen_requests
        on
            known.account_id = frozen_requests.account_id
            and known.pool_id = frozen_requests.pool_id
            and known.first_open_start = frozen_requests.cycle_start
            and known.load_id > frozen_requests.cutoff_load_id
    union
    select
        known.adjustment_id,
        reported_cycles.cycle_start as held_from,
        reported_cycles.cycle_end as held_to
    from known
    inner join reported_cycles on known.account_id = reported_cycles.account_id
    inner join reports
        on
            reported_cycles.account_id = reports.account_id
            and reported_cycles.cycle_start = reports.cycle_start
            and known.pool_id = reports.pool_id
            and known.load_id > reports.load_id
),

-- the cycle that it belongs to, and those to which it can be put off
possible as (
    select
        adjustment_id,
        own_cycle_start as cycle_start
    from known
    union
    select
        held.adjustment_id,
        held.held_to as cycle_start
    from held
    inner join known on held.adjustment_id = known.adjustment_id
    where held.held_from >= known.own_cycle_start
),

landed as (
    select
        possible.adjustment_id,
        min(possible.cycle_start) as cycle_start
    from possible
    left join held
        on
            possible.adjustment_id = held.adjustment_id
            and possible.cycle_start = held.held_from
    where held.adjustment_id is null
    group by possible.adjustment_id
),

final as (
    select
        known.account_id,
        known.pool_id,
        known.adjustment_id,
        known.action,
        known.base_units_per_unit,
        (known.quantity_units * known.base_units_per_unit)::bigint as quantity,
        known.extend_cycles,
        known.bucket_cycle_start,
        landed.cycle_start,
        known.adjusted_at
    from known
    inner join landed on known.adjustment_id = landed.adjustment_id
)

select * from final
