{% snapshot plan_services_history %}

{{ config(
    alias='plan_services',
    unique_key=[
        'plan_id', 'carrier_id', 'service', 'call_type', 'direction', 'priority',
    ],
) }}

-- A catalog with a fault has no history: nothing was billed by it.
-- depends_on: {{ ref('catalog_faults') }}
select * from {{ ref('plan_services') }}

{% endsnapshot %}
