{{ config(unlogged=true, indexes=[{'columns': ['account_id']}]) }}

-- Rule "match" of integrity: the pairs of orders that could be counterparts of each other, whatever
-- their status. One side is the order whose carrier sorts first.

with

orders as not materialized (select * from {{ ref('int_orders_current') }}),

final as (
    select
        one.account_id,
        one.carrier_id as one_carrier_id,
        one.order_id as one_order_id,
        two.carrier_id as two_carrier_id,
        two.order_id as two_order_id,
        coalesce(
            one.counterpart_order_id = two.order_id or two.counterpart_order_id = one.order_id,
            false
        ) as is_named,
        abs(extract(epoch from one.requested_at - two.requested_at)) as seconds_apart
    from orders as one
    inner join orders as two
        on
            one.account_id = two.account_id
            and one.carrier_id collate "C" < two.carrier_id collate "C"
            and (
                one.counterpart_order_id = two.order_id
                or one.order_id = two.counterpart_order_id
                or (
                    one.action = two.action
                    and one.plan_id = two.plan_id
                    and abs(extract(epoch from one.requested_at - two.requested_at)) <= 72 * 3600
                )
            )
)

select * from final
