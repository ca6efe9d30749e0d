select
    carrier_id,
    change_id,
    account_id,
    service_number,
    plan_id,
    status,
    subscriber_name,
    email,
    load_id,
    row_number,
    changed_at,
    activated_at,
    deactivated_at
from {{ source('raw', 'subscriber_changes') }}
