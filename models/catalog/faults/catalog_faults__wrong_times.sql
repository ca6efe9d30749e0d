-- A stretch of a rate period is from one local time to a later one; 24:00 is the end of the day.

with

rate_periods as not materialized (
    select
        *,
        {{ clock_time('start_time') }} as start_clock,
        {{ clock_time('end_time') }} as end_clock
    from {{ ref('rate_periods') }}
),

final as (
    select
        'wrong_times' as rule_name,
        'rate_periods' as seed,
        {{ catalog_row('rate_periods') }} as row_key,
        case
            when
                rate_periods.start_clock is null
                then 'start_time ''' || rate_periods.start_time || ''' is no time of day'
            when
                rate_periods.end_clock is null
                then 'end_time ''' || rate_periods.end_time || ''' is no time of day'
            else
                'start_time '
                || rate_periods.start_time
                || ' is not before end_time '
                || rate_periods.end_time
        end as detail
    from rate_periods
    where
        (rate_periods.start_time is not null and rate_periods.start_clock is null)
        or (rate_periods.end_time is not null and rate_periods.end_clock is null)
        or rate_periods.start_clock >= rate_periods.end_clock
)

select * from final
