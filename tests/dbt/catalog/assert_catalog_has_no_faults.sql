-- The gate: what a broken catalog would bill is not built. `dbt build` skips whatever comes after
-- catalog_faults when this fails, which is every model that holds data.

select
    rule_name,
    seed,
    row_key,
    detail
from {{ ref('catalog_faults') }}
