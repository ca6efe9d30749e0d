{{ config(materialized='view') }}

select
    bill_id,
    account_id,
    line_number,
    section,
    plan_id,
    carrier_id,
    service,
    call_type,
    treatment,
    tax_code,
    jurisdiction_id,
    description,
    quantity_units,
    unit_type,
    rate::numeric(18, 8) as rate,
    amount
from {{ source('issued', 'bill_lines') }}
