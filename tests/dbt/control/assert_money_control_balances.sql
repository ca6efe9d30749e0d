-- What was billed in a close is what its lines say, what the carriers and the tax offices get and
-- what subscribers owe. A row here would be money that one of the four does not have.

select
    close_id,
    bill_amount,
    line_amount,
    settlement_amount,
    tax_amount,
    receivable_amount
from {{ ref('money_control') }}
where
    bill_amount is distinct from line_amount
    or bill_amount is distinct from settlement_amount + tax_amount
    or bill_amount is distinct from receivable_amount
