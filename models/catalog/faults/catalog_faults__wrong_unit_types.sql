-- Quantities in the feeds are in these base units, whatever a catalog says.

with

unit_types as not materialized (select * from {{ ref('unit_types') }}),

expected as (
    select
        unit_type,
        base_unit,
        base_units_per_unit
    from (
        values
        ('minute', 'second', 60),
        ('message', 'message', 1),
        ('megabyte', 'byte', 1000000),
        ('event', 'event', 1)
    ) as listed (unit_type, base_unit, base_units_per_unit)
),

final as (
    select
        'wrong_unit_types' as rule_name,
        'unit_types' as seed,
        coalesce(expected.unit_type, unit_types.unit_type) as row_key,
        case
            when expected.unit_type is null then 'there is no such unit'
            when unit_types.unit_type is null then 'the row is missing'
            else
                'it is ' || expected.base_units_per_unit || ' ' || expected.base_unit || ', not '
                || unit_types.base_units_per_unit || ' ' || unit_types.base_unit
        end as detail
    from expected
    full join unit_types on expected.unit_type = unit_types.unit_type
    where
        expected.unit_type is null
        or unit_types.unit_type is null
        or expected.base_unit != unit_types.base_unit
        or expected.base_units_per_unit != unit_types.base_units_per_unit
)

select * from final
