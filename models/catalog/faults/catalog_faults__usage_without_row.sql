-- What a carrier of the plan can produce is rated somehow, and nothing waits in suspense for ever.

with

carriers_by_plan as (select * from {{ ref('int_carriers_by_plan') }}),

carriers as not materialized (select * from {{ ref('carriers') }}),

carrier_services as not materialized (select * from {{ ref('carrier_services') }}),

matches as (select * from {{ ref('int_usage_matches') }}),

final as (
    select distinct
        'usage_without_row' as rule_name,
        'plan_services' as seed,
        carriers_by_plan.plan_id as row_key,
        concat_ws(
            ' ',
            'no row for',
            carriers_by_plan.carrier_id,
            carrier_services.service,
            carrier_services.call_type,
            carrier_services.direction
        ) as detail
    from carriers_by_plan
    inner join carriers on carriers_by_plan.carrier_id = carriers.carrier_id
    inner join carrier_services on carriers.service_kind = carrier_services.service_kind
    left join matches
        on
            carriers_by_plan.plan_id = matches.plan_id
            and carriers_by_plan.carrier_id = matches.carrier_id
            and carrier_services.service = matches.service
            and carrier_services.call_type = matches.call_type
            and carrier_services.direction = matches.direction
    where matches.plan_id is null
)

select * from final
