-- An adjustment is an agent's word on money: units given, taken, prolonged or sold again. A row
-- here would be units that moved twice or not at all, expired units sold more than once, or a
-- charge that is on no bill, on two, or is not what the catalog asks for.
--
-- Cycles that another system billed have no bill of ours; it charges what it knows of.
{{ config(meta={
    'invariant': 'Units are conserved',
    'proves': 'what adjustments gave and took is in the buckets, and what they cost on a bill, once',
}) }}

with

adjustments as (select * from {{ source('issued', 'adjustments') }}),

entered as (select * from {{ ref('stg_rollover__adjustments') }}),

cycles as (select * from {{ source('issued', 'cycles') }}),

bucket_cycles as (select * from {{ source('issued', 'bucket_cycles') }}),

pools as (select * from {{ source('issued', 'pool_cycles') }}),

compared as (
    select
        adjustments.*,
        entered.adjusted_at,
        cycles.cycle_end_at,
        coalesce(pools.has_rollover, false) as has_rollover,
        adjustments.exception_type is not null as is_exception,
        adjustments.applied_quantity < adjustments.quantity as is_short,
        entered.pool_id = adjustments.pool_id
        and entered.action = adjustments.action
        and entered.quantity_units * adjustments.base_units_per_unit = adjustments.quantity
            as is_as_entered,
        case
            when adjustments.action in ('credit', 'debit') then null
            when adjustments.action = 'resale'
                then {{ round_half_up(
                    'adjustments.charged_quantity * adjustments.rate'
                    ~ ' / adjustments.base_units_per_unit', 2
                ) }}
            else {{ round_half_up(
                'adjustments.charged_quantity * adjustments.rate * entered.extend_cycles'
                ~ ' / adjustments.base_units_per_unit', 2
            ) }}
        end as expected_amount
    from adjustments
    left join entered on adjustments.adjustment_id = entered.adjustment_id
    left join cycles
        on
            adjustments.account_id = cycles.account_id
            and adjustments.cycle_start = cycles.cycle_start
    left join pools
        on
            adjustments.account_id = pools.account_id
            and adjustments.pool_id = pools.pool_id
            and adjustments.cycle_start = pools.cycle_start
),

-- each for itself
explained as (
    select
        account_id,
        adjustment_id as subject,
        cycle_start,
        case
            when adjusted_at is null or is_as_entered is not true
                then 'nobody entered it so'
            when cycle_end_at is null or adjusted_at >= cycle_end_at
                then 'it counted in no closed cycle, or in one that was over when it was made'
            when
                applied_quantity < 0
                or applied_quantity > quantity
                or (action in ('credit', 'extension') and applied_quantity > 0 and is_short)
                or (not has_rollover and applied_quantity > 0)
                then 'something else was applied than was asked for'
            -- in a pool that has no rollover nothing of it counts, which is no exception
            when is_exception != (action = 'resale' and has_rollover and is_short)
                then 'expired units that were not there are reported, and only those'
            when
                (applied_quantity = 0 and charged_quantity != 0)
                or (action = 'resale' and charged_quantity != applied_quantity)
                then 'it costs other units than it moved'
            when (amount is distinct from expected_amount)
                then 'it costs something else'
        end as finding
    from compared
),

asked as (
    select
        account_id,
        pool_id,
        cycle_start,
        coalesce(sum(applied_quantity) filter (where action = 'credit'), 0) as credited,
        coalesce(sum(applied_quantity) filter (where action = 'resale'), 0) as resold,
        coalesce(sum(applied_quantity) filter (where action = 'debit'), 0) as debited
    from adjustments
    group by account_id, pool_id, cycle_start
),

moved as (
    select
        account_id,
        pool_id,
        cycle_start,
        coalesce(sum(given_quantity) filter (where source = 'adjustment'), 0) as credited,
        coalesce(sum(given_quantity) filter (where source = 'resale'), 0) as resold,
        sum(debited_quantity) as debited,
        sum(given_quantity) as given
    from bucket_cycles
    group by account_id, pool_id, cycle_start
    having sum(given_quantity) != 0 or sum(debited_quantity) != 0
),

-- all of a pool's cycle
of_pools as (
    select
        coalesce(asked.account_id, moved.account_id) as account_id,
        coalesce(asked.pool_id, moved.pool_id) as subject,
        coalesce(asked.cycle_start, moved.cycle_start) as cycle_start,
        'adjustments gave or took other units than the buckets got or lost' as finding
    from asked
    full join moved
        on
            asked.account_id = moved.account_id
            and asked.pool_id = moved.pool_id
            and asked.cycle_start = moved.cycle_start
    where
        coalesce(asked.credited, 0) is distinct from coalesce(moved.credited, 0)
        or coalesce(asked.resold, 0) is distinct from coalesce(moved.resold, 0)
        or coalesce(asked.debited, 0) is distinct from coalesce(moved.debited, 0)
    union all
    select
        coalesce(pools.account_id, moved.account_id) as account_id,
        coalesce(pools.pool_id, moved.pool_id) as subject,
        coalesce(pools.cycle_start, moved.cycle_start) as cycle_start,
        'the balance is adjusted by something else than the buckets' as finding
    from pools
    full join moved
        on
            pools.account_id = moved.account_id
            and pools.pool_id = moved.pool_id
            and pools.cycle_start = moved.cycle_start
    where
        pools.adjusted_quantity is distinct from (
            coalesce(moved.given, 0) - coalesce(moved.debited, 0)
        )
),

resold as (
    select
        account_id,
        bucket_id,
        max(cycle_start) as cycle_start,
        sum(applied_quantity) as resold_quantity
    from adjustments
    where action = 'resale' and applied_quantity > 0
    group by account_id, bucket_id
),

-- all of a bucket
oversold as (
    select
        resold.account_id,
        resold.bucket_id as subject,
        resold.cycle_start,
        'more was sold again than had expired' as finding
    from resold
    left join bucket_cycles
        on
            resold.account_id = bucket_cycles.account_id
            and resold.bucket_id = bucket_cycles.bucket_id
            and resold.cycle_start > bucket_cycles.cycle_start
    group by
        resold.account_id, resold.bucket_id, resold.cycle_start, resold.resold_quantity
    having resold.resold_quantity > coalesce(sum(bucket_cycles.expired_quantity), 0)
),

charged as (
    select
        adjustments.account_id,
        {{ bill_id('cycles.account_id', 'cycles.cycle_end') }} as bill_id,
        adjustments.cycle_start,
        adjustments.plan_id,
        adjustments.rate,
        adjustments.amount,
        round(
            adjustments.charged_quantity::numeric / adjustments.base_units_per_unit, 6
        ) as quantity_units,
        count(*) as lines
    from adjustments
    inner join cycles
        on
            adjustments.account_id = cycles.account_id
            and adjustments.cycle_start = cycles.cycle_start
    where cycles.is_billed and adjustments.amount is not null
    group by
        adjustments.account_id, bill_id, adjustments.cycle_start, adjustments.plan_id,
        adjustments.rate, adjustments.amount, quantity_units
),

shown as (
    select
        account_id,
        bill_id,
        plan_id,
        rate,
        amount,
        quantity_units,
        count(*) as lines
    from {{ ref('bill_lines') }}
    where section = 'one_time' and carrier_id is null
    group by account_id, bill_id, plan_id, rate, amount, quantity_units
),

-- all of a bill
of_bills as (
    select
        coalesce(charged.account_id, shown.account_id) as account_id,
        coalesce(charged.bill_id, shown.bill_id) as subject,
        charged.cycle_start,
        'lines of the bill charge something else than the adjustments cost' as finding
    from charged
    full join shown
        on
            charged.account_id = shown.account_id
            and charged.bill_id = shown.bill_id
            and charged.plan_id = shown.plan_id
            and charged.rate = shown.rate
            and charged.amount = shown.amount
            and charged.quantity_units = shown.quantity_units
    where charged.lines is distinct from shown.lines
)

select * from explained
where finding is not null
union all
select * from of_pools
union all
select * from oversold
union all
select * from of_bills
