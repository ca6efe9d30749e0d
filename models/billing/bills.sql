{{ config(materialized='view') }}

select
    bill_id,
    account_id,
    cycle_start,
    cycle_end,
    biller_id,
    currency,
    plan_fee_amount,
    usage_amount,
    one_time_amount,
    tax_amount,
    total_amount,
    issued_at,
    close_id
from {{ source('issued', 'bills') }}
