{{ config(
    materialized='incremental',
    incremental_strategy='replace_in_rebuild',
    meta={'follows_rebuild': true},
) }}

-- The week cut at every time at which a rate period begins or ends: a slot is a weekday and a
-- number of the stretch between two cuts. The number of a local time is width_bucket(time, cuts).
-- depends_on: {{ ref('run_values') }}

with

rate_periods as not materialized (select * from {{ ref('rate_periods') }}),

cuts as (
    select start_time::time as cut from rate_periods
    union
    select end_time::time as cut from rate_periods
    union
    select time '00:00' as cut
),

stretches as (
    select
        row_number() over (order by cut)::integer as stretch,
        cut as stretch_from
    from cuts
    where cut < time '24:00'
),

weekdays as (
    select iso_weekday from generate_series(1, 7) as iso_weekday
),

final as (
    select
        weekdays.iso_weekday * 1000 + stretches.stretch as week_slot,
        weekdays.iso_weekday,
        stretches.stretch,
        stretches.stretch_from,
        array(
            select distinct rate_periods.rate_period_id
            from rate_periods
            where
                rate_periods.iso_weekday = weekdays.iso_weekday
                and rate_periods.start_time::time <= stretches.stretch_from
                and rate_periods.end_time::time > stretches.stretch_from
        ) as rate_period_ids
    from stretches
    cross join weekdays
)

select * from final {{ only_in_rebuild() }}
