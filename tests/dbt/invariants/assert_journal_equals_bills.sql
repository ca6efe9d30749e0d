-- The ledger knows each bill in full: what subscribers owe is what was billed, and tax is owed on,
-- not earned. A row here would be income reported that nobody was billed for, or billed and not
-- reported.
{{ config(meta={
    'invariant': 'Money is conserved',
    'proves': 'the journal posts each bill in full, fees, usage and tax on their own accounts',
}) }}

with

-- reversals are lines of a carrier among those that happen once; they are usage revenue
sections as (
    select
        account_id,
        bill_id,
        sum(amount) as total_amount,
        sum(case when section = 'plan_fee' then amount else 0 end) as plan_revenue,
        sum(
            case
                when section in ('usage', 'one_time') and carrier_id is not null then amount
                else 0
            end
        ) as usage_revenue,
        sum(
            case when section = 'one_time' and carrier_id is null then amount else 0 end
        ) as one_time_revenue,
        sum(case when section = 'tax' then amount else 0 end) as tax_payable
    from {{ ref('bill_lines') }}
    group by account_id, bill_id
),

posted as (
    select
        account_id,
        bill_id,
        sum(amount) filter (where debit_account = 'accounts_receivable') as receivable,
        coalesce(sum(amount) filter (where credit_account = 'plan_revenue'), 0) as plan_revenue,
        coalesce(sum(amount) filter (where credit_account = 'usage_revenue'), 0) as usage_revenue,
        coalesce(
            sum(amount) filter (where credit_account = 'one_time_revenue'), 0
        ) as one_time_revenue,
        coalesce(sum(amount) filter (where credit_account = 'tax_payable'), 0) as tax_payable
    from {{ ref('journal') }}
    where event = 'bill'
    group by account_id, bill_id
),

differing as (
    select
        coalesce(bills.bill_id, sections.bill_id, posted.bill_id) as subject,
        bills.total_amount,
        posted.receivable
    from {{ ref('bills') }} as bills
    full join sections
        on bills.account_id = sections.account_id and bills.bill_id = sections.bill_id
    full join posted
        on
            coalesce(bills.account_id, sections.account_id) = posted.account_id
            and coalesce(bills.bill_id, sections.bill_id) = posted.bill_id
    where
        coalesce(bills.total_amount, 0) is distinct from coalesce(posted.receivable, 0)
        or coalesce(sections.total_amount, 0) is distinct from coalesce(posted.receivable, 0)
        or coalesce(sections.plan_revenue, 0) is distinct from coalesce(posted.plan_revenue, 0)
        or coalesce(sections.usage_revenue, 0) is distinct from coalesce(posted.usage_revenue, 0)
        or coalesce(sections.one_time_revenue, 0)
        is distinct from coalesce(posted.one_time_revenue, 0)
        or coalesce(sections.tax_payable, 0) is distinct from coalesce(posted.tax_payable, 0)
),

-- an entry moves one amount from one account to another
one_sided as (
    select
        journal.entry_id as subject,
        journal.amount as total_amount,
        null::numeric as receivable
    from {{ ref('journal') }} as journal
    left join {{ ref('journal_accounts') }} as debited
        on journal.debit_account = debited.journal_account
    left join {{ ref('journal_accounts') }} as credited
        on journal.credit_account = credited.journal_account
    where
        debited.journal_account is null
        or credited.journal_account is null
        or journal.debit_account = journal.credit_account
)

select * from differing
union all
select * from one_sided
