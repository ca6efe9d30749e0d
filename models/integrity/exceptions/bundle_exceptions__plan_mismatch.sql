-- Lines on another plan in their carrier's systems than the one in effect.

with

mismatches as (select * from {{ ref('int_plan_mismatches') }}),

final as (
    select
        'plan_mismatch' as exception_type,
        account_id,
        carrier_id,
        null::text as order_id,
        service_number,
        null::text as adjustment_id,
        null::text as other_carrier_id,
        carrier_id as notify_carrier_id,
        coalesce(effective_plan_id, 'no plan') as expected,
        coalesce(casi_plan_id, 'no plan') as found,
        data_at as opened_at,
        stands_since,
        null::timestamptz as resolved_at,
        null::timestamptz as refused_at
    from mismatches
)

select * from final
