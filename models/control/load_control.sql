{{ config(materialized='view') }}

select
    load_id,
    feed,
    carrier_id,
    file_name,
    rows_read,
    accepted,
    duplicate,
    rejected
from {{ ref('stg_loads__files') }}
