{{ config(unlogged=true, indexes=[{'columns': ['account_id']}]) }}

-- Plan buckets without units that an open resale or extension is about. The life of a used-up
-- bucket goes on: it ages with each closed cycle that had rollover for its pool.

with

adjustments as (
    select distinct
        account_id,
        pool_id,
        account_id || '-' || pool_id || '-' || to_char(bucket_cycle_start, 'YYYYMMDD') || '-plan'
            as bucket_id
    from {{ ref('int_adjustments_open') }}
    where action in ('resale', 'extension') and bucket_cycle_start is not null
),

bucket_cycles as not materialized (select * from {{ source('issued', 'bucket_cycles') }}),

pool_cycles as not materialized (select * from {{ source('issued', 'pool_cycles') }}),

issued_adjustments as not materialized (select * from {{ source('issued', 'adjustments') }}),

recalled as (
    select
        latest.*,
        (
            select sum(bucket_cycles.expired_quantity)
            from bucket_cycles
            where
                bucket_cycles.account_id = latest.account_id
                and bucket_cycles.bucket_id = latest.bucket_id
        )::bigint as lapsed_quantity,
        (
            select coalesce(sum(issued_adjustments.applied_quantity), 0)
            from issued_adjustments
            where
                issued_adjustments.account_id = latest.account_id
                and issued_adjustments.bucket_id = latest.bucket_id
                and issued_adjustments.action = 'resale'
        )::bigint as resold_quantity,
        (
            select count(*)
            from pool_cycles
            where
                pool_cycles.account_id = latest.account_id
                and pool_cycles.pool_id = latest.pool_id
                and pool_cycles.cycle_start > latest.cycle_start
                and pool_cycles.has_rollover
        )::integer as cycles_since
    from adjustments
    cross join
        lateral (
            select bucket_cycles.*
            from bucket_cycles
            where
                bucket_cycles.account_id = adjustments.account_id
                and bucket_cycles.bucket_id = adjustments.bucket_id
            order by bucket_cycles.cycle_start desc
            limit 1
        ) as latest
    where latest.remaining_quantity = 0
),

final as (
    select
        account_id,
        pool_id,
        bucket_id,
        source,
        1 as source_rank,
        earned_cycle_start,
        available_from,
        case
            when status = 'depleted' then greatest(cycles_left - cycles_since, 0) else 0
        end as cycles_left,
        earned_quantity,
        deferred_amount,
        lapsed_quantity,
        resold_quantity
    from recalled
)

select * from final
