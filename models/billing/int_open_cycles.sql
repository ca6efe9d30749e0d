{{ config(
    materialized='incremental',
    incremental_strategy='replace_all',
    indexes=[{'columns': ['account_id', 'cycle_start'], 'unique': true}],
) }}

-- While a close is asked for, the cycle after it is there as well (`is_ahead`), for what will be
-- open when it is done.

with

calendar as not materialized (select * from {{ ref('int_account_calendar') }}),

bounds as not materialized (select * from {{ ref('int_account_bounds') }}),

starts as (
    select
        calendar.account_id,
        calendar.time_zone,
        calendar.first_open_start,
        calendar.first_open_end,
        calendar.first_open_start_at,
        calendar.is_billed_elsewhere,
        bounds.last_open_end,
        bounds.closing_through,
        calendar.first_open_start as cycle_start
    from calendar
    inner join bounds on calendar.account_id = bounds.account_id
    where bounds.first_content_on < calendar.first_open_end
    union all
    select
        calendar.account_id,
        calendar.time_zone,
        calendar.first_open_start,
        calendar.first_open_end,
        calendar.first_open_start_at,
        calendar.is_billed_elsewhere,
        bounds.last_open_end,
        bounds.closing_through,
        later.cycle_start::date as cycle_start
    from calendar
    inner join bounds on calendar.account_id = bounds.account_id
    cross join
        lateral generate_series(
            greatest(
                calendar.first_open_end,
                {{ cycle_start_of('bounds.first_content_on', 'calendar.bill_cycle_day') }}
            )::timestamp,
            greatest(
                {{ months_after('bounds.last_open_end', '-1') }}, bounds.closing_through
            )::timestamp,
            interval '1 month'
        ) as later (cycle_start)
    where bounds.first_content_on is not null
),

ended as (
    select
        *,
        case
            when cycle_start = first_open_start then first_open_end
            else {{ months_after('cycle_start', '1') }}
        end as cycle_end
    from starts
),

final as (
    select
        account_id,
        time_zone,
        -- "days of the cycle" are those of the regular month that ends with it
        cycle_end - {{ months_after('cycle_end', '-1') }} as days_in_cycle,
        cycle_start = first_open_start as is_first_open,
        coalesce(cycle_end <= closing_through, false) as is_closing,
        coalesce(cycle_end <= closing_through, false) and not is_billed_elsewhere as is_billing,
        cycle_start >= last_open_end as is_ahead,
        cycle_start,
        cycle_end,
        case
            when cycle_start = first_open_start then first_open_start_at
            else {{ local_midnight('cycle_start', 'time_zone') }}
        end as cycle_start_at,
        {{ local_midnight('cycle_end', 'time_zone') }} as cycle_end_at
    from ended
)

select * from final
