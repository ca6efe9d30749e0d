-- Where a column is one of several words, it is one of them: another one would match nothing,
-- silently.

{%- set service_kinds = ['wireless', 'wireline', 'internet', 'messaging', 'video', 'satellite'] %}
{%- set call_types = ['local', 'long_distance', 'international', 'roaming', 'toll_free'] %}
{%- set directions = ['originated', 'terminated'] %}
{%- set exception_types = [
    'counterpart_failed', 'mismatched', 'missing_counterpart', 'unknown_plan', 'unknown_account',
    'plan_mismatch', 'over_resale',
] %}
{%- set choices = [
    ('carriers', 'service_kind', service_kinds),
    ('carrier_services', 'service_kind', service_kinds),
    ('carrier_services', 'call_type', call_types),
    ('carrier_services', 'direction', directions),
    ('plan_pools', 'burn_order', ['allowance_first', 'rollover_first']),
    ('plan_services', 'call_type', call_types + ['*']),
    ('plan_services', 'direction', directions + ['*']),
    ('plan_services', 'treatment', ['pool', 'free', 'metered']),
    ('no_charge_rules', 'rule', ['mobile_to_mobile', 'rate_period']),
    ('no_charge_rules', 'scope', ['any', 'on_net']),
    ('tax_jurisdictions', 'level', ['federal', 'state', 'local']),
    ('tax_rates', 'charge_category', ['plan_fee', 'usage', 'one_time', '*']),
    ('settlement_agreements', 'usage_basis', ['billable', 'all']),
    ('settlement_agreements', 'usage_share', ['usage_carrier', 'pooled']),
    ('exception_waivers', 'exception_type', exception_types),
] %}

{%- for seed, column, words in choices %}
    select
        'unknown_words' as rule_name,
        '{{ seed }}' as seed,
        {{ catalog_row(seed) }} as row_key,
        '{{ column }} ''' || {{ seed }}.{{ column }}
        || ''' is none of {{ words | join(', ') }}' as detail
    from {{ ref(seed) }} as {{ seed }}
    where
        {{ seed }}.{{ column }} not in (
            '{{ words | join("', '") }}'
        )
    {% if not loop.last %}union all{% endif %}
{%- endfor %}
