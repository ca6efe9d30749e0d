{{ config(materialized='view') }}

-- How many exceptions stood open at the end of each day (UTC), and how old they were.

with

exceptions as (
    select
        exception_type,
        notify_carrier_id,
        (stands_since at time zone 'UTC')::date as opened_on,
        -- a counterpart that was freed by a withdrawal may have been completed before
        case
            when resolved_at is not null
                then (greatest(resolved_at, stands_since) at time zone 'UTC')::date
        end as resolved_on
    from {{ ref('bundle_exceptions') }}
),

run_values as (select * from {{ ref('run_values') }}),

bounds as (
    select
        (select min(exceptions.opened_on) from exceptions) as first_on,
        (run_values.as_of at time zone 'UTC')::date as last_on
    from run_values
),

days as (
    select series.on_date::date as on_date
    from bounds
    cross join
        lateral generate_series(
            bounds.first_on::timestamp, bounds.last_on::timestamp, interval '1 day'
        ) as series (on_date)
),

stood as (
    select
        days.on_date,
        exceptions.exception_type,
        exceptions.notify_carrier_id,
        days.on_date - exceptions.opened_on as age_days,
        coalesce(exceptions.resolved_on = days.on_date, false) as is_resolved
    from days
    inner join exceptions
        on
            days.on_date >= exceptions.opened_on
            and days.on_date <= coalesce(exceptions.resolved_on, 'infinity')
),

final as (
    select
        on_date,
        exception_type,
        notify_carrier_id,
        count(*) filter (where age_days = 0) as opened,
        count(*) filter (where is_resolved) as resolved,
        count(*) filter (where not is_resolved) as still_open,
        count(*) filter (where not is_resolved and age_days >= 7) as open_over_7_days,
        count(*) filter (where not is_resolved and age_days >= 30) as open_over_30_days,
        max(age_days) filter (where not is_resolved) as oldest_days
    from stood
    group by on_date, exception_type, notify_carrier_id
)

select * from final
