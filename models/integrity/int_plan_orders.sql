{{ config(unlogged=true, indexes=[{'columns': ['account_id', 'place'], 'unique': true}]) }}

-- Completed orders that start or end a plan, in the order in which they take effect (whether or
-- not they count): by effective_on, of a pair the later one, then requested_at, of a pair the
-- earlier one. A pair are an order and a completed counterpart with the same plan and action;
-- within the tolerance of the plan the two agree.

with

orders as (select * from {{ ref('int_orders_current') }}),

plans as (select * from {{ ref('plans') }}),

counterparts as (
    select counterparts.*
    from {{ ref('int_order_counterparts') }} as counterparts
    inner join {{ ref('int_order_accounts') }} as accounts
        on counterparts.account_id = accounts.account_id
),

completed as (
    select
        orders.account_id,
        orders.carrier_id,
        orders.order_id,
        orders.action,
        orders.plan_id,
        orders.effective_on,
        orders.requested_at,
        orders.status_at,
        plans.sync_tolerance_days
    from orders
    inner join plans on orders.plan_id = plans.plan_id
    where
        orders.status = 'completed'
        and orders.action in ('subscribe', 'change_plan', 'cancel')
),

paired as (
    select
        completed.account_id,
        completed.carrier_id,
        completed.order_id,
        other.carrier_id as counterpart_carrier_id,
        other.order_id as counterpart_order_id,
        other.effective_on as counterpart_effective_on,
        other.requested_at as counterpart_requested_at,
        abs(completed.effective_on - other.effective_on) <= completed.sync_tolerance_days
            as is_agreeing
    from completed
    inner join counterparts
        on
            completed.account_id = counterparts.account_id
            and completed.carrier_id = counterparts.carrier_id
            and completed.order_id = counterparts.order_id
    inner join completed as other
        on
            counterparts.account_id = other.account_id
            and counterparts.counterpart_carrier_id = other.carrier_id
            and counterparts.counterpart_order_id = other.order_id
    where
        completed.action = other.action
        and completed.plan_id = other.plan_id
),

changes as (
    select
        account_id,
        carrier_id,
        order_id,
        max(counterpart_effective_on) as latest_effective_on,
        min(counterpart_requested_at) as earliest_requested_at,
        array_agg(
            counterpart_carrier_id order by counterpart_carrier_id collate "C"
        ) filter (where is_agreeing) as agreeing_carriers
    from paired
    group by account_id, carrier_id, order_id
),

final as (
    select
        completed.account_id,
        completed.carrier_id,
        completed.order_id,
        completed.action,
        completed.plan_id,
        completed.effective_on,
        completed.requested_at,
        completed.status_at,
        coalesce(changes.agreeing_carriers, '{}') as agreeing_carriers,
        row_number() over (
            partition by completed.account_id
            order by
                greatest(completed.effective_on, changes.latest_effective_on),
                least(completed.requested_at, changes.earliest_requested_at),
                completed.carrier_id collate "C",
                completed.order_id collate "C"
        ) as place
    from completed
    left join changes
        on
            completed.account_id = changes.account_id
            and completed.carrier_id = changes.carrier_id
            and completed.order_id = changes.order_id
)

select * from final
