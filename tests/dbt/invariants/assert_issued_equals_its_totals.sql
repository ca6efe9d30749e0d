-- With each close its sums were written down. What was issued must still add up to them: a row here
-- would be a bill, a record, a settlement or a journal entry changed or removed after it was
-- issued.
{{ config(meta={
    'invariant': 'Closed is closed',
    'proves': 'what was issued still adds up to the sums that were written down at each close',
}) }}

with

closes as (select * from {{ source('issued', 'closes') }}),

bills as (
    select
        close_id,
        count(*) as bills,
        sum(total_amount) as bill_amount,
        sum(tax_amount) as tax_amount
    from {{ source('issued', 'bills') }}
    group by close_id
),

lines as (
    select
        close_id,
        sum(amount) as amount
    from {{ source('issued', 'bill_lines') }}
    group by close_id
),

shares as (
    select
        close_id,
        sum(total_amount) as amount
    from {{ source('issued', 'settlement_lines') }}
    group by close_id
),

entries as (
    select
        close_id,
        sum(amount) as amount
    from {{ source('issued', 'journal') }}
    where event = 'bill'
    group by close_id
),

cycles as (
    select
        close_id,
        count(*) as cycles
    from {{ source('issued', 'cycles') }}
    group by close_id
),

money as (
    select
        closes.close_id,
        'money' as subject
    from closes
    left join {{ source('issued', 'money_totals') }} as totals on closes.close_id = totals.close_id
    left join bills on closes.close_id = bills.close_id
    left join lines on closes.close_id = lines.close_id
    left join shares on closes.close_id = shares.close_id
    left join entries on closes.close_id = entries.close_id
    left join cycles on closes.close_id = cycles.close_id
    where
        totals.bills is distinct from coalesce(bills.bills, 0)
        or totals.bill_amount is distinct from coalesce(bills.bill_amount, 0)
        or totals.tax_amount is distinct from coalesce(bills.tax_amount, 0)
        or totals.line_amount is distinct from coalesce(lines.amount, 0)
        or totals.settlement_amount is distinct from coalesce(shares.amount, 0)
        or totals.receivable_amount is distinct from coalesce(entries.amount, 0)
        or closes.cycles is distinct from coalesce(cycles.cycles, 0)
),

records as (
    select
        close_id,
        carrier_id,
        cycle_start,
        count(*) filter (where not is_reversal) as records,
        count(*) filter (where is_reversal) as reversals,
        sum(quantity) as quantity,
        sum(billable_quantity) as billable_quantity,
        coalesce(sum(charge_amount) filter (where not is_reversal), 0) as charge_amount,
        coalesce(sum(charge_amount) filter (where is_reversal), 0) as reversed_amount
    from {{ source('issued', 'rated_usage') }}
    group by close_id, carrier_id, cycle_start
),

usage as (
    select
        coalesce(totals.close_id, records.close_id) as close_id,
        'usage of ' || coalesce(totals.carrier_id, records.carrier_id) as subject
    from {{ source('issued', 'usage_totals') }} as totals
    full join records
        on
            totals.close_id = records.close_id
            and totals.carrier_id = records.carrier_id
            and totals.cycle_start = records.cycle_start
    where
        totals.records is distinct from records.records
        or totals.reversals is distinct from records.reversals
        or totals.quantity is distinct from records.quantity
        or totals.billable_quantity is distinct from records.billable_quantity
        or totals.charge_amount is distinct from records.charge_amount
        or totals.reversed_amount is distinct from records.reversed_amount
)

select * from money
union all
select * from usage
