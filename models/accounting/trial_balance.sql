{{ config(materialized='view') }}

-- What each close posted to each account of the journal. An entry debits one account and credits
-- another, so that the debits of a close are its credits.

with

journal as not materialized (select * from {{ source('issued', 'journal') }}),

journal_accounts as (select * from {{ ref('journal_accounts') }}),

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
        summed.close_id,
        summed.journal_account,
        journal_accounts.description,
        summed.debit_amount::numeric(18, 2) as debit_amount,
        summed.credit_amount::numeric(18, 2) as credit_amount,
        (summed.debit_amount - summed.credit_amount)::numeric(18, 2) as balance_amount
    from summed
    left join journal_accounts on summed.journal_account = journal_accounts.journal_account
)

select * from final
