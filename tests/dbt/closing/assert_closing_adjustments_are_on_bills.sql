-- Extensions and units sold again are charged: each on one line of the bill, for the units and at
-- the amount that the adjustment says, and no unit is sold again that did not expire or was sold
-- already. A row here would be units given away, or charged twice.

with

adjustments as (
    select * from {{ ref('int_adjustments_folded') }}
    where is_closing
),

charged as (
    select
        account_id,
        cycle_start,
        plan_id,
        rate,
        amount,
        {{ in_units('charged_quantity', 'base_units_per_unit') }} as quantity_units,
        count(*) as lines
    from adjustments
    where is_billing and amount is not null
    group by account_id, cycle_start, plan_id, rate, amount, quantity_units
),

shown as (
    select
        account_id,
        cycle_start,
        plan_id,
        rate,
        amount,
        quantity_units,
        count(*) as lines
    from {{ ref('int_closing_bill_lines') }}
    where section = 'one_time' and carrier_id is null
    group by account_id, cycle_start, plan_id, rate, amount, quantity_units
),

-- the same twice, once it is issued
expired as not materialized (
    select
        account_id,
        bucket_id,
        cycle_start,
        expired_quantity
    from {{ source('issued', 'bucket_cycles') }}
    where expired_quantity > 0
    union
    select
        account_id,
        bucket_id,
        cycle_start,
        expired_quantity
    from {{ ref('int_bucket_cycles') }}
    where is_closing and expired_quantity > 0
),

resold as (
    select
        account_id,
        bucket_id,
        min(cycle_start) as first_cycle_start,
        max(cycle_start) as cycle_start,
        sum(applied_quantity) as resold_quantity
    from adjustments
    where action = 'resale' and applied_quantity > 0
    group by account_id, bucket_id
)

select
    coalesce(charged.account_id, shown.account_id) as account_id,
    coalesce(charged.cycle_start, shown.cycle_start) as cycle_start,
    'lines charge something else than the adjustments cost' as finding
from charged
full join shown
    on
        charged.account_id = shown.account_id
        and charged.cycle_start = shown.cycle_start
        and charged.plan_id = shown.plan_id
        and charged.rate = shown.rate
        and charged.amount = shown.amount
        and charged.quantity_units = shown.quantity_units
where charged.lines is distinct from shown.lines
union all
select
    account_id,
    cycle_start,
    'units cost nothing, although a rate says otherwise' as finding
from adjustments
where
    (amount is null and rate is not null)
    or (
        action in ('resale', 'extension')
        and charged_quantity > 0
        and applied_quantity = 0
    )
    or (action = 'resale' and charged_quantity is distinct from applied_quantity)
union all
select
    account_id,
    cycle_start,
    'more is sold again than had expired' as finding
from resold
where
    resold_quantity > (
        select coalesce(sum(expired.expired_quantity), 0)
        from expired
        where
            expired.account_id = resold.account_id
            and expired.bucket_id = resold.bucket_id
            and expired.cycle_start < resold.cycle_start
    ) - (
        select coalesce(sum(issued_adjustments.applied_quantity), 0)
        from {{ source('issued', 'adjustments') }} as issued_adjustments
        where
            issued_adjustments.account_id = resold.account_id
            and issued_adjustments.bucket_id = resold.bucket_id
            and issued_adjustments.action = 'resale'
            and issued_adjustments.cycle_start < resold.first_cycle_start
    )
