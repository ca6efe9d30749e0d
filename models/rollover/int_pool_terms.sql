-- One row per plan and pool, in base units.
-- depends_on: {{ ref('catalog_faults') }}

select
    plan_pools.plan_id,
    plan_pools.pool_id,
    plan_pools.pool_name,
    plan_pools.unit_type,
    unit_types.base_units_per_unit,
    plan_pools.allowance * unit_types.base_units_per_unit as allowance_quantity,
    plan_pools.has_rollover,
    plan_pools.burn_order = 'rollover_first' as is_rollover_first,
    plan_pools.rollover_cycles,
    (plan_pools.rollover_cap * unit_types.base_units_per_unit)::bigint as rollover_cap_quantity,
    plans.rollover_retention_cycles,
    plan_pools.resale_rate,
    plan_pools.extension_rate,
    plan_pools.deferral_fee_share
from {{ ref('plan_pools') }} as plan_pools
inner join {{ ref('plans') }} as plans on plan_pools.plan_id = plans.plan_id
inner join {{ ref('unit_types') }} as unit_types on plan_pools.unit_type = unit_types.unit_type
