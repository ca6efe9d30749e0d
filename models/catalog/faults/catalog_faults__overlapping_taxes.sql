-- Rows of different scope add up; of the same scope one is valid at a time, or it would be taxed
-- twice.

with

tax_rates as not materialized (
    select
        *,
        row_number() over (
            order by jurisdiction_id, tax_code, charge_category, carrier_id, valid_from
        ) as place,
        {{ valid_days() }} as valid_days
    from {{ ref('tax_rates') }}
),

final as (
    select
        'overlapping_taxes' as rule_name,
        'tax_rates' as seed,
        {{ catalog_row('tax_rates') }} as row_key,
        'two rows are valid on '
        || {{ day_text('lower(tax_rates.valid_days * rivals.valid_days)') }} as detail
    from tax_rates
    inner join tax_rates as rivals
        on
            tax_rates.jurisdiction_id = rivals.jurisdiction_id
            and tax_rates.tax_code = rivals.tax_code
            and tax_rates.charge_category = rivals.charge_category
            and tax_rates.carrier_id = rivals.carrier_id
            and tax_rates.place < rivals.place
            and tax_rates.valid_days && rivals.valid_days
)

select * from final
