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

with

plan_orders as not materialized (select * from {{ ref('int_plan_orders') }}),

statuses as not materialized (select * from {{ ref('int_order_statuses') }}),

stretches as not materialized (select * from {{ ref('int_plan_stretches') }}),

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
    select
        *,
        carrier_id || chr(31) || order_id as order_key
    from plan_orders
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
        confirmed.account_id,
        confirmed.order_key,
        order_sync.counterpart_carrier_id || chr(31) || order_sync.counterpart_order_id
            as counterpart_key
    from order_sync
    inner join confirmed
        on order_sync.carrier_id = confirmed.carrier_id and order_sync.order_id = confirmed.order_id
),

-- each order beside itself and beside its counterparts
sides as (
    select
        account_id,
        order_key,
        order_key as beside_key
    from confirmed
    union
    select
        account_id,
        counterpart_key,
        counterpart_key as beside_key
    from answers
    union
    select * from answers
    union
    select
        account_id,
        counterpart_key,
        order_key
    from answers
),

neighbours as (
    select
        account_id,
        order_key,
        (array_agg(beside_key order by beside_key collate "C"))[1] as change_key,
        count(*) as orders
    from sides
    group by account_id, order_key
),

-- two orders that answer each other are a change without further ado; more need to be followed
entangled as (
    select account_id
    from neighbours
    group by account_id
    having max(orders) > 2
),

entangled_pairs as (
    select
        sides.account_id,
        array_agg(sides.order_key order by sides.order_key, sides.beside_key) as ones,
        array_agg(sides.beside_key order by sides.order_key, sides.beside_key) as twos
    from sides
    inner join entangled on sides.account_id = entangled.account_id
    group by sides.account_id
),

members as (
    select
        pairs.account_id,
        orders.order_key,
        orders.change_key
    from entangled_pairs as pairs
    cross join lateral {{ function('connect_orders') }}(pairs.ones, pairs.twos) as orders
    union all
    select
        neighbours.account_id,
        neighbours.order_key,
        neighbours.change_key
    from neighbours
    where
        not exists (
            select 1
            from entangled
            where entangled.account_id = neighbours.account_id
        )
),

changes as (
    select
        members.account_id,
        split_part(members.change_key, chr(31), 1) as carrier_id,
        split_part(members.change_key, chr(31), 2) as order_id,
        min(plan_orders.action) as action,
        min(plan_orders.plan_id) as plan_id,
        array_agg(
            plan_orders.carrier_id || ':' || plan_orders.order_id
            order by plan_orders.carrier_id collate "C", plan_orders.order_id collate "C"
        ) as order_keys,
        max(plan_orders.effective_on) as effective_on,
        max(statuses.holds_from) as fulfilled_at,
        -- what they start or end between them, if anything
        min(stretches.effective_from) filter (where stretches.is_effective) as holds_from,
        case
            when
                coalesce(
                    bool_and(stretches.effective_to is not null)
                    filter (where stretches.is_effective),
                    false
                )
                then max(stretches.effective_to) filter (where stretches.is_effective)
        end as holds_to
    from members
    inner join plan_orders
        on
            members.account_id = plan_orders.account_id
            and members.order_key = plan_orders.carrier_id || chr(31) || plan_orders.order_id
    inner join statuses
        on
            plan_orders.carrier_id = statuses.carrier_id
            and plan_orders.order_id = statuses.order_id
            and statuses.status = 'completed'
    left join stretches
        on
            plan_orders.account_id = stretches.account_id
            and plan_orders.carrier_id = stretches.carrier_id
            and plan_orders.order_id = stretches.order_id
    group by members.account_id, members.change_key
)

select * from changes
