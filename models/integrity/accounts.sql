{{ config(materialized='view') }}

-- Who holds an account, as it was loaded last.

select
    account_id,
    holder_name,
    email,
    time_zone,
    bill_cycle_day,
    billing_system,
    opened_on,
    closed_on
from {{ ref('int_accounts') }}
