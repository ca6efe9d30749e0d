-- A carrier is paid by its statement. A row here would be a statement that pays more or less than
-- the bills of the close earned for the carrier, or a carrier without a statement.
{{ config(meta={
    'invariant': 'Money is conserved',
    'proves': 'the statement of each carrier and close is the sum of its shares of the bills',
}) }}

with

earned as (
    select
        bills.close_id,
        shared.carrier_id,
        count(distinct shared.bill_id) as bills,
        sum(shared.fixed_amount) as fixed_amount,
        sum(shared.remainder_amount) as remainder_amount,
        sum(shared.usage_amount) as usage_amount,
        sum(shared.total_amount) as total_amount
    from {{ ref('settlement_lines') }} as shared
    left join {{ ref('bills') }} as bills
        on shared.account_id = bills.account_id and shared.bill_id = bills.bill_id
    group by bills.close_id, shared.carrier_id
)

select
    coalesce(statements.close_id, earned.close_id) as close_id,
    coalesce(statements.carrier_id, earned.carrier_id) as carrier_id,
    statements.total_amount,
    earned.total_amount as earned_amount,
    statements.net_payable_amount
from {{ ref('settlement_statements') }} as statements
full join earned
    on statements.close_id = earned.close_id and statements.carrier_id = earned.carrier_id
where
    statements.bills is distinct from earned.bills
    or statements.fixed_amount is distinct from earned.fixed_amount
    or statements.remainder_amount is distinct from earned.remainder_amount
    or statements.usage_amount is distinct from earned.usage_amount
    or statements.total_amount is distinct from earned.total_amount
    or statements.net_payable_amount is distinct from case
        when statements.carrier_id = statements.collected_by then 0 else earned.total_amount
    end
