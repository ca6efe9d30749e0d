{{ config(unlogged=true, indexes=[{'columns': ['account_id', 'bucket_id']}]) }}

-- Section "Revenue", deferral: what is deferred when a bucket is earned, and what is taken from it
-- as its units are debited, used, expire or are archived. How much is due follows from the units
-- that remain, so that a cycle needs to know nothing of the entries before it.

with

buckets as (
    select * from {{ ref('int_bucket_cycles') }}
    where is_closing and deferred_amount != 0
),

taken as (
    select
        *,
        {{ recognised_amount('deferred_amount', 'earned_quantity', 'opening_quantity') }}
            as before_amount,
        {{ recognised_amount(
            'deferred_amount', 'earned_quantity', 'opening_quantity - debited_quantity'
        ) }} as debited_amount,
        {{ recognised_amount(
            'deferred_amount',
            'earned_quantity',
            'opening_quantity - debited_quantity - used_quantity'
        ) }} as used_amount
    from buckets
    where opening_quantity > 0
),

unioned as (
    select
        account_id,
        bucket_id,
        cycle_start,
        'opening' as event,
        '' as cause,
        'opening_balances' as debit_account,
        'deferred_revenue' as credit_account,
        deferred_amount as amount
    from buckets
    where is_taken_over
    union all
    select
        account_id,
        bucket_id,
        cycle_start,
        'defer' as event,
        '' as cause,
        'plan_revenue' as debit_account,
        'deferred_revenue' as credit_account,
        deferred_amount as amount
    from buckets
    where accumulated_quantity > 0
    union all
    select
        account_id,
        bucket_id,
        cycle_start,
        'breakage' as event,
        '-debit' as cause,
        'deferred_revenue' as debit_account,
        'breakage_revenue' as credit_account,
        debited_amount - before_amount as amount
    from taken
    union all
    select
        account_id,
        bucket_id,
        cycle_start,
        'recognise' as event,
        '' as cause,
        'deferred_revenue' as debit_account,
        'rollover_revenue' as credit_account,
        used_amount - debited_amount as amount
    from taken
    union all
    select
        account_id,
        bucket_id,
        cycle_start,
        'breakage' as event,
        case when expired_quantity > 0 then '-expiry' else '-archive' end as cause,
        'deferred_revenue' as debit_account,
        'breakage_revenue' as credit_account,
        deferred_amount - used_amount as amount
    from taken
    where expired_quantity > 0 or archived_quantity > 0
),

final as (
    select
        account_id,
        bucket_id || '-' || to_char(cycle_start, 'YYYYMMDD') || '-' || event || cause as entry_id,
        bucket_id,
        event,
        debit_account,
        credit_account,
        amount::numeric(18, 2) as amount,
        cycle_start
    from unioned
    where amount != 0
)

select * from final
