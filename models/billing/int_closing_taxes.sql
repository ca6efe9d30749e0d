{{ config(unlogged=true, indexes=[{'columns': ['account_id', 'cycle_start']}]) }}

-- Section "Bill", point 4: per jurisdiction of the account's chain and row of tax_rates valid on
-- the last day of the cycle, on the lines that the row covers.

with

charges as (select * from {{ ref('int_closing_charges') }}),

calendar as (select * from {{ ref('int_account_calendar') }}),

chains as (select * from {{ ref('int_tax_chains') }}),

tax_rates as (select * from {{ ref('tax_rates') }}),

bases as (
    select
        account_id,
        cycle_start,
        cycle_end,
        charge_category,
        carrier_id,
        sum(amount) as amount
    from charges
    group by account_id, cycle_start, cycle_end, charge_category, carrier_id
),

taxed as (
    select
        bases.account_id,
        bases.cycle_start,
        bases.cycle_end,
        chains.taxing_jurisdiction_id as jurisdiction_id,
        chains.level_rank,
        tax_rates.tax_code,
        tax_rates.charge_category,
        tax_rates.carrier_id,
        tax_rates.valid_from,
        tax_rates.description,
        tax_rates.rate,
        sum(bases.amount) as base_amount
    from bases
    inner join calendar on bases.account_id = calendar.account_id
    inner join chains on calendar.tax_jurisdiction_id = chains.jurisdiction_id
    inner join tax_rates
        on
            chains.taxing_jurisdiction_id = tax_rates.jurisdiction_id
            and bases.cycle_end > tax_rates.valid_from
            and coalesce(tax_rates.valid_to, 'infinity') >= bases.cycle_end
            and tax_rates.charge_category in ('*', bases.charge_category)
            and tax_rates.carrier_id in ('*', bases.carrier_id)
    group by
        bases.account_id,
        bases.cycle_start,
        bases.cycle_end,
        chains.taxing_jurisdiction_id,
        chains.level_rank,
        tax_rates.tax_code,
        tax_rates.charge_category,
        tax_rates.carrier_id,
        tax_rates.valid_from,
        tax_rates.description,
        tax_rates.rate
),

final as (
    select
        account_id,
        cycle_start,
        cycle_end,
        row_number() over (
            partition by account_id, cycle_start
            order by
                level_rank,
                jurisdiction_id collate "C",
                tax_code collate "C",
                charge_category collate "C",
                carrier_id collate "C",
                valid_from
        )::integer as line_number,
        jurisdiction_id,
        tax_code,
        description,
        rate,
        {{ round_half_up('base_amount * rate', 2) }}::numeric(18, 2) as amount
    from taxed
    where base_amount != 0
)

select * from final
