-- Rollover units are money that was paid already: in each closing cycle a bucket opens with what
-- the cycle before left, or with what was earned or given, and ends with that less what was used,
-- debited, expired and archived; the pool is the sum of its buckets, and adjusted by what its
-- adjustments are said to have given and taken. A row here would be units that a subscriber loses,
-- or gets for nothing.

with

cycles as (
    select
        *,
        lag(remaining_quantity) over (
            partition by account_id, bucket_id
            order by cycle_start
        ) as earlier_remaining_quantity
    from {{ ref('int_bucket_cycles') }}
    where is_closing
),

carried as (select * from {{ ref('int_buckets_carried') }}),

pools as (
    select * from {{ ref('int_pool_cycles') }}
    where is_closing
),

of_pools as (
    select
        account_id,
        pool_id,
        cycle_start,
        sum(opening_quantity) as opening_quantity,
        sum(opening_quantity) filter (where is_taken_over) as taken_over_quantity,
        sum(given_quantity) as given_quantity,
        sum(debited_quantity) as debited_quantity,
        sum(accumulated_quantity) as accumulated_quantity,
        sum(used_quantity) as used_quantity,
        sum(expired_quantity) as expired_quantity,
        sum(archived_quantity) as archived_quantity,
        sum(remaining_quantity) as remaining_quantity
    from cycles
    group by account_id, pool_id, cycle_start
),

adjustments as (
    select
        account_id,
        pool_id,
        cycle_start,
        sum(applied_quantity) filter (where action in ('credit', 'resale')) as given_quantity,
        sum(applied_quantity) filter (where action = 'debit') as debited_quantity
    from {{ ref('int_adjustments_folded') }}
    where is_closing
    group by account_id, pool_id, cycle_start
),

unconserved as (
    select
        cycles.account_id,
        cycles.bucket_id as subject,
        cycles.cycle_start
    from cycles
    left join carried
        on cycles.account_id = carried.account_id and cycles.bucket_id = carried.bucket_id
    where
        cycles.opening_quantity + cycles.given_quantity + cycles.accumulated_quantity
        is distinct from (
            cycles.used_quantity + cycles.debited_quantity + cycles.expired_quantity
            + cycles.archived_quantity + cycles.remaining_quantity
        )
        or cycles.opening_quantity is distinct from coalesce(
            cycles.earlier_remaining_quantity, carried.remaining_quantity, 0
        )
        or cycles.opening_quantity + cycles.given_quantity + cycles.accumulated_quantity
        > cycles.earned_quantity
        -- a bucket begins once; a used-up one whose life is prolonged has a row of zeros
        or (
            cycles.opening_quantity = 0
            and cycles.given_quantity + cycles.accumulated_quantity
            not in (cycles.earned_quantity, 0)
        )
        or least(
            cycles.given_quantity, cycles.used_quantity, cycles.debited_quantity,
            cycles.expired_quantity, cycles.archived_quantity, cycles.remaining_quantity
        ) < 0
),

-- what the last close left must be in the first closing cycle
lost as (
    select
        carried.account_id,
        carried.bucket_id as subject,
        pools.cycle_start
    from carried
    inner join pools on carried.account_id = pools.account_id and carried.pool_id = pools.pool_id
    where
        not exists (
            select 1
            from cycles
            where cycles.account_id = carried.account_id and cycles.bucket_id = carried.bucket_id
        )
),

unlike_pool as (
    select
        pools.account_id,
        pools.pool_id as subject,
        pools.cycle_start
    from pools
    left join of_pools
        on
            pools.account_id = of_pools.account_id
            and pools.pool_id = of_pools.pool_id
            and pools.cycle_start = of_pools.cycle_start
    left join adjustments
        on
            pools.account_id = adjustments.account_id
            and pools.pool_id = adjustments.pool_id
            and pools.cycle_start = adjustments.cycle_start
    where
        pools.opening_quantity is distinct from coalesce(of_pools.opening_quantity, 0)
        or pools.taken_over_quantity is distinct from coalesce(of_pools.taken_over_quantity, 0)
        or pools.accumulated_quantity is distinct from coalesce(of_pools.accumulated_quantity, 0)
        or coalesce(of_pools.given_quantity, 0)
        is distinct from coalesce(adjustments.given_quantity, 0)
        or coalesce(of_pools.debited_quantity, 0)
        is distinct from coalesce(adjustments.debited_quantity, 0)
        or pools.adjusted_quantity is distinct from (
            coalesce(of_pools.given_quantity, 0) - coalesce(of_pools.debited_quantity, 0)
        )
        or pools.rollover_used_quantity is distinct from coalesce(of_pools.used_quantity, 0)
        or pools.expired_quantity is distinct from coalesce(of_pools.expired_quantity, 0)
        or pools.archived_quantity is distinct from coalesce(of_pools.archived_quantity, 0)
        or pools.closing_quantity is distinct from coalesce(of_pools.remaining_quantity, 0)
        or pools.plan_used_quantity > pools.allowance_quantity
        or (
            pools.has_rollover
            and pools.allowance_quantity is distinct from (
                pools.plan_used_quantity + pools.accumulated_quantity + pools.capped_quantity
            )
        )
)

select * from unconserved
union all
select * from lost
union all
select * from unlike_pool
