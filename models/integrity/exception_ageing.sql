{{ config(materialized='view') }}

-- How many exceptions stood open at the end of each day (UTC), and how old they were.

with

exceptions as (
    select
        exception_type,
        notify_carrier_id,
        (stands_since at time zone 'UTC')::date as opened_on,
        (resolved_at at time zone 'UTC')::date as resolved_on
    from {{ ref('bundle_exceptions') }}
),

run_values as (select * from {{ ref('run_values') }}),

days as (
    select generate_series(
        (select min(opened_on) from exceptions)::timestamp,
        (run_values.as_of at time zone 'UTC')::date::timestamp,
        interval '1 day'
    )::date as on_date
    from run_values
),

final as (
    select
        days.on_date,
        exceptions.exception_type,
        exceptions.notify_carrier_id,
        count(*) filter (where exceptions.opened_on = days.on_date) as opened,
        count(*) filter (where exceptions.resolved_on = days.on_date) as resolved,
        count(*) filter (where exceptions.resolved_on is distinct from days.on_date) as open,
        count(*) filter (
            where
                exceptions.resolved_on is distinct from days.on_date
                and days.on_date - exceptions.opened_on >= 7
        ) as open_over_7_days,
        count(*) filter (
            where
                exceptions.resolved_on is distinct from days.on_date
                and days.on_date - exceptions.opened_on >= 30
        ) as open_over_30_days,
        max(days.on_date - exceptions.opened_on) filter (
            where exceptions.resolved_on is distinct from days.on_date
        ) as oldest_days
    from days
    inner join exceptions
        on
            exceptions.opened_on <= days.on_date
            and coalesce(exceptions.resolved_on, 'infinity') >= days.on_date
    group by days.on_date, exceptions.exception_type, exceptions.notify_carrier_id
)

select * from final
