{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='terms_id',
    full_refresh=false,
    indexes=[{'columns': ['terms_id'], 'unique': true}],
) }}

-- Terms that a catalog no longer yields stay: records rated under them may still stand.
-- depends_on: {{ ref('run_values') }}

select distinct
    terms_id,
    plan_id,
    carrier_id,
    rating_platform_id,
    service,
    call_type,
    direction,
    treatment,
    pool_id,
    tariff_id,
    unit_type,
    base_units_per_unit,
    category,
    rule_id,
    unit_factor,
    is_limited,
    minimum_quantity,
    increment,
    overage_rate
from {{ ref('int_usage_terms_by_slot') }} {{ only_in_rebuild() }}
