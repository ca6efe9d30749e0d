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

candidates as (
    select
        candidates.*,
        one.status in ('failed', 'withdrawn') or two.status in ('failed', 'withdrawn') as is_dead
    from {{ ref('int_order_candidates') }} as candidates
    inner join orders as one
        on
            candidates.one_carrier_id = one.carrier_id
            and candidates.one_order_id = one.order_id
    inner join orders as two
        on
            candidates.two_carrier_id = two.carrier_id
            and candidates.two_order_id = two.order_id
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
