-- A destination is matched by the digits of the number: a prefix of anything else matches none.

with

tariffs as not materialized (select * from {{ ref('tariffs') }}),

final as (
    select
        'wrong_prefixes' as rule_name,
        'tariffs' as seed,
        {{ catalog_row('tariffs') }} as row_key,
        'a destination_prefix is digits alone, without + or blanks' as detail
    from tariffs
    where tariffs.destination_prefix !~ '^[0-9]*$'
)

select * from final
