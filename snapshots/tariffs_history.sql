{% snapshot tariffs_history %}

{{ config(
    alias='tariffs',
    unique_key="concat_ws(' ', tariff_id, coalesce(destination_prefix, ''), valid_from)",
) }}

-- A catalog with a fault has no history: nothing was billed by it.
-- depends_on: {{ ref('catalog_faults') }}
-- an empty prefix is null, which no key equals: hence an expression
select * from {{ ref('tariffs') }}

{% endsnapshot %}
