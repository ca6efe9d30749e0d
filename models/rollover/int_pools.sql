-- A pool means the same in every plan that has it.
-- depends_on: {{ ref('catalog_faults') }}

select distinct on (pool_id)
    pool_id,
    pool_name,
    unit_type,
    base_units_per_unit
from {{ ref('int_pool_terms') }}
order by pool_id asc, plan_id collate "C" asc
