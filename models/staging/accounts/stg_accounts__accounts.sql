select
    account_id,
    holder_name,
    address_line1,
    address_line2,
    city,
    region,
    postal_code,
    country,
    email,
    time_zone,
    tax_jurisdiction_id,
    billing_system,
    bill_cycle_day::integer as bill_cycle_day,
    load_id,
    row_number,
    opened_on,
    closed_on
from {{ source('raw', 'accounts') }}
