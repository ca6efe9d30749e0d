-- A treatment has what it needs to charge a call: pool usage its pool, increments and overage rate,
-- metered usage its tariff (which has increments of its own). Free usage has neither pool nor
-- tariff.

with

plan_services as not materialized (select * from {{ ref('plan_services') }}),

final as (
    select
        'incomplete_treatments' as rule_name,
        'plan_services' as seed,
        {{ catalog_row('plan_services') }} as row_key,
        'treatment ' || plan_services.treatment || checks.fault as detail
    from plan_services
    cross join
        lateral (
            values
            ('pool', plan_services.pool_id is null, ' needs a pool_id'),
            ('pool', plan_services.overage_rate is null, ' needs an overage_rate'),
            ('pool', plan_services.minimum_quantity is null, ' needs a minimum_quantity'),
            ('pool', plan_services.increment is null, ' needs an increment'),
            ('metered', plan_services.tariff_id is null, ' needs a tariff_id'),
            ('free', plan_services.minimum_quantity is null, ' needs a minimum_quantity'),
            ('free', plan_services.increment is null, ' needs an increment'),
            ('free', plan_services.pool_id is not null, ' draws on no pool'),
            ('free', plan_services.tariff_id is not null, ' has no tariff')
        ) as checks (treatment, is_fault, fault)
    where plan_services.treatment = checks.treatment and checks.is_fault
)

select * from final
