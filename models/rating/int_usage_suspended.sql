{{ config(
    materialized='incremental',
    incremental_strategy='replace_all',
    indexes=[{'columns': ['carrier_id', 'cdr_id'], 'unique': true}],
    meta={'follows_rebuild': true},
) }}

-- Every suspended record is tried again at every build, so what this run could not rate is all
-- there is.

select
    carrier_id,
    cdr_id,
    account_id,
    service_number,
    service,
    suspense_reason as reason,
    quantity,
    load_id,
    cycle_start,
    started_at
from {{ ref('int_usage_rated') }}
where suspense_reason is not null
