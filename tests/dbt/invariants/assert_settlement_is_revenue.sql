-- Each carrier earns its share of a bill and the shares are the bill before tax, to the cent,
-- however many carriers there are. A row here would be revenue that nobody gets, or that is paid
-- out twice.
{{ config(meta={
    'invariant': 'Money is conserved',
    'proves': 'the settlement of each bill is its revenue before tax, and no bill is left out',
}) }}

with

revenues as (
    select
        account_id,
        bill_id,
        sum(amount) as revenue_amount
    from {{ ref('bill_lines') }}
    where section is distinct from 'tax'
    group by account_id, bill_id
),

shares as (
    select
        account_id,
        bill_id,
        sum(total_amount) as settled_amount,
        bool_and(
            total_amount is not distinct from fixed_amount + remainder_amount + usage_amount
        ) as is_sum_of_parts
    from {{ ref('settlement_lines') }}
    group by account_id, bill_id
)

select
    coalesce(bills.bill_id, revenues.bill_id, shares.bill_id) as bill_id,
    bills.total_amount - bills.tax_amount as billed_amount,
    revenues.revenue_amount,
    shares.settled_amount
from {{ ref('bills') }} as bills
full join revenues
    on bills.account_id = revenues.account_id and bills.bill_id = revenues.bill_id
full join shares
    on
        coalesce(bills.account_id, revenues.account_id) = shares.account_id
        and coalesce(bills.bill_id, revenues.bill_id) = shares.bill_id
where
    shares.settled_amount is distinct from bills.total_amount - bills.tax_amount
    or shares.settled_amount is distinct from revenues.revenue_amount
    or shares.is_sum_of_parts is distinct from true
