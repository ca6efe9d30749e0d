{% snapshot tax_rates_history %}

{{ config(
    alias='tax_rates',
    unique_key=[
        'jurisdiction_id', 'tax_code', 'charge_category', 'carrier_id', 'valid_from',
    ],
) }}

-- A catalog with a fault has no history: nothing was billed by it.
-- depends_on: {{ ref('catalog_faults') }}
select * from {{ ref('tax_rates') }}

{% endsnapshot %}
