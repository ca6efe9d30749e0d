-- Taxes are collected for the state and are no revenue: of what subscribers pay, the biller keeps
-- its own share and all the taxes, and pays out the rest. A row here would be tax money paid to a
-- carrier.
{{ config(meta={
    'invariant': 'Money is conserved',
    'proves': 'what the biller keeps of each close is its own share and all the taxes',
}) }}

with

billed as (
    select
        bills.close_id,
        min(bills.biller_id) as biller_id,
        count(distinct bills.biller_id) as billers,
        sum(bills.total_amount) as total_amount
    from {{ ref('bills') }} as bills
    group by bills.close_id
),

taxed as (
    select
        bills.close_id,
        sum(bill_lines.amount) as tax_amount,
        count(*) filter (where bill_lines.carrier_id is not null) as lines_of_carriers
    from {{ ref('bill_lines') }} as bill_lines
    inner join {{ ref('bills') }} as bills
        on bill_lines.account_id = bills.account_id and bill_lines.bill_id = bills.bill_id
    where bill_lines.section = 'tax'
    group by bills.close_id
),

paid as (
    select
        close_id,
        sum(net_payable_amount) as paid_amount,
        coalesce(sum(total_amount) filter (where carrier_id = collected_by), 0) as own_amount,
        min(collected_by) as collected_by,
        count(distinct collected_by) as collectors
    from {{ ref('settlement_statements') }}
    group by close_id
)

select
    coalesce(billed.close_id, paid.close_id) as close_id,
    billed.total_amount,
    paid.paid_amount,
    paid.own_amount,
    taxed.tax_amount
from billed
full join paid on billed.close_id = paid.close_id
left join taxed on billed.close_id = taxed.close_id
where
    billed.total_amount - paid.paid_amount
    is distinct from paid.own_amount + coalesce(taxed.tax_amount, 0)
    or taxed.lines_of_carriers > 0
    or billed.billers is distinct from 1
    or paid.collectors is distinct from 1
    or billed.biller_id is distinct from paid.collected_by
