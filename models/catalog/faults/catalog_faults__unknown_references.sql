-- What a row names is in the catalog. A pool that a service draws on is named by plan and pool: see
-- pools_without_row.

{%- set references = [
    ('services', 'unit_type', 'unit_types', 'unit_type', false),
    ('carrier_services', 'service', 'services', 'service', false),
    ('plan_pools', 'plan_id', 'plans', 'plan_id', false),
    ('plan_pools', 'unit_type', 'unit_types', 'unit_type', false),
    ('plan_services', 'plan_id', 'plans', 'plan_id', false),
    ('plan_services', 'carrier_id', 'carriers', 'carrier_id', true),
    ('plan_services', 'service', 'services', 'service', true),
    ('plan_services', 'tariff_id', 'tariffs', 'tariff_id', false),
    ('no_charge_rules', 'plan_id', 'plans', 'plan_id', false),
    ('no_charge_rules', 'rate_period_id', 'rate_periods', 'rate_period_id', false),
    ('no_charge_rules', 'carrier_id', 'carriers', 'carrier_id', true),
    ('no_charge_rules', 'service', 'services', 'service', true),
    ('tariffs', 'unit_type', 'unit_types', 'unit_type', false),
    ('tax_jurisdictions', 'parent_jurisdiction_id', 'tax_jurisdictions', 'jurisdiction_id', false),
    ('tax_rates', 'jurisdiction_id', 'tax_jurisdictions', 'jurisdiction_id', false),
    ('tax_rates', 'carrier_id', 'carriers', 'carrier_id', true),
    ('settlement_agreements', 'plan_id', 'plans', 'plan_id', true),
    ('settlement_agreements', 'basis_unit_type', 'unit_types', 'unit_type', false),
    ('settlement_terms', 'agreement_id', 'settlement_agreements', 'agreement_id', false),
    ('settlement_terms', 'carrier_id', 'carriers', 'carrier_id', false),
    ('exception_waivers', 'carrier_id', 'carriers', 'carrier_id', false),
] %}

{%- for seed, column, named_seed, named_column, may_be_any in references %}
    select
        'unknown_references' as rule_name,
        '{{ seed }}' as seed,
        {{ catalog_row(seed) }} as row_key,
        '{{ column }} ''' || {{ seed }}.{{ column }} || ''' is not in {{ named_seed }}' as detail
    from {{ ref(seed) }} as {{ seed }}
    where
        {{ seed }}.{{ column }} is not null
        {%- if may_be_any %}
            and {{ seed }}.{{ column }} != '*'
        {%- endif %}
        and not exists (
            select 1
            from {{ ref(named_seed) }} as named
            where named.{{ named_column }} = {{ seed }}.{{ column }}
        )
    {% if not loop.last %}union all{% endif %}
{%- endfor %}
