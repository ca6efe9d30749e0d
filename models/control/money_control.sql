{{ config(materialized='view') }}

select
    close_id,
    bills,
    bill_amount,
    line_amount,
    settlement_amount,
    tax_amount,
    receivable_amount
from {{ source('issued', 'money_totals') }}
