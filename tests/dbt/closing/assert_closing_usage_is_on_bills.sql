-- Every unit of a closing cycle is paid for once (free, from the plan, from rollover, as overage or
-- metered), the pools give what the records take, and the usage lines charge what the records cost.
-- A row here would be usage billed twice, given away, or charged under another name.
--
-- The records themselves were added up once, with a count of those whose units do not add up; that
-- the sums have all of them is found by counting.

with

by_terms as (select * from {{ ref('int_closing_usage_by_terms') }}),

closing_records as (
    select
        (
            select count(*)
            from {{ ref('int_usage_open') }} as usage
            inner join {{ ref('int_open_cycles') }} as cycles
                on usage.account_id = cycles.account_id and usage.cycle_start = cycles.cycle_start
            where cycles.is_billing
        ) as records,
        (
            select coalesce(sum(records), 0)
            from by_terms
            where not is_reversal
        ) as added_up
),

described as (
    select
        by_terms.*,
        {{ bill_id('by_terms.account_id', 'by_terms.cycle_end') }} as bill_id,
        terms.plan_id,
        terms.carrier_id,
        terms.service,
        terms.call_type,
        terms.treatment,
        terms.pool_id,
        terms.base_units_per_unit
    from by_terms
    left join {{ ref('int_usage_terms') }} as terms on by_terms.terms_id = terms.terms_id
),

charged as (
    select
        account_id,
        bill_id,
        plan_id,
        carrier_id,
        service,
        call_type,
        treatment,
        'usage' as section,
        round(sum(charge_amount), 2) as amount,
        round(sum(billable_quantity) / min(base_units_per_unit), 6) as units
    from described
    where not is_reversal
    group by account_id, bill_id, plan_id, carrier_id, service, call_type, treatment
    union all
    select
        account_id,
        bill_id,
        plan_id,
        carrier_id,
        service,
        call_type,
        treatment,
        'one_time' as section,
        sum(reversed_line_amount) as amount,
        0 as units
    from described
    where is_reversal
    group by account_id, bill_id, plan_id, carrier_id, service, call_type, treatment
),

lines as (
    select
        account_id,
        bill_id,
        plan_id,
        carrier_id,
        service,
        call_type,
        treatment,
        section,
        sum(amount) as amount,
        sum(quantity_units) as units
    from {{ ref('int_closing_bill_lines') }}
    where carrier_id is not null
    group by
        account_id, bill_id, plan_id, carrier_id, service, call_type, treatment, section
),

drawn as (
    select
        account_id,
        pool_id,
        cycle_start,
        sum(plan_quantity) as plan_quantity,
        sum(rollover_quantity) as rollover_quantity,
        sum(billable_quantity - no_charge_quantity - plan_quantity - rollover_quantity)
            as overage_quantity
    from described
    where treatment = 'pool'
    group by account_id, pool_id, cycle_start
),

given as (
    select
        pools.account_id,
        pools.pool_id,
        pools.cycle_start,
        pools.plan_used_quantity as plan_quantity,
        pools.rollover_used_quantity as rollover_quantity,
        pools.overage_quantity
    from {{ ref('int_pool_cycles') }} as pools
    inner join {{ ref('int_open_cycles') }} as cycles
        on pools.account_id = cycles.account_id and pools.cycle_start = cycles.cycle_start
    -- of a cycle that another system billed, it has the records
    where pools.is_closing and cycles.is_billing
)

select
    null as account_id,
    added_up || ' of ' || records as subject,
    'records of the close that are in no sum' as finding
from closing_records
where records != added_up
union all
select
    account_id,
    bill_id as subject,
    'records whose units do not add up' as finding
from described
where unconserved_records > 0
union all
select
    coalesce(charged.account_id, lines.account_id) as account_id,
    coalesce(charged.bill_id, lines.bill_id) as subject,
    'a line differs from its records' as finding
from charged
full join lines
    on
        charged.account_id = lines.account_id
        and charged.bill_id = lines.bill_id
        and charged.plan_id = lines.plan_id
        and charged.carrier_id = lines.carrier_id
        and charged.service = lines.service
        and charged.call_type = lines.call_type
        and charged.treatment = lines.treatment
        and charged.section = lines.section
where
    charged.amount is distinct from lines.amount
    or charged.units is distinct from lines.units
union all
select
    coalesce(drawn.account_id, given.account_id) as account_id,
    coalesce(drawn.pool_id, given.pool_id) as subject,
    'a pool gives other units than its records take' as finding
from drawn
full join given
    on
        drawn.account_id = given.account_id
        and drawn.pool_id = given.pool_id
        and drawn.cycle_start = given.cycle_start
where
    coalesce(drawn.plan_quantity, 0) is distinct from coalesce(given.plan_quantity, 0)
    or coalesce(drawn.rollover_quantity, 0) is distinct from coalesce(given.rollover_quantity, 0)
    or coalesce(drawn.overage_quantity, 0) is distinct from coalesce(given.overage_quantity, 0)
