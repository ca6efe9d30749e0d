-- depends_on: {{ ref('catalog_faults') }}

select
    plan_id,
    carrier_id,
    is_integrated
from {{ ref('int_carriers_by_plan') }}
