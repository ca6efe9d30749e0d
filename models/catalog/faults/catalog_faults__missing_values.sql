-- Every value that a rule reads is there. What may be empty is not listed: the ends of validity,
-- caps, limits and percents, and what incomplete_treatments, incomplete_rollover and
-- incomplete_no_charge_rules ask for.

{%- set required = {
    'carriers': ['carrier_id', 'carrier_name', 'service_kind', 'rating_platform_id', 'is_biller'],
    'unit_types': ['unit_type', 'base_unit', 'base_units_per_unit'],
    'services': ['service', 'unit_type'],
    'carrier_services': ['service_kind', 'service', 'call_type', 'direction'],
    'plans': [
        'plan_id', 'plan_name', 'monthly_fee', 'currency', 'is_integrated', 'sync_tolerance_days',
        'rollover_retention_cycles', 'valid_from',
    ],
    'plan_pools': [
        'plan_id', 'pool_id', 'pool_name', 'unit_type', 'allowance', 'burn_order', 'has_rollover',
    ],
    'plan_services': [
        'plan_id', 'carrier_id', 'service', 'call_type', 'direction', 'treatment', 'priority',
    ],
    'no_charge_rules': ['plan_id', 'rule_id', 'rule', 'unit_factor', 'priority'],
    'rate_periods': ['rate_period_id', 'iso_weekday', 'start_time', 'end_time'],
    'tariffs': [
        'tariff_id', 'description', 'connection_fee', 'rate', 'unit_type', 'minimum_quantity',
        'increment', 'valid_from',
    ],
    'tax_jurisdictions': ['jurisdiction_id', 'level'],
    'tax_rates': [
        'jurisdiction_id', 'tax_code', 'description', 'charge_category', 'carrier_id', 'rate',
        'valid_from',
    ],
    'settlement_agreements': [
        'agreement_id', 'plan_id', 'usage_basis', 'basis_unit_type', 'usage_share', 'valid_from',
    ],
    'settlement_terms': ['agreement_id', 'carrier_id', 'fixed_fee'],
    'adjustment_reasons': ['reason_code', 'description'],
    'exception_waivers': ['waiver_id', 'exception_type', 'account_id', 'reason', 'waived_until'],
    'journal_accounts': ['journal_account', 'description'],
} %}

{%- for seed, columns in required.items() %}
    select
        'missing_values' as rule_name,
        '{{ seed }}' as seed,
        {{ catalog_row(seed) }} as row_key,
        checks.column_name || ' is empty' as detail
    from {{ ref(seed) }} as {{ seed }}
    cross join
        lateral (
            values
            {%- for column in columns %}
                ('{{ column }}', {{ seed }}.{{ column }}::text){{ ',' if not loop.last }}
            {%- endfor %}
        ) as checks (column_name, content)
    where coalesce(btrim(checks.content), '') = ''
    {% if not loop.last %}union all{% endif %}
{%- endfor %}
