{{ config(unlogged=true, indexes=[{'columns': ['account_id']}]) }}

-- Where the last close of an account left its pools. A pool that had nothing in that cycle is not
-- among them; where a bucket of a replaced system comes for it, the last cycle that it had anything
-- in tells since when it has been left.

with

frontiers as not materialized (select * from {{ source('issued', 'account_frontiers') }}),

pool_cycles as not materialized (select * from {{ source('issued', 'pool_cycles') }}),

openings as (
    select distinct
        account_id,
        pool_id
    from {{ ref('int_openings_open') }}
    where exception_type is null
),

pool_terms as (select * from {{ ref('int_pool_terms') }}),

run_values as (select * from {{ ref('run_values') }}),

left_by_close as (
    select
        pools.account_id,
        pools.pool_id,
        pools.deciding_plan_id,
        pools.rollover_status,
        pools.retention_cycles_left,
        pools.became_customer_at,
        pools.ended_at
    from frontiers
    inner join pool_cycles as pools
        on
            frontiers.account_id = pools.account_id
            and frontiers.closed_through = pools.cycle_end
    inner join run_values on true
),

remembered as (
    select
        latest.*,
        frontiers.closed_through,
        pool_terms.rollover_retention_cycles,
        age(frontiers.closed_through, latest.cycle_end) as since
    from openings
    inner join frontiers on openings.account_id = frontiers.account_id
    cross join
        lateral (
            select pool_cycles.*
            from pool_cycles
            where
                pool_cycles.account_id = openings.account_id
                and pool_cycles.pool_id = openings.pool_id
            order by pool_cycles.cycle_start desc
            limit 1
        ) as latest
    left join pool_terms
        on
            latest.deciding_plan_id = pool_terms.plan_id
            and latest.pool_id = pool_terms.pool_id
    where latest.cycle_end < frontiers.closed_through
),

final as (
    select * from left_by_close
    union all
    select
        account_id,
        pool_id,
        deciding_plan_id,
        rollover_status,
        -- what was left in mid-cycle has a row of that cycle
        greatest(
            case when has_rollover then rollover_retention_cycles else retention_cycles_left end
            - (
                extract(year from since) * 12 + extract(month from since)
                + case when extract(day from since) > 0 then 1 else 0 end
            ),
            0
        )::integer as retention_cycles_left,
        became_customer_at,
        case when has_rollover then cycle_end else ended_at end as ended_at
    from remembered
)

select * from final
