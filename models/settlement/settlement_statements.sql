{{ config(materialized='view') }}

select
    close_id,
    cycle_end_through,
    carrier_id,
    bills,
    fixed_amount,
    remainder_amount,
    usage_amount,
    total_amount,
    collected_by,
    net_payable_amount
from {{ source('issued', 'settlement_statements') }}
