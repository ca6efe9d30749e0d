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

-- Rule "bundle exceptions": each unbroken time for which an order and another carrier were out of
-- sync, from the end of the grace period on. The counterpart with which they came into sync heals
-- it; the type stays what it would be without that one. A refusal while it lasts does not make
-- another one of it, but is told to the platform that placed the order.

-- depends_on: {{ ref('int_order_accounts') }}
-- depends_on: {{ ref('int_order_candidates') }}
-- depends_on: {{ ref('int_order_statuses') }}

with

moments as (select * from {{ ref('int_order_moments') }}),

orders as not materialized (select * from {{ ref('int_orders_current') }}),

statuses as not materialized (select * from {{ ref('int_order_statuses') }}),

plans as (select * from {{ ref('plans') }}),

numbered as (
    select
        *,
        count(*) filter (where sync_status = 'in_sync') over (
            partition by carrier_id, order_id, other_carrier_id
            order by stood_at
        ) as times_in_sync
    from moments
),

opened as (
    select distinct on (carrier_id, order_id, other_carrier_id, times_in_sync) *
    from numbered
    where sync_status != 'in_sync'
    order by carrier_id, order_id, other_carrier_id, times_in_sync, stood_at
),

refused as (
    select
        carrier_id,
        order_id,
        other_carrier_id,
        times_in_sync,
        min(stood_at) as refused_at
    from numbered
    where sync_status = 'counterpart_failed'
    group by carrier_id, order_id, other_carrier_id, times_in_sync
),

spells as materialized (
    select
        opened.account_id,
        opened.carrier_id,
        opened.order_id,
        opened.other_carrier_id,
        opened.counterpart_order_id,
        opened.sync_status,
        opened.stood_at,
        refused.refused_at,
        row_number() over (
            order by
                opened.account_id,
                opened.carrier_id,
                opened.order_id,
                opened.other_carrier_id,
                opened.stood_at
        ) as moment_id,
        healed.counterpart_order_id as passed_over_order_id
    from opened
    left join numbered as healed
        on
            opened.carrier_id = healed.carrier_id
            and opened.order_id = healed.order_id
            and opened.other_carrier_id = healed.other_carrier_id
            and opened.times_in_sync + 1 = healed.times_in_sync
            and healed.sync_status = 'in_sync'
    left join refused
        on
            opened.carrier_id = refused.carrier_id
            and opened.order_id = refused.order_id
            and opened.other_carrier_id = refused.other_carrier_id
            and opened.times_in_sync = refused.times_in_sync
),

healed_spells as materialized (
    select * from spells
    where passed_over_order_id is not null
),

counterparts as (
    {{ counterparts_at('healed_spells') }}
),

found_orders as (
    select
        spells.*,
        case
            when spells.passed_over_order_id is null then spells.counterpart_order_id
            else counterparts.counterpart_order_id
        end as found_order_id
    from spells
    left join counterparts on spells.moment_id = counterparts.moment_id
),

final as (
    select
        spells.account_id,
        spells.carrier_id,
        spells.order_id,
        spells.other_carrier_id,
        {{ sync_status_at('orders', 'found', 'spells.stood_at', 'plans.sync_tolerance_days') }}
            as exception_type,
        concat_ws(
            ' ', orders.action, orders.plan_id, 'effective', orders.effective_on
        ) as expected,
        {{ order_in_words('found', 'spells.stood_at') }} as found,
        orders.requested_at,
        spells.stood_at as opened_at,
        spells.refused_at,
        healed.holds_from as resolved_at
    from found_orders as spells
    inner join orders
        on spells.carrier_id = orders.carrier_id and spells.order_id = orders.order_id
    inner join plans on orders.plan_id = plans.plan_id
    left join orders as found
        on spells.other_carrier_id = found.carrier_id and spells.found_order_id = found.order_id
    left join statuses as healed
        on
            spells.other_carrier_id = healed.carrier_id
            and spells.passed_over_order_id = healed.order_id
            and healed.status = 'completed'
)

select * from final
