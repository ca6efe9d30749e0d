{% snapshot settlement_terms_history %}

{{ config(
    alias='settlement_terms',
    unique_key=['agreement_id', 'carrier_id'],
) }}

-- A catalog with a fault has no history: nothing was billed by it.
-- depends_on: {{ ref('catalog_faults') }}
select * from {{ ref('settlement_terms') }}

{% endsnapshot %}
