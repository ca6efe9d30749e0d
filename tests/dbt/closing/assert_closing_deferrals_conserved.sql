-- What is deferred for a bucket is earned exactly once: in full when its last unit is gone, and
-- before that not more than its units that are gone, by use what is used and the rest as breakage.
-- A row here would be revenue shown twice, never, or under another name.

with

buckets as (
    select
        *,
        lead(cycle_start) over (partition by account_id, bucket_id order by cycle_start) is null
            as is_last,
        min(cycle_start) over (partition by account_id) as closing_from
    from {{ ref('int_bucket_cycles') }}
    where is_closing
),

posted as (
    select
        account_id,
        bucket_id,
        sum(amount) filter (where credit_account = 'deferred_revenue') as deferred_amount,
        sum(amount) filter (where debit_account = 'deferred_revenue') as earned_amount,
        min(amount) as lowest_amount
    from {{ ref('int_closing_journal') }}
    where bucket_id is not null
    group by account_id, bucket_id
),

-- of cycles before these; once they are issued, they are there, too
posted_before as (
    select
        journal.account_id,
        journal.bucket_id,
        sum(journal.amount) filter (where journal.credit_account = 'deferred_revenue')
            as deferred_amount,
        sum(journal.amount) filter (where journal.debit_account = 'deferred_revenue')
            as earned_amount
    from {{ source('issued', 'journal') }} as journal
    inner join buckets
        on
            journal.account_id = buckets.account_id
            and journal.bucket_id = buckets.bucket_id
            and journal.cycle_start < buckets.closing_from
            and buckets.is_last
    group by journal.account_id, journal.bucket_id
),

summed as (
    select
        buckets.account_id,
        buckets.bucket_id,
        buckets.deferred_amount as amount_of_bucket,
        buckets.earned_quantity,
        buckets.remaining_quantity,
        coalesce(posted.lowest_amount, 0) as lowest_amount,
        coalesce(posted.deferred_amount, 0) + coalesce(posted_before.deferred_amount, 0)
            as deferred_amount,
        coalesce(posted.earned_amount, 0) + coalesce(posted_before.earned_amount, 0)
            as earned_amount
    from buckets
    left join posted
        on buckets.account_id = posted.account_id and buckets.bucket_id = posted.bucket_id
    left join posted_before
        on
            buckets.account_id = posted_before.account_id
            and buckets.bucket_id = posted_before.bucket_id
    where buckets.is_last
),

recognised as (
    select
        account_id,
        bucket_id,
        cycle_start,
        sum(amount) as amount
    from {{ ref('int_closing_journal') }}
    where bucket_id is not null and credit_account = 'rollover_revenue'
    group by account_id, bucket_id, cycle_start
)

select
    account_id,
    bucket_id,
    'deferred ' || deferred_amount || ', earned ' || earned_amount as finding
from summed
where
    deferred_amount is distinct from amount_of_bucket
    or lowest_amount < 0
    or (remaining_quantity = 0 and earned_amount is distinct from deferred_amount)
    -- half a cent is what rounding may add
    or abs(
        earned_quantity * earned_amount
        - deferred_amount * (earned_quantity - remaining_quantity)
    ) > 0.005 * earned_quantity
union all
select
    coalesce(buckets.account_id, recognised.account_id) as account_id,
    coalesce(buckets.bucket_id, recognised.bucket_id) as bucket_id,
    'used ' || buckets.used_quantity || ', recognised ' || recognised.amount as finding
from buckets
full join recognised
    on
        buckets.account_id = recognised.account_id
        and buckets.bucket_id = recognised.bucket_id
        and buckets.cycle_start = recognised.cycle_start
where
    buckets.bucket_id is null
    -- a cent: what was earned before and after is rounded
    or abs(
        buckets.earned_quantity * coalesce(recognised.amount, 0)
        - buckets.deferred_amount * buckets.used_quantity
    ) > 0.01 * buckets.earned_quantity
