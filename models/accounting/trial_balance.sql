{{ config(materialized='view') }}

-- What each close posted to each account of the journal. An entry debits one account and credits
-- another, so that the debits of a close are its credits.

with

journal as not materialized (select * from {{ source('issued', 'journal') }}),

sides as (
    select
        close_id,
        debit_account as journal_account,
        amount as debit_amount,
        0 as credit_amount
    from journal
    union all
    select
        close_id,
        credit_account as journal_account,
        0 as debit_amount,
        amount as credit_amount
    from journal
),

summed as (
    select
        close_id,
        journal_account,
        sum(debit_amount) as debit_amount,
        sum(credit_amount) as credit_amount
    from sides
    group by close_id, journal_account
),

final as (
    select
        close_id,
        journal_account,
        debit_amount::numeric(18, 2) as debit_amount,
        credit_amount::numeric(18, 2) as credit_amount,
        (debit_amount - credit_amount)::numeric(18, 2) as balance_amount
    from summed
)

select * from final
