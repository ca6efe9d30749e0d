{{ config(unlogged=true) }}

-- Accounts whose orders are worked out again: those with a new order or status.

select distinct account_id
from {{ ref('stg_orders__statuses') }}
{% if not is_rebuild() %}
    where load_id > (select watermark_load_id from {{ ref('run_values') }})
{% else %}
-- depends_on: {{ ref('run_values') }}
{% endif %}
