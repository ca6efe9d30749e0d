{{ config(materialized='view') }}

-- The test on this model is the gate before everything else: the first model of a run and those
-- made of seeds alone come after it. It is a view: it tells of the catalog as it is.

{%- set rules = [
    'missing_values',
    'repeated_keys',
    'unknown_references',
    'unknown_words',
    'figures_out_of_range',
    'validity_backwards',
    'not_one_biller',
    'wrong_unit_types',
    'wrong_services',
    'mixed_currencies',
    'lonely_integrated_plans',
    'ambiguous_services',
    'incomplete_treatments',
    'pools_without_row',
    'pools_of_two_units',
    'usage_without_row',
    'pools_of_other_units',
    'tariffs_of_other_units',
    'incomplete_rollover',
    'dear_rollover_units',
    'deferred_over_fee',
    'ambiguous_no_charge_rules',
    'limited_part_rates',
    'incomplete_no_charge_rules',
    'allowances_over_units',
    'wrong_times',
    'wrong_prefixes',
    'overlapping_tariffs',
    'overlapping_taxes',
    'overlapping_agreements',
    'tariffs_of_two_units',
    'jurisdiction_cycles',
    'jurisdiction_levels',
    'plans_without_agreement',
    'agreements_without_carriers',
    'partial_percents',
    'wrong_percents',
    'missing_journal_accounts',
    'plans_in_use',
    'pools_in_use',
    'carriers_in_use',
] %}

{%- for rule in rules %}
    select
        rule_name,
        seed,
        row_key,
        detail
    from {{ ref('catalog_faults__' ~ rule) }}
    {% if not loop.last %}union all{% endif %}
{%- endfor %}
