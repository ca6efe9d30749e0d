{{ config(materialized='view') }}

select
    carrier_id,
    account_id,
    service_number,
    plan_id,
    status,
    subscriber_name,
    email,
    activated_at,
    deactivated_at,
    data_at
from {{ ref('int_line_periods') }}
where is_current
