-- A rule has the condition of its kind: a rate period, or a scope. A mobile to mobile rule with a
-- rate period would be taken to hold only then, and holds always.

with

no_charge_rules as not materialized (select * from {{ ref('no_charge_rules') }}),

final as (
    select
        'incomplete_no_charge_rules' as rule_name,
        'no_charge_rules' as seed,
        {{ catalog_row('no_charge_rules') }} as row_key,
        checks.rule_kind || checks.fault as detail
    from no_charge_rules
    cross join
        lateral (
            values
            ('rate_period', no_charge_rules.rate_period_id is null, ' needs a rate_period_id'),
            (
                'mobile_to_mobile',
                no_charge_rules.rate_period_id is not null,
                ' has no rate_period_id'
            ),
            ('mobile_to_mobile', no_charge_rules.scope is null, ' needs a scope')
        ) as checks (rule_kind, is_fault, fault)
    where no_charge_rules.rule = checks.rule_kind and checks.is_fault
)

select * from final
