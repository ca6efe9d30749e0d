select
    account_id,
    pool_id,
    quantity as quantity_units,
    deferred_amount::numeric(18, 2) as deferred_amount,
    load_id,
    row_number,
    earned_cycle_start,
    expires_on,
    as_of
from {{ source('raw', 'rollover_opening') }}
