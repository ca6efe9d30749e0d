{{ config(materialized='view') }}

-- Per bucket what was deferred, what of it was earned by use and by lapse, and what is left.

with

journal as (
    select * from {{ source('issued', 'journal') }}
    where bucket_id is not null
),

summed as (
    select
        account_id,
        bucket_id,
        coalesce(sum(amount) filter (where credit_account = 'deferred_revenue'), 0)
            as deferred_amount,
        coalesce(sum(amount) filter (where credit_account = 'rollover_revenue'), 0)
            as usage_amount,
        coalesce(sum(amount) filter (where credit_account = 'breakage_revenue'), 0)
            as breakage_amount
    from journal
    group by account_id, bucket_id
),

final as (
    select
        bucket_id,
        account_id,
        deferred_amount::numeric(18, 2) as deferred_amount,
        usage_amount::numeric(18, 2) as usage_amount,
        breakage_amount::numeric(18, 2) as breakage_amount,
        (deferred_amount - usage_amount - breakage_amount)::numeric(18, 2) as balance_amount
    from summed
)

select * from final
