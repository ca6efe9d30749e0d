{% snapshot plans_history %}

{{ config(
    alias='plans',
    unique_key='plan_id',
) }}

-- A catalog with a fault has no history: nothing was billed by it.
-- depends_on: {{ ref('catalog_faults') }}
select * from {{ ref('plans') }}

{% endsnapshot %}
