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

-- Completed plan orders that all carriers concerned have confirmed: one row per change, whatever
-- number of orders it took: those that are counterparts of each other, and of each other's. It
-- bears the name of the order whose carrier sorts first.

-- depends_on: {{ ref('int_order_accounts') }}

with recursive

plan_orders as not materialized (select * from {{ ref('int_plan_orders') }}),

statuses as not materialized (select * from {{ ref('int_order_statuses') }}),

order_sync as (
    select order_sync.*
    from {{ ref('int_order_sync') }} as order_sync
    inner join {{ ref('int_order_accounts') }} as accounts
        on order_sync.account_id = accounts.account_id
),

out_of_sync as (
    select
        carrier_id,
        order_id
    from order_sync
    where sync_status != 'in_sync'
),

confirmed as (
    select * from plan_orders
    where
        not exists (
            select 1
            from out_of_sync
            where
                out_of_sync.carrier_id = plan_orders.carrier_id
                and out_of_sync.order_id = plan_orders.order_id
        )
),

answers as (
    select
        order_sync.carrier_id,
        order_sync.order_id,
        order_sync.counterpart_carrier_id,
        order_sync.counterpart_order_id
    from order_sync
    inner join confirmed
        on order_sync.carrier_id = confirmed.carrier_id and order_sync.order_id = confirmed.order_id
),

edges as (
    select * from answers
    union
    select
        counterpart_carrier_id,
        counterpart_order_id,
        carrier_id,
        order_id
    from answers
),

members as (
    select
        carrier_id as of_carrier_id,
        order_id as of_order_id,
        carrier_id,
        order_id
    from confirmed
    union
    select
        members.of_carrier_id,
        members.of_order_id,
        edges.counterpart_carrier_id,
        edges.counterpart_order_id
    from members
    inner join edges
        on members.carrier_id = edges.carrier_id and members.order_id = edges.order_id
),

changes as (
    select
        members.of_carrier_id,
        members.of_order_id,
        array_agg(
            members.carrier_id || ':' || members.order_id
            order by members.carrier_id collate "C", members.order_id collate "C"
        ) as order_keys,
        (
            array_agg(
                members.carrier_id
                order by members.carrier_id collate "C", members.order_id collate "C"
            )
        )[1] as first_carrier_id,
        (
            array_agg(
                members.order_id
                order by members.carrier_id collate "C", members.order_id collate "C"
            )
        )[1] as first_order_id,
        max(plan_orders.effective_on) as effective_on,
        max(statuses.holds_from) as fulfilled_at
    from members
    inner join plan_orders
        on
            members.carrier_id = plan_orders.carrier_id
            and members.order_id = plan_orders.order_id
    inner join statuses
        on
            members.carrier_id = statuses.carrier_id
            and members.order_id = statuses.order_id
            and statuses.status = 'completed'
    group by members.of_carrier_id, members.of_order_id
),

-- each of its orders yields the same change
final as (
    select distinct
        confirmed.account_id,
        changes.first_carrier_id as carrier_id,
        changes.first_order_id as order_id,
        confirmed.action,
        confirmed.plan_id,
        changes.order_keys,
        changes.effective_on,
        changes.fulfilled_at
    from changes
    inner join confirmed
        on
            changes.of_carrier_id = confirmed.carrier_id
            and changes.of_order_id = confirmed.order_id
)

select * from final
