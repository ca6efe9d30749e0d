-- A tariff charges one kind of unit, whatever the destination.

select
    'tariffs_of_two_units' as rule_name,
    'tariffs' as seed,
    tariff_id as row_key,
    'its rows are per ' || string_agg(distinct unit_type, ' and per ') as detail
from {{ ref('tariffs') }}
group by tariff_id
having count(distinct unit_type) > 1
