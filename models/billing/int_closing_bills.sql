{{ config(unlogged=true, indexes=[{'columns': ['account_id', 'bill_id'], 'unique': true}]) }}

with

lines as (select * from {{ ref('int_closing_bill_lines') }}),

accounts as (select * from {{ ref('int_accounts') }}),

biller as (
    select carrier_id from {{ ref('carriers') }}
    where is_biller
),

-- one currency in a catalog (a test)
currency as (
    select min(currency) as currency from {{ ref('plans') }}
),

summed as (
    select
        account_id,
        bill_id,
        cycle_start,
        cycle_end,
        coalesce(sum(amount) filter (where section = 'plan_fee'), 0) as plan_fee_amount,
        coalesce(sum(amount) filter (where section = 'usage'), 0) as usage_amount,
        coalesce(sum(amount) filter (where section = 'one_time'), 0) as one_time_amount,
        coalesce(sum(amount) filter (where section = 'tax'), 0) as tax_amount,
        coalesce(sum(amount) filter (where charge_category = 'usage'), 0) as usage_revenue_amount,
        sum(amount) as total_amount
    from lines
    group by account_id, bill_id, cycle_start, cycle_end
),

final as (
    select
        summed.account_id,
        summed.bill_id,
        summed.cycle_start,
        summed.cycle_end,
        biller.carrier_id as biller_id,
        currency.currency,
        summed.plan_fee_amount::numeric(18, 2) as plan_fee_amount,
        summed.usage_amount::numeric(18, 2) as usage_amount,
        summed.one_time_amount::numeric(18, 2) as one_time_amount,
        summed.tax_amount::numeric(18, 2) as tax_amount,
        summed.usage_revenue_amount::numeric(18, 2) as usage_revenue_amount,
        summed.total_amount::numeric(18, 2) as total_amount,
        accounts.holder_name,
        accounts.address_line1,
        accounts.address_line2,
        accounts.city,
        accounts.region,
        accounts.postal_code,
        accounts.country,
        accounts.email,
        accounts.time_zone,
        accounts.tax_jurisdiction_id
    from summed
    inner join accounts on summed.account_id = accounts.account_id
    cross join biller
    cross join currency
)

select * from final
