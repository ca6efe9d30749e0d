{% snapshot plan_pools_history %}

{{ config(
    alias='plan_pools',
    unique_key=['plan_id', 'pool_id'],
) }}

-- A catalog with a fault has no history: nothing was billed by it.
-- depends_on: {{ ref('catalog_faults') }}
select * from {{ ref('plan_pools') }}

{% endsnapshot %}
