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

-- Rule "in sync": an order counts once every other carrier concerned agrees; one that counted at
-- a close goes on counting unless it or a counterpart is withdrawn.

with

plan_orders as not materialized (select * from {{ ref('int_plan_orders') }}),

order_sync as (
    select order_sync.*
    from {{ ref('int_order_sync') }} as order_sync
    inner join {{ ref('int_order_accounts') }} as accounts
        on order_sync.account_id = accounts.account_id
),

orders as (select * from {{ ref('int_orders_current') }}),

counted as (
    select counted.*
    from {{ source('issued', 'counted_orders') }} as counted
    inner join {{ ref('int_order_accounts') }} as accounts
        on counted.account_id = accounts.account_id
),

pairs as (
    select
        account_id,
        carrier_id,
        order_id,
        bool_and(sync_status = 'in_sync') as is_in_sync,
        max(counterpart_effective_on) as latest_effective_on,
        min(counterpart_requested_at) as earliest_requested_at,
        array_agg(
            counterpart_carrier_id || ':' || counterpart_order_id
            order by counterpart_carrier_id collate "C"
        ) as counterparts
    from order_sync
    group by account_id, carrier_id, order_id
),

-- as it counted at a close, unless a counterpart was withdrawn since
still_counted as (
    select
        plan_orders.account_id,
        plan_orders.carrier_id,
        plan_orders.order_id,
        plan_orders.action,
        plan_orders.plan_id,
        counted.counted_from as counts_from,
        counted.counted_requested_at as counts_requested_at,
        counted.counterparts
    from plan_orders
    inner join counted
        on
            plan_orders.account_id = counted.account_id
            and plan_orders.carrier_id = counted.carrier_id
            and plan_orders.order_id = counted.order_id
    where
        not exists (
            select 1
            from orders
            where
                orders.account_id = counted.account_id
                and orders.carrier_id || ':' || orders.order_id = any(counted.counterparts)
                and orders.status = 'withdrawn'
        )
),

-- of a pair the later effective_on and the earlier requested_at; an order that concerns its own
-- carrier alone has neither counterpart nor rows in order_sync
in_sync as (
    select
        plan_orders.account_id,
        plan_orders.carrier_id,
        plan_orders.order_id,
        plan_orders.action,
        plan_orders.plan_id,
        greatest(plan_orders.effective_on, pairs.latest_effective_on) as counts_from,
        least(plan_orders.requested_at, pairs.earliest_requested_at) as counts_requested_at,
        coalesce(pairs.counterparts, '{}') as counterparts
    from plan_orders
    left join pairs
        on
            plan_orders.account_id = pairs.account_id
            and plan_orders.carrier_id = pairs.carrier_id
            and plan_orders.order_id = pairs.order_id
    where coalesce(pairs.is_in_sync, true)
),

-- a pair that is matched anew, in sync or not, does not move what was billed by it
counting as (
    select * from still_counted
    union all
    select in_sync.*
    from in_sync
    where
        not exists (
            select 1
            from still_counted
            where
                still_counted.account_id = in_sync.account_id
                and still_counted.carrier_id = in_sync.carrier_id
                and still_counted.order_id = in_sync.order_id
        )
)

select * from counting
