{{ config(materialized='incremental', incremental_strategy='replace_all') }}

-- Everything that stands on the state of earlier runs must be done before this row says so.
-- depends_on: {{ ref('int_usage_open') }}
-- depends_on: {{ ref('int_usage_suspended') }}
-- depends_on: {{ ref('int_usage_voids') }}
-- depends_on: {{ ref('int_meter_totals') }}
-- depends_on: {{ ref('int_account_inputs') }}
-- depends_on: {{ ref('int_known_numbers') }}
-- depends_on: {{ ref('int_line_periods') }}
-- depends_on: {{ ref('int_casi_history') }}
-- depends_on: {{ ref('int_casi_missing') }}
-- depends_on: {{ ref('int_accounts') }}
-- depends_on: {{ ref('int_order_counterparts') }}
-- depends_on: {{ ref('int_order_sync') }}
-- depends_on: {{ ref('int_counting_orders') }}
-- depends_on: {{ ref('int_sync_exceptions') }}
-- depends_on: {{ ref('int_unresolved_orders') }}
-- depends_on: {{ ref('int_fulfilled_orders') }}
-- depends_on: {{ ref('int_plan_history') }}

select
    build_id,
    cutoff_load_id,
    catalog_hash,
    run_at as built_at,
    (select coalesce(max(close_id), 0) from {{ source('issued', 'closes') }}) as last_close_id
from {{ ref('run_values') }}
{% if is_partial_run() %}
    where false
{% endif %}
