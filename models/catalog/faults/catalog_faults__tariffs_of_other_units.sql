-- A tariff charges usage of its own unit type: no row meters a service of another one by it.

with

matches as (select * from {{ ref('int_usage_matches') }}),

services as not materialized (select * from {{ ref('services') }}),

tariffs as not materialized (select * from {{ ref('tariffs') }}),

final as (
    select distinct
        'tariffs_of_other_units' as rule_name,
        'tariffs' as seed,
        tariffs.tariff_id as row_key,
        'the tariff is per ' || tariffs.unit_type || ', but plan ' || matches.plan_id
        || ' meters ' || services.service || ' of ' || matches.carrier_id || ' by it in '
        || services.unit_type as detail
    from matches
    inner join services on matches.service = services.service
    inner join tariffs on matches.tariff_id = tariffs.tariff_id
    where matches.treatment = 'metered' and services.unit_type != tariffs.unit_type
)

select * from final
