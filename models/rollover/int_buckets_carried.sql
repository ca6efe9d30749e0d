{{ config(unlogged=true, indexes=[{'columns': ['account_id']}]) }}

-- What the last close of an account left in its buckets: the rows of the cycle that ended where the
-- first open one begins.

select
    buckets.account_id,
    buckets.pool_id,
    buckets.bucket_id,
    buckets.source,
    case buckets.source when 'plan' then 1 when 'adjustment' then 2 else 3 end as source_rank,
    buckets.earned_cycle_start,
    buckets.available_from,
    buckets.cycles_left::integer as cycles_left,
    buckets.earned_quantity,
    buckets.remaining_quantity
from {{ source('issued', 'account_frontiers') }} as frontiers
inner join {{ source('issued', 'bucket_cycles') }} as buckets
    on
        frontiers.account_id = buckets.account_id
        and frontiers.closed_through = buckets.cycle_end
inner join {{ ref('run_values') }} on true
where buckets.remaining_quantity > 0
