{{ config(materialized='view') }}

-- Buckets are a ledger: one row per bucket and cycle in which it lived. Here is the sum of each,
-- with its latest state.

with

frontiers as not materialized (select * from {{ source('issued', 'account_frontiers') }}),

movements as not materialized (
    select
        account_id,
        bucket_id,
        pool_id,
        source,
        status,
        cycle_start,
        earned_cycle_start,
        available_from,
        expires_on,
        earned_quantity,
        used_quantity,
        debited_quantity,
        expired_quantity,
        archived_quantity,
        remaining_quantity
    from {{ source('issued', 'bucket_cycles') }}
    union all
    select
        buckets.account_id,
        buckets.bucket_id,
        buckets.pool_id,
        buckets.source,
        buckets.status,
        buckets.cycle_start,
        buckets.earned_cycle_start,
        buckets.available_from,
        buckets.expires_on,
        buckets.earned_quantity,
        buckets.used_quantity,
        buckets.debited_quantity,
        buckets.expired_quantity,
        buckets.archived_quantity,
        buckets.remaining_quantity
    from {{ ref('int_bucket_cycles') }} as buckets
    left join frontiers on buckets.account_id = frontiers.account_id
    where
        buckets.frontier = coalesce(frontiers.closed_through, '-infinity')
        and buckets.cycle_start >= coalesce(frontiers.closed_through, '-infinity')
),

summed as (
    select
        account_id,
        bucket_id,
        sum(used_quantity)::bigint as used_quantity,
        sum(debited_quantity)::bigint as debited_quantity,
        sum(expired_quantity)::bigint as expired_quantity,
        sum(archived_quantity)::bigint as archived_quantity
    from movements
    group by account_id, bucket_id
),

latest as (
    select distinct on (account_id, bucket_id)
        account_id,
        bucket_id,
        pool_id,
        source,
        status,
        earned_cycle_start,
        available_from,
        expires_on,
        earned_quantity,
        remaining_quantity
    from movements
    order by account_id asc, bucket_id asc, cycle_start desc
),

final as (
    select
        latest.bucket_id,
        latest.account_id,
        latest.pool_id,
        latest.source,
        latest.earned_cycle_start,
        latest.available_from,
        latest.expires_on,
        latest.earned_quantity,
        summed.used_quantity,
        summed.debited_quantity,
        summed.expired_quantity,
        -- what went into the archive is still there for its owner, if not to draw
        latest.remaining_quantity + summed.archived_quantity as remaining_quantity,
        latest.status
    from latest
    inner join summed
        on latest.account_id = summed.account_id and latest.bucket_id = summed.bucket_id
)

select * from final
