-- valid_from is inclusive, valid_to exclusive: a row that ends no later than it begins is never
-- valid.

{%- set seeds = ['plans', 'tariffs', 'tax_rates', 'settlement_agreements'] %}

{%- for seed in seeds %}
    select
        'validity_backwards' as rule_name,
        '{{ seed }}' as seed,
        {{ catalog_row(seed) }} as row_key,
        'valid_from ' || {{ day_text(seed ~ '.valid_from') }}
        || ' is not before valid_to ' || {{ day_text(seed ~ '.valid_to') }} as detail
    from {{ ref(seed) }} as {{ seed }}
    where {{ seed }}.valid_from >= {{ seed }}.valid_to
    {% if not loop.last %}union all{% endif %}
{%- endfor %}
