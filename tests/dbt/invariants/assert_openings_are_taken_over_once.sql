-- What subscribers had with a system that was replaced is theirs here, once. A row here would be
-- units or deferred fees that were lost, doubled or changed while moving.
{{ config(meta={
    'invariant': 'Units are conserved',
    'proves': 'opening balances became one bucket each, with their units and deferred fees',
}) }}

with

openings as (
    select * from {{ source('issued', 'openings') }}
    where exception_type is null
),

buckets as (select * from {{ source('issued', 'bucket_cycles') }}),

pools as (select * from {{ source('issued', 'pool_cycles') }}),

posted as (
    select
        account_id,
        bucket_id,
        cycle_start,
        sum(amount) as amount
    from {{ source('issued', 'journal') }}
    where event = 'opening'
    group by account_id, bucket_id, cycle_start
),

taken_over as (
    select
        account_id,
        pool_id,
        cycle_start,
        sum(quantity) as quantity
    from openings
    group by account_id, pool_id, cycle_start
),

of_pools as (
    select
        coalesce(taken_over.account_id, pools.account_id) as account_id,
        coalesce(taken_over.pool_id, pools.pool_id) as subject,
        coalesce(taken_over.cycle_start, pools.cycle_start) as cycle_start
    from taken_over
    full join pools
        on
            taken_over.account_id = pools.account_id
            and taken_over.pool_id = pools.pool_id
            and taken_over.cycle_start = pools.cycle_start
    where coalesce(taken_over.quantity, 0) is distinct from pools.taken_over_quantity
),

-- the first cycle of each
begun as (
    select distinct on (buckets.account_id, buckets.bucket_id) buckets.*
    from buckets
    inner join openings
        on buckets.account_id = openings.account_id and buckets.bucket_id = openings.bucket_id
    order by buckets.account_id asc, buckets.bucket_id asc, buckets.cycle_start asc
),

of_buckets as (
    select
        openings.account_id,
        openings.bucket_id as subject,
        openings.cycle_start
    from openings
    left join begun
        on
            openings.account_id = begun.account_id
            and openings.bucket_id = begun.bucket_id
            and openings.cycle_start = begun.cycle_start
    where
        openings.quantity is distinct from begun.opening_quantity
        or openings.quantity is distinct from begun.earned_quantity
        or openings.deferred_amount is distinct from begun.deferred_amount
),

of_entries as (
    select
        coalesce(openings.account_id, posted.account_id) as account_id,
        coalesce(openings.bucket_id, posted.bucket_id) as subject,
        coalesce(openings.cycle_start, posted.cycle_start) as cycle_start
    from openings
    full join posted
        on
            openings.account_id = posted.account_id
            and openings.bucket_id = posted.bucket_id
            and openings.cycle_start = posted.cycle_start
    where coalesce(openings.deferred_amount, 0) is distinct from coalesce(posted.amount, 0)
)

select * from of_pools
union all
select * from of_buckets
union all
select * from of_entries
