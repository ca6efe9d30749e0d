select
    account_id,
    pool_id,
    request_id,
    allowance as allowance_units,
    plan_used as plan_used_units,
    overage as overage_units,
    rollover_used as rollover_used_units,
    accumulated as accumulated_units,
    expired as expired_units,
    plan_fee::numeric(18, 2) as plan_fee_amount,
    load_id,
    row_number,
    cycle_start,
    cycle_end,
    reported_at
from {{ source('raw', 'rollover_results') }}
