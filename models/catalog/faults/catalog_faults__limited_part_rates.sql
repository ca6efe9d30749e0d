-- An allowance goes with factor 0 only: usage that counts in part has no limit.

with

no_charge_rules as not materialized (select * from {{ ref('no_charge_rules') }}),

final as (
    select
        'limited_part_rates' as rule_name,
        'no_charge_rules' as seed,
        {{ catalog_row('no_charge_rules') }} as row_key,
        'an allowance goes with unit_factor 0 only, not with '
        || no_charge_rules.unit_factor as detail
    from no_charge_rules
    where no_charge_rules.allowance is not null and no_charge_rules.unit_factor != 0
)

select * from final
