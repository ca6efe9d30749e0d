-- The ledger takes up each bill in full, each kind of revenue on its own account, tax apart from
-- revenue. A row here would be income reported that nobody was billed for, or billed and not
-- reported.

with

billed as (
    select
        account_id,
        bill_id,
        case
            when section = 'tax' then 'tax_payable'
            when charge_category = 'plan_fee' then 'plan_revenue'
            when charge_category = 'usage' then 'usage_revenue'
            when charge_category = 'one_time' then 'one_time_revenue'
            else 'unknown'
        end as credit_account,
        sum(amount) as amount
    from {{ ref('int_closing_bill_lines') }}
    group by account_id, bill_id, credit_account
),

posted as (
    select
        account_id,
        bill_id,
        credit_account,
        sum(amount) as amount
    from {{ ref('int_closing_journal') }}
    where event = 'bill' and debit_account = 'accounts_receivable'
    group by account_id, bill_id, credit_account
),

differing as (
    select
        coalesce(billed.bill_id, posted.bill_id) as bill_id,
        coalesce(billed.credit_account, posted.credit_account) as credit_account,
        billed.amount as billed_amount,
        posted.amount as posted_amount
    from billed
    full join posted
        on
            billed.account_id = posted.account_id
            and billed.bill_id = posted.bill_id
            and billed.credit_account = posted.credit_account
    where coalesce(billed.amount, 0) is distinct from coalesce(posted.amount, 0)
),

one_sided as (
    select
        bill_id,
        credit_account,
        null::numeric as billed_amount,
        amount as posted_amount
    from {{ ref('int_closing_journal') }}
    where
        debit_account = credit_account
        or debit_account is null
        or credit_account is null
        or amount is null
        or (event = 'bill' and debit_account is distinct from 'accounts_receivable')
)

select * from differing
union all
select * from one_sided
