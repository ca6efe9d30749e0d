{{ config(materialized='view') }}

select
    entry_id,
    account_id,
    cycle_start,
    bucket_id,
    bill_id,
    event,
    debit_account,
    credit_account,
    amount,
    close_id
from {{ source('issued', 'journal') }}
