-- The allowance of a no-charge rule is one figure: the pools whose usage it frees are of one unit
-- type.

with

no_charge_rules as not materialized (
    select * from {{ ref('no_charge_rules') }}
    where allowance is not null
),

matches as (
    select * from {{ ref('int_usage_matches') }}
    where treatment = 'pool'
),

plan_pools as not materialized (select * from {{ ref('plan_pools') }}),

final as (
    select
        'allowances_over_units' as rule_name,
        'no_charge_rules' as seed,
        {{ catalog_row('no_charge_rules') }} as row_key,
        'its allowance is over pools that are counted in '
        || string_agg(distinct plan_pools.unit_type, ' and in ') as detail
    from no_charge_rules
    inner join matches
        on
            no_charge_rules.plan_id = matches.plan_id
            and coalesce(no_charge_rules.carrier_id, '*') in ('*', matches.carrier_id)
            and coalesce(no_charge_rules.service, '*') in ('*', matches.service)
    inner join plan_pools
        on matches.plan_id = plan_pools.plan_id and matches.pool_id = plan_pools.pool_id
    -- a mobile to mobile rule holds for voice, whatever it says
    where no_charge_rules.rule != 'mobile_to_mobile' or matches.service = 'voice'
    group by no_charge_rules.plan_id, no_charge_rules.rule_id
    having count(distinct plan_pools.unit_type) > 1
)

select * from final
