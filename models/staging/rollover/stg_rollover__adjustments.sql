select
    adjustment_id,
    account_id,
    pool_id,
    action,
    quantity as quantity_units,
    reason_code,
    adjusted_by,
    note,
    extend_cycles,
    load_id,
    row_number,
    bucket_cycle_start,
    adjusted_at
from {{ source('raw', 'rollover_adjustments') }}
