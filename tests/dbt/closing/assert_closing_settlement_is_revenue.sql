-- What the carriers get of a bill is what it charges before tax, to the cent, with shares for every
-- bill and for nothing else. A row here would be revenue that the biller keeps, or pays out twice.

with

revenues as (
    select
        account_id,
        bill_id,
        sum(amount) as revenue_amount
    from {{ ref('int_closing_bill_lines') }}
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
    from {{ ref('int_closing_settlement_lines') }}
    group by account_id, bill_id
)

select
    revenues.bill_id,
    shares.bill_id as bill_id_of_shares,
    revenues.revenue_amount,
    shares.settled_amount
from revenues
full join shares
    on revenues.account_id = shares.account_id and revenues.bill_id = shares.bill_id
where
    revenues.revenue_amount is distinct from shares.settled_amount
    or shares.is_sum_of_parts is distinct from true
