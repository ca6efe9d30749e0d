{{ config(unlogged=true, indexes=[{'columns': ['account_id', 'bill_id']}]) }}

with

charges as not materialized (select * from {{ ref('int_closing_charges') }}),

taxes as (select * from {{ ref('int_closing_taxes') }}),

charge_counts as (
    select
        account_id,
        cycle_start,
        max(line_number) as charges
    from charges
    group by account_id, cycle_start
),

final as (
    select
        account_id,
        {{ bill_id('account_id', 'cycle_end') }} as bill_id,
        line_number,
        section,
        plan_id,
        carrier_id,
        service,
        call_type,
        treatment,
        null as tax_code,
        null as jurisdiction_id,
        description,
        quantity_units,
        unit_type,
        rate,
        amount,
        charge_category,
        cycle_start,
        cycle_end
    from charges
    union all
    select
        taxes.account_id,
        {{ bill_id('taxes.account_id', 'taxes.cycle_end') }} as bill_id,
        charge_counts.charges + taxes.line_number as line_number,
        'tax' as section,
        null as plan_id,
        null as carrier_id,
        null as service,
        null as call_type,
        null as treatment,
        taxes.tax_code,
        taxes.jurisdiction_id,
        taxes.description,
        null as quantity_units,
        null as unit_type,
        taxes.rate,
        taxes.amount,
        null as charge_category,
        taxes.cycle_start,
        taxes.cycle_end
    from taxes
    inner join charge_counts
        on
            taxes.account_id = charge_counts.account_id
            and taxes.cycle_start = charge_counts.cycle_start
)

select * from final
