{{ config(
    materialized='incremental',
    incremental_strategy='replace_keys',
    unique_key='account_id',
    indexes=[{'columns': ['account_id'], 'unique': true}],
    meta={'follows_rebuild': true},
) }}

-- The last loaded row of an account stands.

select distinct on (account_id)
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
    bill_cycle_day,
    load_id,
    opened_on,
    closed_on
from {{ ref('stg_accounts__accounts') }}
where
    load_id > (select watermark_load_id from {{ ref('run_values') }})
    and {{ within_run('load_id') }}
order by account_id asc, load_id desc, row_number desc
