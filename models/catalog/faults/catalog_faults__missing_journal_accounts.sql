-- The accounts to which entries are posted are named.

with

journal_accounts as not materialized (select * from {{ ref('journal_accounts') }}),

posted as (
    select journal_account
    from (
        values
        ('accounts_receivable'),
        ('plan_revenue'),
        ('usage_revenue'),
        ('one_time_revenue'),
        ('tax_payable'),
        ('deferred_revenue'),
        ('rollover_revenue'),
        ('breakage_revenue'),
        ('opening_balances')
    ) as listed (journal_account)
),

final as (
    select
        'missing_journal_accounts' as rule_name,
        'journal_accounts' as seed,
        posted.journal_account as row_key,
        'the row is missing' as detail
    from posted
    left join journal_accounts on posted.journal_account = journal_accounts.journal_account
    where journal_accounts.journal_account is null
)

select * from final
