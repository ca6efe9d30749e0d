{{ config(materialized='view') }}

select
    suspended.carrier_id,
    suspended.cdr_id,
    suspended.account_id,
    suspended.service_number,
    suspended.started_at,
    suspended.service,
    suspended.quantity,
    suspended.reason,
    loads.loaded_at as suspended_since,
    suspended.load_id
from {{ ref('int_usage_suspended') }} as suspended
inner join {{ ref('stg_loads__files') }} as loads on suspended.load_id = loads.load_id
