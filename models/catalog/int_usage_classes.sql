{{ config(
    materialized='incremental',
    incremental_strategy='replace_in_rebuild',
    indexes=[{'columns': ['class_id'], 'unique': true}],
    meta={
        'follows_rebuild': true,
        'known_together': ['plan_id', 'carrier_id', 'service', 'call_type', 'direction'],
    },
) }}

-- The row of plan_services that applies, for everything a feed can bring, so that rating is one
-- equality join.
-- depends_on: {{ ref('run_values') }}

with

matches as (select * from {{ ref('int_usage_matches') }}),

carriers as (select * from {{ ref('carriers') }}),

services as (select * from {{ ref('services') }}),

unit_types as (select * from {{ ref('unit_types') }}),

described as (
    select
        matches.plan_id,
        matches.carrier_id,
        carriers.service_kind,
        carriers.rating_platform_id,
        matches.service,
        matches.call_type,
        matches.direction,
        services.unit_type,
        unit_types.base_units_per_unit,
        matches.treatment,
        matches.pool_id,
        matches.tariff_id,
        matches.minimum_quantity,
        matches.increment,
        matches.overage_rate
    from matches
    inner join carriers on matches.carrier_id = carriers.carrier_id
    inner join services on matches.service = services.service
    inner join unit_types on services.unit_type = unit_types.unit_type
),

final as (
    select
        row_number() over (
            order by
                plan_id collate "C",
                carrier_id collate "C",
                service collate "C",
                call_type collate "C",
                direction collate "C"
        )::integer as class_id,
        *
    from described
)

select * from final {{ only_in_rebuild() }}
