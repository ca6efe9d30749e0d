-- Units that are sold again or extended cost less than overage of the same pool and plan ever does.

with

plan_pools as not materialized (
    select * from {{ ref('plan_pools') }}
    where has_rollover
),

plan_services as not materialized (
    select * from {{ ref('plan_services') }}
    where treatment = 'pool'
),

lowest_overage_rates as (
    select
        plan_id,
        pool_id,
        min(overage_rate) as overage_rate
    from plan_services
    group by plan_id, pool_id
),

final as (
    select
        'dear_rollover_units' as rule_name,
        'plan_pools' as seed,
        {{ catalog_row('plan_pools') }} as row_key,
        rates.rate_name || ' ' || rates.rate || ' is not below the lowest overage rate, '
        || lowest_overage_rates.overage_rate as detail
    from plan_pools
    inner join lowest_overage_rates
        on
            plan_pools.plan_id = lowest_overage_rates.plan_id
            and plan_pools.pool_id = lowest_overage_rates.pool_id
    cross join
        lateral (
            values
            ('resale_rate', plan_pools.resale_rate),
            ('extension_rate', plan_pools.extension_rate)
        ) as rates (rate_name, rate)
    where rates.rate >= lowest_overage_rates.overage_rate
)

select * from final
