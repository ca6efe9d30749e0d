{{ config(materialized='view') }}

select
    account_id,
    pool_id,
    bucket_id,
    archived_quantity as quantity,
    cycle_end as archived_on
from {{ source('issued', 'bucket_cycles') }}
where archived_quantity > 0
