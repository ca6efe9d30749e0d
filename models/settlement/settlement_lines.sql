{{ config(materialized='view') }}

select
    bill_id,
    account_id,
    cycle_start,
    cycle_end,
    agreement_id,
    carrier_id,
    fixed_amount,
    usage_weight::numeric(28, 6) as usage_weight,
    remainder_amount,
    usage_amount,
    total_amount
from {{ source('issued', 'settlement_lines') }}
