-- A pool in which an account holds rollover units keeps a row, of some plan, and is counted as it
-- was: without one the units would vanish with the next close, in other units they would be worth
-- something else. Issued rows are looked at only if a pool is missing.

{%- set history = adapter.get_relation(target.database, 'catalog_history', 'plan_pools')
    if execute else none %}

with

plan_pools as not materialized (select * from {{ ref('plan_pools') }}),

terms as not materialized (select * from {{ source('issued', 'usage_terms') }}),

frontiers as not materialized (select * from {{ source('issued', 'account_frontiers') }}),

buckets as not materialized (select * from {{ source('issued', 'bucket_cycles') }}),

pool_cycles as not materialized (select * from {{ source('issued', 'pool_cycles') }}),

known as (
    select
        pool_id,
        unit_type
    from terms
    where pool_id is not null
    {%- if history is not none %}
        union all
        select
            pool_id,
            unit_type
        from {{ history }}
    {%- endif %}
),

gone as (
    select distinct
        known.pool_id,
        known.unit_type
    from known
    where
        not exists (
            select 1
            from plan_pools
            where plan_pools.pool_id = known.pool_id and plan_pools.unit_type = known.unit_type
        )
),

final as (
    select
        'pools_in_use' as rule_name,
        'plan_pools' as seed,
        'pool ' || gone.pool_id as row_key,
        'no plan has it counted in ' || gone.unit_type || ', but account ' || held.account_id
        || ' holds units of it' as detail
    from gone
    cross join
        lateral (
            select buckets.account_id
            from frontiers
            inner join buckets
                on
                    frontiers.account_id = buckets.account_id
                    and frontiers.closed_through = buckets.cycle_end
            inner join pool_cycles
                on
                    buckets.account_id = pool_cycles.account_id
                    and buckets.pool_id = pool_cycles.pool_id
                    and buckets.cycle_start = pool_cycles.cycle_start
            where
                buckets.pool_id = gone.pool_id
                and pool_cycles.unit_type = gone.unit_type
                and buckets.remaining_quantity > 0
            limit 1
        ) as held
)

select * from final
