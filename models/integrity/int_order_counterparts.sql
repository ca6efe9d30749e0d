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

-- Rule "match" of integrity: every pair that could match is ranked within its account, and taken
-- in that order unless one of its orders already has a counterpart at the other's carrier.
-- Each pair taken yields two rows, one from the side of each order.

-- depends_on: {{ ref('int_order_accounts') }}

with

orders as not materialized (select * from {{ ref('int_orders_current') }}),

-- one side is the order whose carrier sorts first
candidates as (
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
        one.status in ('failed', 'withdrawn') or two.status in ('failed', 'withdrawn') as is_dead,
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
),

ranked as (
    select
        account_id,
        array_agg(one_carrier_id || chr(31) || one_order_id order by {{ pair_rank() }}) as ones,
        array_agg(two_carrier_id || chr(31) || two_order_id order by {{ pair_rank() }}) as twos,
        array_agg(one_carrier_id order by {{ pair_rank() }}) as one_carriers,
        array_agg(two_carrier_id order by {{ pair_rank() }}) as two_carriers
    from candidates
    group by account_id
),

taken as (
    select
        ranked.account_id,
        split_part(ranked.ones[place.place], chr(31), 1) as one_carrier_id,
        split_part(ranked.ones[place.place], chr(31), 2) as one_order_id,
        split_part(ranked.twos[place.place], chr(31), 1) as two_carrier_id,
        split_part(ranked.twos[place.place], chr(31), 2) as two_order_id
    from ranked
    cross join
        lateral unnest(
            {{ function('take_pairs') }}(
                ranked.ones, ranked.twos, ranked.one_carriers, ranked.two_carriers
            )
        ) as place (place)
),

both_sides as (
    select
        account_id,
        one_carrier_id as carrier_id,
        one_order_id as order_id,
        two_carrier_id as counterpart_carrier_id,
        two_order_id as counterpart_order_id
    from taken
    union all
    select
        account_id,
        two_carrier_id as carrier_id,
        two_order_id as order_id,
        one_carrier_id as counterpart_carrier_id,
        one_order_id as counterpart_order_id
    from taken
)

select * from both_sides
