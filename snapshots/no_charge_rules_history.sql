{% snapshot no_charge_rules_history %}

{{ config(
    alias='no_charge_rules',
    unique_key=['plan_id', 'rule_id'],
) }}

-- A catalog with a fault has no history: nothing was billed by it.
-- depends_on: {{ ref('catalog_faults') }}
select * from {{ ref('no_charge_rules') }}

{% endsnapshot %}
