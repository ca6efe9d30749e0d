{{ config(unlogged=true) }}

-- Section "Revenue": the bill is posted, one entry per kind of revenue, and what is deferred of it
-- or earned of what was deferred. Amounts may be negative; sides are never changed.

with

bills as not materialized (select * from {{ ref('int_closing_bills') }}),

deferrals as (select * from {{ ref('int_closing_deferrals') }}),

parts as (
    select
        account_id,
        bill_id,
        cycle_start,
        'plan_revenue' as credit_account,
        plan_fee_amount as amount
    from bills
    union all
    select
        account_id,
        bill_id,
        cycle_start,
        'usage_revenue' as credit_account,
        usage_revenue_amount as amount
    from bills
    union all
    select
        account_id,
        bill_id,
        cycle_start,
        'one_time_revenue' as credit_account,
        usage_amount + one_time_amount - usage_revenue_amount as amount
    from bills
    union all
    select
        account_id,
        bill_id,
        cycle_start,
        'tax_payable' as credit_account,
        tax_amount as amount
    from bills
),

final as (
    select
        account_id,
        bill_id || '-' || credit_account as entry_id,
        cycle_start,
        null as bucket_id,
        bill_id,
        'bill' as event,
        'accounts_receivable' as debit_account,
        credit_account,
        amount::numeric(18, 2) as amount
    from parts
    where amount != 0
    union all
    select
        account_id,
        entry_id,
        cycle_start,
        bucket_id,
        null as bill_id,
        event,
        debit_account,
        credit_account,
        amount
    from deferrals
)

select * from final
