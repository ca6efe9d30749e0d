{{ config(unlogged=true, indexes=[{'columns': ['account_id', 'cycle_start']}]) }}

-- Open cycles that another billing system has billed and reported: in order from the first open one
-- on, each with a report of every pool that has rollover in it. They are ended by the next build or
-- close, and what is loaded after a report counts in the cycle that follows.

with

reports as (
    select * from {{ ref('int_reports') }}
    where is_of_calendar
),

calendar as (select * from {{ ref('int_account_calendar') }}),

stretches as (select * from {{ ref('int_pool_stretches') }}),

cycles as (
    select distinct
        account_id,
        cycle_start,
        cycle_end
    from reports
),

followed as (
    select
        cycles.*,
        calendar.run_on,
        lag(cycles.cycle_end, 1, calendar.first_open_start) over (
            partition by cycles.account_id
            order by cycles.cycle_start
        ) as earlier_cycle_end
    from cycles
    inner join calendar on cycles.account_id = calendar.account_id
),

judged as (
    select
        cycles.account_id,
        cycles.cycle_start,
        cycles.cycle_end,
        cycles.cycle_start = cycles.earlier_cycle_end
        -- a cycle that is not over is not ended, whatever is reported of it
        and cycles.cycle_end <= cycles.run_on
        and not exists (
            select 1
            from stretches
            where
                stretches.account_id = cycles.account_id
                and stretches.has_rollover
                and stretches.decides_from < cycles.cycle_end
                and stretches.decides_to >= cycles.cycle_end
                and not exists (
                    select 1
                    from reports
                    where
                        reports.account_id = stretches.account_id
                        and reports.pool_id = stretches.pool_id
                        and reports.cycle_start = cycles.cycle_start
                )
        )
        -- nor one of a plan that we do not know of (yet): its units would be archived
        and not exists (
            select 1
            from reports
            where
                reports.account_id = cycles.account_id
                and reports.cycle_start = cycles.cycle_start
                and (reports.accumulated_quantity > 0 or reports.rollover_used_quantity > 0)
                and not exists (
                    select 1
                    from stretches
                    where
                        stretches.account_id = reports.account_id
                        and stretches.pool_id = reports.pool_id
                        and stretches.decides_from < cycles.cycle_end
                        and stretches.decides_to >= cycles.cycle_end
                )
        ) as is_reported
    from followed as cycles
),

in_order as (
    select
        account_id,
        cycle_start,
        cycle_end,
        bool_and(is_reported) over (
            partition by account_id
            order by cycle_start
            rows between unbounded preceding and current row
        ) as is_reported
    from judged
),

final as (
    select
        account_id,
        cycle_start,
        cycle_end
    from in_order
    where is_reported
)

select * from final
