-- Figures are within their bounds, the upper one included. 'NaN' and 'Infinity' are numeric to
-- Postgres, and never within any.

{%- set bounds = [
    ('plans', 'monthly_fee', 0, none),
    ('plans', 'sync_tolerance_days', 0, none),
    ('plans', 'rollover_retention_cycles', 0, none),
    ('plan_pools', 'allowance', 0, none),
    ('plan_pools', 'rollover_cap', 0, none),
    ('plan_pools', 'resale_rate', 0, none),
    ('plan_pools', 'extension_rate', 0, none),
    ('plan_pools', 'deferral_fee_share', 0, 1),
    ('plan_services', 'minimum_quantity', 0, none),
    ('plan_services', 'increment', 1, none),
    ('plan_services', 'overage_rate', 0, none),
    ('no_charge_rules', 'unit_factor', 0, none),
    ('no_charge_rules', 'allowance', 0, none),
    ('rate_periods', 'iso_weekday', 1, 7),
    ('tariffs', 'connection_fee', 0, none),
    ('tariffs', 'rate', 0, none),
    ('tariffs', 'minimum_quantity', 0, none),
    ('tariffs', 'increment', 1, none),
    ('tax_rates', 'rate', 0, 1),
    ('settlement_terms', 'fixed_fee', 0, none),
    ('settlement_terms', 'remainder_percent', 0, 100),
] %}

{%- for seed, column, lowest, highest in bounds %}
    select
        'figures_out_of_range' as rule_name,
        '{{ seed }}' as seed,
        {{ catalog_row(seed) }} as row_key,
        '{{ column }} is ' || {{ seed }}.{{ column }} || ', it must be
        {%- if highest is none %} at least {{ lowest }}'
        {%- else %} from {{ lowest }} to {{ highest }}'
        {%- endif %} as detail
    from {{ ref(seed) }} as {{ seed }}
    where
        not (
            {{ seed }}.{{ column }}::numeric >= {{ lowest }}
            {%- if highest is none %}
                and {{ seed }}.{{ column }}::numeric < 'infinity'
            {%- else %}
                and {{ seed }}.{{ column }}::numeric <= {{ highest }}
            {%- endif %}
        )
    {% if not loop.last %}union all{% endif %}
{%- endfor %}
