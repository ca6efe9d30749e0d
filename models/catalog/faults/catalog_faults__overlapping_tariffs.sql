-- A call has one rate: of a tariff and prefix one row is valid at a time.

with

tariffs as not materialized (
    select
        *,
        row_number() over (order by tariff_id, destination_prefix, valid_from) as place,
        {{ valid_days() }} as valid_days
    from {{ ref('tariffs') }}
),

final as (
    select
        'overlapping_tariffs' as rule_name,
        'tariffs' as seed,
        {{ catalog_row('tariffs') }} as row_key,
        'two rows are valid on '
        || {{ day_text('lower(tariffs.valid_days * rivals.valid_days)') }} as detail
    from tariffs
    inner join tariffs as rivals
        on
            tariffs.tariff_id = rivals.tariff_id
            and coalesce(tariffs.destination_prefix, '') = coalesce(rivals.destination_prefix, '')
            and tariffs.place < rivals.place
            and tariffs.valid_days && rivals.valid_days
)

select * from final
