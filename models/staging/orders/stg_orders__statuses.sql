select
    carrier_id,
    order_id,
    account_id,
    action,
    plan_id,
    service_number,
    status,
    counterpart_order_id,
    load_id,
    row_number,
    effective_on,
    requested_at,
    status_at
from {{ source('raw', 'orders') }}
