select
    carrier_id,
    account_id,
    service_number,
    plan_id,
    status,
    subscriber_name,
    email,
    load_id,
    row_number,
    batch_as_of,
    activated_at,
    deactivated_at
from {{ source('raw', 'subscribers') }}
