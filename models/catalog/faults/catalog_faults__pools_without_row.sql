-- A service draws on a pool that its plan has.

with

plan_services as not materialized (select * from {{ ref('plan_services') }}),

plan_pools as not materialized (select * from {{ ref('plan_pools') }}),

final as (
    select
        'pools_without_row' as rule_name,
        'plan_services' as seed,
        {{ catalog_row('plan_services') }} as row_key,
        'the plan has no pool ''' || plan_services.pool_id || ''' in plan_pools' as detail
    from plan_services
    left join plan_pools
        on
            plan_services.plan_id = plan_pools.plan_id
            and plan_services.pool_id = plan_pools.pool_id
    where
        plan_services.treatment = 'pool'
        and plan_services.pool_id is not null
        and plan_pools.pool_id is null
)

select * from final
