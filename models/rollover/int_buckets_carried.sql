{{ config(unlogged=true, indexes=[{'columns': ['account_id']}]) }}

-- Buckets with units as the first open cycle finds them: what the last close of an account left
-- (the rows of the cycle that ended where the first open one begins), and what is taken over from
-- a system that was replaced.

with

frontiers as (select * from {{ source('issued', 'account_frontiers') }}),

bucket_cycles as (select * from {{ source('issued', 'bucket_cycles') }}),

openings as (
    select * from {{ ref('int_openings_open') }}
    where exception_type is null
),

run_values as (select * from {{ ref('run_values') }}),

unioned as (
    select
        buckets.account_id,
        buckets.pool_id,
        buckets.bucket_id,
        buckets.source,
        false as is_taken_over,
        buckets.earned_cycle_start,
        buckets.available_from,
        buckets.cycles_left,
        buckets.earned_quantity,
        buckets.deferred_amount,
        buckets.remaining_quantity
    from frontiers
    inner join bucket_cycles as buckets
        on
            frontiers.account_id = buckets.account_id
            and frontiers.closed_through = buckets.cycle_end
    inner join run_values on true
    where buckets.remaining_quantity > 0
    union all
    select
        account_id,
        pool_id,
        bucket_id,
        'plan' as source,
        true as is_taken_over,
        earned_cycle_start,
        available_from,
        cycles_left,
        quantity as earned_quantity,
        deferred_amount,
        quantity as remaining_quantity
    from openings
),

final as (
    select
        account_id,
        pool_id,
        bucket_id,
        source,
        case source when 'plan' then 1 when 'adjustment' then 2 else 3 end as source_rank,
        is_taken_over,
        earned_cycle_start,
        available_from,
        cycles_left::integer as cycles_left,
        earned_quantity,
        deferred_amount,
        remaining_quantity
    from unioned
)

select * from final
