-- The subscriber pays the total and is shown the lines. A row here would be a bill that cannot be
-- explained, or a line that nobody collects.
{{ config(meta={
    'invariant': 'Money is conserved',
    'proves': 'each bill is the sum of its lines, in total and section by section',
}) }}

with

summed as (
    select
        account_id,
        bill_id,
        sum(amount) as total_amount,
        sum(case when section = 'plan_fee' then amount else 0 end) as plan_fee_amount,
        sum(case when section = 'usage' then amount else 0 end) as usage_amount,
        sum(case when section = 'one_time' then amount else 0 end) as one_time_amount,
        sum(case when section = 'tax' then amount else 0 end) as tax_amount,
        array_agg(line_number order by line_number) as line_numbers,
        count(*)::integer as line_count
    from {{ ref('bill_lines') }}
    group by account_id, bill_id
)

select
    bills.bill_id,
    summed.bill_id as bill_id_of_lines,
    bills.total_amount,
    summed.total_amount as line_amount
from {{ ref('bills') }} as bills
full join summed
    on bills.account_id = summed.account_id and bills.bill_id = summed.bill_id
where
    bills.total_amount is distinct from summed.total_amount
    or bills.plan_fee_amount is distinct from summed.plan_fee_amount
    or bills.usage_amount is distinct from summed.usage_amount
    or bills.one_time_amount is distinct from summed.one_time_amount
    or bills.tax_amount is distinct from summed.tax_amount
    or bills.total_amount is distinct from (
        bills.plan_fee_amount + bills.usage_amount + bills.one_time_amount + bills.tax_amount
    )
    or summed.line_numbers is distinct from array(
        select line_number from generate_series(1, summed.line_count) as line_number
    )
