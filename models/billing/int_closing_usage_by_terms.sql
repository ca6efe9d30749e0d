{{ config(unlogged=true, indexes=[{'columns': ['account_id', 'cycle_start']}]) }}

-- The one pass over the records of a close: bill lines, settlement, the totals that are issued and
-- the gates all go on from these sums. Whether the units of a record add up can only be seen on the
-- record, so that is counted here too; what is left of their sum is overage or metered.

with

usage as (select * from {{ ref('int_closing_usage') }}),

final as (
    select
        account_id,
        cycle_start,
        min(cycle_end) as cycle_end,
        terms_id,
        is_reversal,
        count(*) as records,
        count(*) filter (
            where (
                billable_quantity = no_charge_quantity + plan_quantity + rollover_quantity
                + overage_quantity + metered_quantity
                and least(
                    billable_quantity, no_charge_quantity, plan_quantity, rollover_quantity,
                    overage_quantity, metered_quantity
                ) >= 0
            ) is distinct from true
        ) as unconserved_records,
        sum(quantity)::bigint as quantity,
        sum(billable_quantity)::bigint as billable_quantity,
        sum(no_charge_quantity)::bigint as no_charge_quantity,
        sum(plan_quantity)::bigint as plan_quantity,
        sum(rollover_quantity)::bigint as rollover_quantity,
        min(rate) as lowest_rate,
        max(rate) as highest_rate,
        sum(charge_amount)::numeric(18, 6) as charge_amount,
        -- a reversal is a bill line of its own, rounded by itself
        coalesce(sum(round(charge_amount, 2)) filter (where is_reversal), 0)::numeric(18, 2)
            as reversed_line_amount
    from usage
    group by account_id, cycle_start, terms_id, is_reversal
)

select * from final
