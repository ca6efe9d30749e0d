{{ config(
    materialized='incremental',
    incremental_strategy='replace_units',
    indexes=[{'columns': ['account_id']}],
    meta={
        'follows_rebuild': true,
        'units': 'int_order_accounts',
        'stale': 'stored.account_id = unit.account_id',
    },
) }}

-- Rule "carriers concerned" and "in_sync": per completed plan order and other carrier concerned,
-- how its counterpart there stands. `awaiting` and `missing` differ by the clock only and are told
-- apart in order_sync.

-- depends_on: {{ ref('int_order_accounts') }}

with

plan_orders as not materialized (select * from {{ ref('int_plan_orders') }}),

orders as (select * from {{ ref('int_orders_current') }}),

counterparts as not materialized (select * from {{ ref('int_order_counterparts') }}),

plan_carriers as not materialized (select * from {{ ref('int_plan_carriers') }}),

overlapping_plans as (
    select distinct
        one.plan_id,
        two.plan_id as other_plan_id
    from plan_carriers as one
    inner join plan_carriers as two on one.carrier_id = two.carrier_id
),

-- earlier orders that touch a plan on a carrier of the new one; the order's own counterparts left
-- out
earlier_orders as (
    select
        placed.account_id,
        placed.carrier_id,
        placed.order_id,
        earlier.plan_id,
        earlier.action,
        earlier.place,
        overlapping_plans.plan_id is not null as is_overlapping
    from plan_orders as placed
    inner join plan_orders as earlier
        on placed.account_id = earlier.account_id and placed.place > earlier.place
    left join overlapping_plans
        on
            placed.plan_id = overlapping_plans.plan_id
            and earlier.plan_id = overlapping_plans.other_plan_id
    left join counterparts
        on
            placed.account_id = counterparts.account_id
            and placed.carrier_id = counterparts.carrier_id
            and placed.order_id = counterparts.order_id
            and earlier.carrier_id = counterparts.counterpart_carrier_id
            and earlier.order_id = counterparts.counterpart_order_id
    where placed.action != 'cancel' and counterparts.order_id is null
),

-- of these the ones whose plan still stood when the order came: nothing between replaced or
-- cancelled it
old_plans as (
    select distinct
        earlier.account_id,
        earlier.carrier_id,
        earlier.order_id,
        earlier.plan_id
    from earlier_orders as earlier
    where
        earlier.is_overlapping
        and earlier.action != 'cancel'
        and not exists (
            select 1
            from earlier_orders as later
            inner join overlapping_plans as replaced on later.plan_id = replaced.plan_id
            where
                later.account_id = earlier.account_id
                and later.carrier_id = earlier.carrier_id
                and later.order_id = earlier.order_id
                and later.place > earlier.place
                and replaced.other_plan_id = earlier.plan_id
                and (later.action != 'cancel' or later.plan_id = earlier.plan_id)
        )
),

plans_concerned as (
    -- of a cancel the old plan is the one that it names, of the others that one is the new plan
    select
        account_id,
        carrier_id,
        order_id,
        plan_id
    from plan_orders
    union
    select
        account_id,
        carrier_id,
        order_id,
        plan_id
    from old_plans
),

others_concerned as (
    select distinct
        plans_concerned.account_id,
        plans_concerned.carrier_id,
        plans_concerned.order_id,
        plan_carriers.carrier_id as counterpart_carrier_id
    from plans_concerned
    inner join plan_carriers on plans_concerned.plan_id = plan_carriers.plan_id
    where plan_carriers.is_integrated and plan_carriers.carrier_id != plans_concerned.carrier_id
),

compared as (
    select
        plan_orders.account_id,
        plan_orders.carrier_id,
        plan_orders.order_id,
        plan_orders.plan_id,
        plan_orders.action,
        others_concerned.counterpart_carrier_id,
        found.order_id as counterpart_order_id,
        found.plan_id as counterpart_plan_id,
        found.action as counterpart_action,
        found.status as counterpart_status,
        case
            when found.status in ('failed', 'withdrawn') then 'counterpart_failed'
            when found.status = 'completed'
                then
                    case
                        when
                            others_concerned.counterpart_carrier_id
                            = any(plan_orders.agreeing_carriers)
                            then 'in_sync'
                        else 'mismatched'
                    end
            else 'missing_counterpart'
        end as sync_status,
        plan_orders.effective_on,
        found.effective_on as counterpart_effective_on,
        plan_orders.requested_at,
        found.requested_at as counterpart_requested_at
    from plan_orders
    inner join others_concerned
        on
            plan_orders.account_id = others_concerned.account_id
            and plan_orders.carrier_id = others_concerned.carrier_id
            and plan_orders.order_id = others_concerned.order_id
    left join counterparts
        on
            others_concerned.account_id = counterparts.account_id
            and others_concerned.carrier_id = counterparts.carrier_id
            and others_concerned.order_id = counterparts.order_id
            and others_concerned.counterpart_carrier_id = counterparts.counterpart_carrier_id
    left join orders as found
        on
            counterparts.account_id = found.account_id
            and counterparts.counterpart_carrier_id = found.carrier_id
            and counterparts.counterpart_order_id = found.order_id
)

select * from compared
