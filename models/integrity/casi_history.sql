{{ config(materialized='view') }}

select
    carrier_id,
    account_id,
    service_number,
    known_from,
    known_to,
    plan_id,
    status,
    subscriber_name,
    email,
    activated_at,
    deactivated_at,
    case when is_batch then 'batch' else 'change' end as source,
    change_id,
    load_id
from {{ ref('int_casi_history') }}
