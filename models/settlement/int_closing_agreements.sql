{{ config(unlogged=true) }}

-- The agreement of each plan at the end of each closing cycle: the plan's own before '*'.

with

plans as (select * from {{ ref('plans') }}),

agreements as (select * from {{ ref('settlement_agreements') }}),

ends as (
    select distinct cycle_end
    from {{ ref('int_open_cycles') }}
    where is_billing
),

final as (
    select distinct on (plans.plan_id, ends.cycle_end)
        plans.plan_id,
        ends.cycle_end,
        agreements.agreement_id,
        agreements.plan_id = '*' as is_general,
        agreements.usage_basis,
        agreements.basis_unit_type,
        agreements.usage_share
    from plans
    cross join ends
    inner join agreements
        on
            agreements.plan_id in ('*', plans.plan_id)
            and ends.cycle_end > agreements.valid_from
            and coalesce(agreements.valid_to, 'infinity') >= ends.cycle_end
    order by plans.plan_id asc, ends.cycle_end asc, agreements.plan_id = '*' asc
)

select * from final
