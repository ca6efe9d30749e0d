{{ config(materialized='ephemeral') }}

-- Rule "Rating one record", point 1: of the rows of plan_services that match, the lowest priority
-- applies. Worked out here for everything a feed can bring.

with

plans as not materialized (select * from {{ ref('plans') }}),

carriers as not materialized (select * from {{ ref('carriers') }}),

services as not materialized (select * from {{ ref('services') }}),

plan_services as not materialized (select * from {{ ref('plan_services') }}),

call_types as (
    select call_type
    from (
        values ('local'), ('long_distance'), ('international'), ('roaming'), ('toll_free')
    ) as listed (call_type)
),

directions as (
    select direction
    from (values ('originated'), ('terminated')) as listed (direction)
),

final as (
    select distinct on (
        plans.plan_id,
        carriers.carrier_id,
        services.service,
        call_types.call_type,
        directions.direction
    )
        plans.plan_id,
        carriers.carrier_id,
        services.service,
        call_types.call_type,
        directions.direction,
        plan_services.treatment,
        plan_services.pool_id,
        plan_services.tariff_id,
        plan_services.minimum_quantity,
        plan_services.increment,
        plan_services.overage_rate
    from plans
    inner join plan_services on plans.plan_id = plan_services.plan_id
    inner join carriers on plan_services.carrier_id in ('*', carriers.carrier_id)
    inner join services on plan_services.service in ('*', services.service)
    inner join call_types on plan_services.call_type in ('*', call_types.call_type)
    inner join directions on plan_services.direction in ('*', directions.direction)
    order by
        plans.plan_id asc,
        carriers.carrier_id asc,
        services.service asc,
        call_types.call_type asc,
        directions.direction asc,
        plan_services.priority asc
)

select * from final
