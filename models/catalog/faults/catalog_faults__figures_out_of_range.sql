-- Figures are within their bounds, the upper one included. 'NaN' and 'Infinity' are numeric to
-- Postgres, and never within any.
--
-- The upper bounds of lives, allowances and quantities are far beyond what anybody sells, and so
-- low that no date, integer or bigint overflows: a hundred years of cycles of 10^9 megabytes each
-- are 1.2 * 10^18 bytes.

{%- set cycles = 1200 %}  {#- a hundred years -#}
{%- set days = 366 %}  {#- orders further apart than a year are not one -#}
{%- set units = 1000000000 %}
{%- set base_units = 1000000000000 %}  {#- a record of more is refused when it is loaded -#}
{%- set factor = 1000 %}

{%- set bounds = [
    ('plans', 'monthly_fee', 0, none),
    ('plans', 'sync_tolerance_days', 0, days),
    ('plans', 'rollover_retention_cycles', 0, cycles),
    ('plan_pools', 'allowance', 0, units),
    ('plan_pools', 'rollover_cycles', 0, cycles),
    ('plan_pools', 'rollover_cap', 0, units),
    ('plan_pools', 'resale_rate', 0, none),
    ('plan_pools', 'extension_rate', 0, none),
    ('plan_pools', 'deferral_fee_share', 0, 1),
    ('plan_services', 'minimum_quantity', 0, base_units),
    ('plan_services', 'increment', 1, base_units),
    ('plan_services', 'overage_rate', 0, none),
    ('no_charge_rules', 'unit_factor', 0, factor),
    ('no_charge_rules', 'allowance', 0, units),
    ('rate_periods', 'iso_weekday', 1, 7),
    ('tariffs', 'connection_fee', 0, none),
    ('tariffs', 'rate', 0, none),
    ('tariffs', 'minimum_quantity', 0, base_units),
    ('tariffs', 'increment', 1, base_units),
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
