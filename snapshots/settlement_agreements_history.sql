{% snapshot settlement_agreements_history %}

{{ config(
    alias='settlement_agreements',
    unique_key='agreement_id',
) }}

-- A catalog with a fault has no history: nothing was billed by it.
-- depends_on: {{ ref('catalog_faults') }}
select * from {{ ref('settlement_agreements') }}

{% endsnapshot %}
