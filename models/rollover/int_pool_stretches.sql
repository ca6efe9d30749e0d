{{ config(unlogged=true, indexes=[{'columns': ['account_id', 'pool_id']}]) }}

-- Which plan decides for a pool, over which days: of several plans in effect that have the pool,
-- the first by plan_id. Each plan keeps the days that no plan before it covers.

with

plan_segments as (select * from {{ ref('int_plan_segments') }}),

pool_terms as (select * from {{ ref('int_pool_terms') }}),

calendar as (select * from {{ ref('int_account_calendar') }}),

-- days that a close has frozen are over; before the first close all days count
pool_days as (
    select
        plan_segments.account_id,
        pool_terms.pool_id,
        pool_terms.plan_id,
        pool_terms.has_rollover,
        pool_terms.rollover_retention_cycles,
        greatest(plan_segments.effective_from, calendar.closed_through) as decides_from,
        coalesce(plan_segments.effective_to, 'infinity') as decides_to,
        count(*) over (
            partition by plan_segments.account_id, pool_terms.pool_id
        ) as plans_of_pool
    from plan_segments
    inner join pool_terms on plan_segments.plan_id = pool_terms.plan_id
    inner join calendar on plan_segments.account_id = calendar.account_id
    where
        coalesce(plan_segments.effective_to, 'infinity')
        > coalesce(calendar.closed_through, '-infinity')
),

contested as (
    select
        account_id,
        pool_id,
        plan_id,
        has_rollover,
        rollover_retention_cycles,
        unnest(
            datemultirange(daterange(decides_from, decides_to))
            - coalesce(
                range_agg(daterange(decides_from, decides_to)) over (
                    partition by account_id, pool_id
                    order by plan_id collate "C", decides_from
                    rows between unbounded preceding and 1 preceding
                ),
                '{}'
            )
        ) as days
    from pool_days
    where plans_of_pool > 1
),

final as (
    select
        account_id,
        pool_id,
        plan_id,
        has_rollover,
        rollover_retention_cycles,
        decides_from,
        decides_to
    from pool_days
    where plans_of_pool = 1
    union all
    select
        account_id,
        pool_id,
        plan_id,
        has_rollover,
        rollover_retention_cycles,
        lower(days) as decides_from,
        coalesce(upper(days), 'infinity') as decides_to
    from contested
)

select * from final
