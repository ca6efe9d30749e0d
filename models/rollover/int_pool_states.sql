{{ config(unlogged=true, indexes=[{'columns': ['account_id']}]) }}

-- Where the last close of an account left its pools.

select
    pools.account_id,
    pools.pool_id,
    pools.deciding_plan_id,
    pools.rollover_status,
    pools.retention_cycles_left,
    pools.became_customer_at,
    pools.ended_at
from {{ source('issued', 'account_frontiers') }} as frontiers
inner join {{ source('issued', 'pool_cycles') }} as pools
    on
        frontiers.account_id = pools.account_id
        and frontiers.closed_through = pools.cycle_end
inner join {{ ref('run_values') }} on true
