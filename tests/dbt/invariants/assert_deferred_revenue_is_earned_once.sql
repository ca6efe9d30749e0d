-- Part of the fee for units that roll over is earned when they are used or lapse: once, in full,
-- and not before. A row here would be revenue that is shown twice, too early or never.
{{ config(meta={
    'invariant': 'Money is conserved',
    'proves': 'what was deferred for a bucket is earned once; the roll-forward ends in what is left',
}) }}

with

closes as (select * from {{ ref('deferred_revenue_roll_forward') }}),

journal as (select * from {{ ref('journal') }}),

-- as the last closed cycle of each bucket left it
latest as (
    select distinct on (account_id, bucket_id)
        account_id,
        bucket_id,
        earned_quantity,
        remaining_quantity,
        deferred_amount
    from {{ source('issued', 'bucket_cycles') }}
    order by account_id asc, bucket_id asc, cycle_start desc
),

used as (
    select
        account_id,
        bucket_id,
        count(*) as cycles,
        sum(used_quantity) as used_quantity
    from {{ source('issued', 'bucket_cycles') }}
    group by account_id, bucket_id
),

buckets as (
    select
        latest.*,
        used.cycles,
        used.used_quantity
    from latest
    inner join used
        on latest.account_id = used.account_id and latest.bucket_id = used.bucket_id
),

deferred as (select * from {{ ref('deferred_revenue') }}),

of_buckets as (
    select
        coalesce(buckets.bucket_id, deferred.bucket_id) as subject,
        deferred.balance_amount as found_amount,
        round(
            buckets.deferred_amount * buckets.remaining_quantity / buckets.earned_quantity, 4
        ) as expected_amount
    from buckets
    full join deferred
        on buckets.account_id = deferred.account_id and buckets.bucket_id = deferred.bucket_id
    where
        coalesce(deferred.deferred_amount, 0) is distinct from buckets.deferred_amount
        or deferred.balance_amount < 0
        or least(deferred.usage_amount, deferred.breakage_amount) < 0
        or abs(
            coalesce(deferred.balance_amount, 0) * buckets.earned_quantity
            - buckets.deferred_amount * buckets.remaining_quantity
        ) > 0.005 * buckets.earned_quantity
        -- and by use what was used, not what lapsed; each cycle is rounded before and after
        or abs(
            coalesce(deferred.usage_amount, 0) * buckets.earned_quantity
            - buckets.deferred_amount * buckets.used_quantity
        ) > 0.01 * buckets.cycles * buckets.earned_quantity
),

chained as (
    select
        close_id,
        opening_amount,
        deferred_amount,
        recognised_amount,
        breakage_amount,
        closing_amount,
        lag(closing_amount, 1, 0) over (order by close_id) as earlier_closing_amount,
        lead(close_id) over (order by close_id) is null as is_last
    from closes
),

of_closes as (
    select
        'close ' || chained.close_id as subject,
        chained.closing_amount as found_amount,
        (
            select coalesce(sum(deferred.balance_amount), 0)
            from deferred
        ) as expected_amount
    from chained
    where
        chained.opening_amount is distinct from chained.earlier_closing_amount
        or chained.closing_amount is distinct from (
            chained.opening_amount + chained.deferred_amount - chained.recognised_amount
            - chained.breakage_amount
        )
        or (
            chained.is_last
            and chained.closing_amount is distinct from (
                select coalesce(sum(deferred.balance_amount), 0)
                from deferred
            )
        )
),

-- only what moves between revenue and what is deferred may name a bucket
of_entries as (
    select
        entry_id as subject,
        amount as found_amount,
        null::numeric as expected_amount
    from journal
    where
        (bucket_id is null) = (bill_id is null)
        or (
            bucket_id is not null
            and (debit_account, credit_account, event) not in (
                ('plan_revenue', 'deferred_revenue', 'defer'),
                ('opening_balances', 'deferred_revenue', 'opening'),
                ('deferred_revenue', 'rollover_revenue', 'recognise'),
                ('deferred_revenue', 'breakage_revenue', 'breakage')
            )
        )
)

select * from of_buckets
union all
select * from of_closes
union all
select * from of_entries
