{{ config(materialized='ephemeral') }}

-- Carriers of a plan: those that its services name or, where they name none, all.

with

plans as not materialized (select * from {{ ref('plans') }}),

plan_services as not materialized (select * from {{ ref('plan_services') }}),

carriers as not materialized (select * from {{ ref('carriers') }}),

named as (
    select distinct
        plan_id,
        carrier_id
    from plan_services
    where carrier_id != '*'
),

final as (
    select
        plans.plan_id,
        carriers.carrier_id,
        plans.is_integrated
    from plans
    cross join carriers
    where
        exists (
            select 1
            from named
            where named.plan_id = plans.plan_id and named.carrier_id = carriers.carrier_id
        )
        or not exists (
            select 1 from named
            where named.plan_id = plans.plan_id
        )
)

select * from final
