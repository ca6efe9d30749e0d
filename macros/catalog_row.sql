{#-
    Which row of a seed is meant, in words for the person who edits it. The seed goes by its own name.

    Example: catalog_row('tariffs') yields 'INTERNATIONAL prefix 44'.
-#}
{% macro catalog_row(seed) -%}
    {%- set words = {
        'carriers': ['carrier_id'],
        'unit_types': ['unit_type'],
        'services': ['service'],
        'carrier_services': ['service_kind', 'service', 'call_type', 'direction'],
        'plans': ['plan_id'],
        'plan_pools': ['plan_id', 'pool_id'],
        'plan_services': [
            'plan_id', 'carrier_id', 'service', 'call_type', 'direction', "'priority ' || priority",
        ],
        'no_charge_rules': ['plan_id', 'rule_id'],
        'rate_periods': ['rate_period_id', "'weekday ' || iso_weekday", "'from ' || start_time"],
        'tariffs': ['tariff_id', "'prefix ' || destination_prefix"],
        'tax_jurisdictions': ['jurisdiction_id'],
        'tax_rates': ['jurisdiction_id', 'tax_code', 'charge_category', 'carrier_id'],
        'settlement_agreements': ['agreement_id'],
        'settlement_terms': ['agreement_id', 'carrier_id'],
        'adjustment_reasons': ['reason_code'],
        'exception_waivers': ['waiver_id'],
        'journal_accounts': ['journal_account'],
    } -%}
    concat_ws(' '
    {%- for word in words[seed] -%}
        {%- if word.startswith("'") -%}
            , {{ word.replace('|| ', '|| ' ~ seed ~ '.') }}
        {%- else -%}
            , {{ seed }}.{{ word }}
        {%- endif -%}
    {%- endfor -%}
    )
{%- endmacro %}
