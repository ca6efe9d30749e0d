{{ config(unlogged=true, indexes=[{'columns': ['account_id']}]) }}

-- Rule "bundle exceptions": how a completed order and another carrier that it concerns stood when
-- the grace period was over, and at every status that an order of one of the two carriers took
-- after that. What the state was between two of these instants is what it was at the first.

-- depends_on: {{ ref('int_order_candidates') }}
-- depends_on: {{ ref('int_order_statuses') }}

with

order_sync as (
    select order_sync.*
    from {{ ref('int_order_sync') }} as order_sync
    inner join {{ ref('int_order_accounts') }} as accounts
        on order_sync.account_id = accounts.account_id
),

statuses as not materialized (select * from {{ ref('int_order_statuses') }}),

orders as not materialized (select * from {{ ref('int_orders_current') }}),

plans as (select * from {{ ref('plans') }}),

changed as (
    select distinct
        order_sync.account_id,
        order_sync.carrier_id,
        order_sync.order_id,
        order_sync.counterpart_carrier_id as other_carrier_id,
        order_sync.requested_at + interval '24 hours' as grace_ends_at,
        statuses.holds_from
    from order_sync
    inner join statuses
        on
            order_sync.account_id = statuses.account_id
            and statuses.carrier_id in (order_sync.carrier_id, order_sync.counterpart_carrier_id)
            and statuses.holds_from > order_sync.requested_at + interval '24 hours'
),

instants as (
    select
        account_id,
        carrier_id,
        order_id,
        other_carrier_id,
        grace_ends_at as stood_at
    from changed
    union
    select
        account_id,
        carrier_id,
        order_id,
        other_carrier_id,
        holds_from as stood_at
    from changed
),

moments as materialized (
    select
        *,
        row_number() over (order by account_id, carrier_id, order_id, other_carrier_id, stood_at)
            as moment_id,
        null::text as passed_over_order_id
    from instants
),

counterparts as (
    {{ counterparts_at('moments') }}
),

judged as (
    select
        moments.account_id,
        moments.carrier_id,
        moments.order_id,
        moments.other_carrier_id,
        found.order_id as counterpart_order_id,
        {{ sync_status_at('orders', 'found', 'moments.stood_at', 'plans.sync_tolerance_days') }}
            as sync_status,
        moments.stood_at
    from moments
    inner join orders
        on moments.carrier_id = orders.carrier_id and moments.order_id = orders.order_id
    inner join plans on orders.plan_id = plans.plan_id
    left join counterparts on moments.moment_id = counterparts.moment_id
    left join orders as found
        on
            moments.other_carrier_id = found.carrier_id
            and counterparts.counterpart_order_id = found.order_id
),

-- where nothing has changed since the grace period was over, the two stood then as they stand now
settled as (
    select
        account_id,
        carrier_id,
        order_id,
        counterpart_carrier_id as other_carrier_id,
        counterpart_order_id,
        sync_status,
        requested_at + interval '24 hours' as stood_at
    from order_sync
    where
        not exists (
            select 1
            from changed
            where
                changed.carrier_id = order_sync.carrier_id
                and changed.order_id = order_sync.order_id
                and changed.other_carrier_id = order_sync.counterpart_carrier_id
        )
),

final as (
    select * from judged
    union all
    select * from settled
)

select * from final
