{{ config(materialized='incremental', incremental_strategy='replace_all') }}

-- The one carrier that bills, kept for views: a seed is dropped when it is loaded anew.
-- depends_on: {{ ref('catalog_faults') }}

select carrier_id
from {{ ref('carriers') }}
where is_biller
