{{ config(indexes=[{'columns': ['tariff_id', 'destination_prefix']}]) }}

-- depends_on: {{ ref('catalog_faults') }}

select
    row_number() over (
        order by tariffs.tariff_id, tariffs.destination_prefix, tariffs.valid_from
    )::integer as tariff_row_id,
    tariffs.tariff_id,
    coalesce(tariffs.destination_prefix, '') as destination_prefix,
    length(coalesce(tariffs.destination_prefix, '')) as prefix_length,
    max(length(coalesce(tariffs.destination_prefix, ''))) over (
        partition by tariffs.tariff_id
    ) as longest_prefix_length,
    tariffs.description,
    tariffs.unit_type,
    unit_types.base_units_per_unit,
    tariffs.connection_fee,
    tariffs.rate,
    tariffs.minimum_quantity,
    tariffs.increment,
    tariffs.valid_from,
    tariffs.valid_to
from {{ ref('tariffs') }} as tariffs
inner join {{ ref('unit_types') }} as unit_types on tariffs.unit_type = unit_types.unit_type
