-- Orders for plans that the catalog does not have: the carrier that placed them must correct them.

with

orders as (
    select * from {{ ref('int_unresolved_orders') }}
    where is_for_unknown_plan
),

final as (
    select
        'unknown_plan' as exception_type,
        account_id,
        carrier_id,
        order_id,
        null::text as service_number,
        null::text as adjustment_id,
        null::text as other_carrier_id,
        carrier_id as notify_carrier_id,
        'a plan of the catalog' as expected,
        plan_id as found,
        requested_at as opened_at,
        requested_at as stands_since,
        null::timestamptz as resolved_at,
        null::timestamptz as refused_at
    from orders
)

select * from final
