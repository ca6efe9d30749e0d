{{ config(materialized='incremental', incremental_strategy='replace_all') }}

-- Exceptions that somebody has agreed to live with for a while, kept for views: a seed is dropped
-- when it is loaded anew.
-- depends_on: {{ ref('catalog_faults') }}

select
    waiver_id,
    exception_type,
    account_id,
    carrier_id,
    order_id,
    reason,
    waived_until
from {{ ref('exception_waivers') }}
