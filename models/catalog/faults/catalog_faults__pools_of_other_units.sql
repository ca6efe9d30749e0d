-- Units of a pool pay for usage of the same unit type: no row lets a service of another one draw on
-- it.

with

matches as (select * from {{ ref('int_usage_matches') }}),

services as not materialized (select * from {{ ref('services') }}),

plan_pools as not materialized (select * from {{ ref('plan_pools') }}),

final as (
    select distinct
        'pools_of_other_units' as rule_name,
        'plan_pools' as seed,
        {{ catalog_row('plan_pools') }} as row_key,
        'the pool is counted in ' || plan_pools.unit_type || ', but ' || services.service
        || ' of ' || matches.carrier_id || ' draws on it in ' || services.unit_type as detail
    from matches
    inner join services on matches.service = services.service
    inner join plan_pools
        on matches.plan_id = plan_pools.plan_id and matches.pool_id = plan_pools.pool_id
    where matches.treatment = 'pool' and services.unit_type != plan_pools.unit_type
)

select * from final
