{{ config(materialized='view') }}

-- From close to close: what was deferred before, what was added, what was earned, what is left. A
-- close is the period of the books: its entries never change, whenever its cycles ended.

with

closes as (select * from {{ source('issued', 'closes') }}),

journal as (
    select * from {{ source('issued', 'journal') }}
    where bucket_id is not null
),

movements as (
    select
        closes.close_id,
        closes.close_through,
        closes.started_at as posted_at,
        coalesce(sum(journal.amount) filter (where journal.credit_account = 'deferred_revenue'), 0)
            as deferred_amount,
        coalesce(sum(journal.amount) filter (where journal.event = 'opening'), 0)
            as taken_over_amount,
        coalesce(sum(journal.amount) filter (where journal.credit_account = 'rollover_revenue'), 0)
            as recognised_amount,
        coalesce(sum(journal.amount) filter (where journal.credit_account = 'breakage_revenue'), 0)
            as breakage_amount
    from closes
    left join journal on closes.close_id = journal.close_id
    group by closes.close_id, closes.close_through, closes.started_at
),

balanced as (
    select
        *,
        sum(deferred_amount - recognised_amount - breakage_amount) over (order by close_id)
            as closing_amount
    from movements
),

final as (
    select
        close_id,
        close_through,
        posted_at,
        (closing_amount - deferred_amount + recognised_amount + breakage_amount)::numeric(18, 2)
            as opening_amount,
        deferred_amount::numeric(18, 2) as deferred_amount,
        taken_over_amount::numeric(18, 2) as taken_over_amount,
        recognised_amount::numeric(18, 2) as recognised_amount,
        breakage_amount::numeric(18, 2) as breakage_amount,
        closing_amount::numeric(18, 2) as closing_amount
    from balanced
)

select * from final
