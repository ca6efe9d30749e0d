-- An integrated plan involves more than one carrier: it must be ordered at every one of them.

with

carriers_by_plan as (select * from {{ ref('int_carriers_by_plan') }}),

final as (
    select
        'lonely_integrated_plans' as rule_name,
        'plans' as seed,
        plan_id as row_key,
        'the plan is integrated, but ' || min(carrier_id) || ' is its only carrier' as detail
    from carriers_by_plan
    where is_integrated
    group by plan_id
    having count(distinct carrier_id) = 1
)

select * from final
