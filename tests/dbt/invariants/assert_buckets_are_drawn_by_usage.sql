-- What left a bucket as used was used by a call that says so. A row here would be rollover minutes
-- gone without a call, or calls paid from a bucket that never had the minutes.
{{ config(meta={
    'invariant': 'Units are conserved',
    'proves': 'what each bucket gave is what the records took from it, of the same pool',
}) }}

with

taken as (
    select
        account_id,
        pool_id,
        bucket_id,
        sum(quantity) as quantity
    from {{ ref('usage_funding') }}
    where source = 'rollover'
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
