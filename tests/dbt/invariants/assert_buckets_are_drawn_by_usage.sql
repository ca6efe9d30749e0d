-- What left a bucket as used was used by a call that says so, or, where another system billed the
-- cycle and has the calls, by its report. A row here would be rollover minutes gone without a call,
-- or calls paid from a bucket that never had the minutes.
{{ config(meta={
    'invariant': 'Units are conserved',
    'proves': 'what each bucket gave is what records took from it, or a report of another system',
}) }}

with

draws as (
    select
        account_id,
        pool_id,
        bucket_id,
        quantity
    from {{ ref('usage_funding') }}
    where source = 'rollover'
    union all
    select
        buckets.account_id,
        buckets.pool_id,
        buckets.bucket_id,
        buckets.used_quantity as quantity
    from {{ source('issued', 'bucket_cycles') }} as buckets
    inner join {{ source('issued', 'cycles') }} as cycles
        on buckets.account_id = cycles.account_id and buckets.cycle_start = cycles.cycle_start
    where not cycles.is_billed
),

taken as (
    select
        account_id,
        pool_id,
        bucket_id,
        sum(quantity) as quantity
    from draws
    group by account_id, pool_id, bucket_id
),

given as (
    select
        account_id,
        pool_id,
        bucket_id,
        used_quantity
    from {{ ref('rollover_buckets') }}
)

select
    coalesce(given.account_id, taken.account_id) as account_id,
    coalesce(given.bucket_id, taken.bucket_id) as bucket_id,
    given.used_quantity,
    taken.quantity as taken_quantity
from given
full join taken
    on
        given.account_id = taken.account_id
        and given.pool_id = taken.pool_id
        and given.bucket_id = taken.bucket_id
where
    given.bucket_id is null
    or given.used_quantity is distinct from coalesce(taken.quantity, 0)
