{{ config(materialized='view') }}

select
    md5(concat_ws('|', 'notice', carrier_id, order_id)) as notice_id,
    account_id,
    carrier_id,
    order_id,
    action,
    plan_id,
    order_keys,
    effective_on,
    fulfilled_at
from {{ ref('int_fulfilled_orders') }}
