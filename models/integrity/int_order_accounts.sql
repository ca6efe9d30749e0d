{{ config(unlogged=true) }}

-- Accounts whose orders are worked out again: those with a new order or status.

select distinct account_id
from {{ ref('stg_orders__statuses') }}
where
    load_id > (select watermark_load_id from {{ ref('run_values') }})
    and {{ within_run('load_id') }}
