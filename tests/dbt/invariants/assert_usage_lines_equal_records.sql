-- A usage line charges what the billed records behind it cost, and a reversal gives back what its
-- record cost. A row here would be calls on no bill, or an amount on a bill that no call explains.
{{ config(meta={
    'invariant': 'Money is conserved',
    'proves': 'usage and reversal lines charge, in units and money, what the billed records cost',
}) }}

with

unit_types as (select * from {{ ref('unit_types') }}),

records as (
    select
        rated.account_id,
        {{ bill_id('rated.account_id', 'rated.cycle_end') }} as bill_id,
        rated.plan_id,
        rated.carrier_id,
        rated.service,
        rated.call_type,
        rated.treatment,
        rated.is_reversal,
        rated.billable_quantity,
        rated.charge_amount,
        unit_types.base_units_per_unit
    from {{ ref('rated_usage') }} as rated
    inner join unit_types on rated.unit_type = unit_types.unit_type
    where rated.is_closed
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
        case when is_reversal then 'one_time' else 'usage' end as section,
        case
            when is_reversal then sum(round(charge_amount, 2))
            else round(sum(charge_amount), 2)
        end as amount,
        round(sum(billable_quantity) / min(base_units_per_unit), 6) as units,
        case when is_reversal then count(*) else 1 end as line_count
    from records
    group by
        account_id, bill_id, plan_id, carrier_id, service, call_type, treatment, is_reversal
),

shown as (
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
        sum(quantity_units) as units,
        count(*) as line_count
    from {{ ref('bill_lines') }}
    where section = 'usage' or (section = 'one_time' and carrier_id is not null)
    group by
        account_id, bill_id, plan_id, carrier_id, service, call_type, treatment, section
)

select
    coalesce(charged.bill_id, shown.bill_id) as bill_id,
    coalesce(charged.carrier_id, shown.carrier_id) as carrier_id,
    coalesce(charged.service, shown.service) as service,
    charged.amount,
    shown.amount as amount_on_bill,
    charged.units,
    shown.units as units_on_bill
from charged
full join shown
    on
        charged.account_id = shown.account_id
        and charged.bill_id = shown.bill_id
        and charged.plan_id = shown.plan_id
        and charged.carrier_id = shown.carrier_id
        and charged.service = shown.service
        and charged.call_type = shown.call_type
        and charged.treatment = shown.treatment
        and charged.section = shown.section
where
    charged.amount is distinct from shown.amount
    or charged.units is distinct from shown.units
    or charged.line_count is distinct from shown.line_count
