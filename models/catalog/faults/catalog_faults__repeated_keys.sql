-- What is looked up by a key is found once. Rows that follow one another in time (tariffs, tax
-- rates) may repeat theirs: for those see overlapping_tariffs and overlapping_taxes.

{%- set keys = {
    'carriers': ['carrier_id'],
    'unit_types': ['unit_type'],
    'services': ['service'],
    'carrier_services': ['service_kind', 'service', 'call_type', 'direction'],
    'plans': ['plan_id'],
    'plan_pools': ['plan_id', 'pool_id'],
    'no_charge_rules': ['plan_id', 'rule_id'],
    'rate_periods': ['rate_period_id', 'iso_weekday', 'start_time'],
    'tax_jurisdictions': ['jurisdiction_id'],
    'settlement_agreements': ['agreement_id'],
    'settlement_terms': ['agreement_id', 'carrier_id'],
    'adjustment_reasons': ['reason_code'],
    'exception_waivers': ['waiver_id'],
    'journal_accounts': ['journal_account'],
} %}

{%- for seed, columns in keys.items() %}
    select
        'repeated_keys' as rule_name,
        '{{ seed }}' as seed,
        {{ catalog_row(seed) }} as row_key,
        count(*) || ' rows have the same {{ columns | join(', ') }}' as detail
    from {{ ref(seed) }} as {{ seed }}
    group by {{ columns | join(', ') }}
    having count(*) > 1
    {% if not loop.last %}union all{% endif %}
{%- endfor %}
