{#-
    The counterpart that an order had at an instant: its pairs are ranked and taken as they are now
    (`take_pairs`), by the statuses that held then. Orders that did not exist yet are left out, but
    not the order itself; nor is one that is to be passed over.

    Args:
        moments: name of a CTE with moment_id, account_id, carrier_id, order_id, other_carrier_id,
            passed_over_order_id (of the other carrier; nullable) and stood_at.

    Gives a select of moment_id and counterpart_order_id, one row per moment with a counterpart.
-#}
{% macro counterparts_at(moments) -%}
    with

    -- pairs of orders of the two carriers that were there, with their statuses then
    pairs_at as (
        select
            moments.moment_id,
            pairs.*,
            moments.carrier_id || chr(31) || moments.order_id as order_key,
            moments.carrier_id = pairs.one_carrier_id as is_first,
            one.status in ('failed', 'withdrawn') or two.status in ('failed', 'withdrawn')
                as is_dead
        from {{ moments }} as moments
        inner join {{ ref('int_order_candidates') }} as pairs
            on
                moments.account_id = pairs.account_id
                and pairs.one_carrier_id in (moments.carrier_id, moments.other_carrier_id)
                and pairs.two_carrier_id in (moments.carrier_id, moments.other_carrier_id)
        cross join
            lateral (
                select
                    pairs.one_carrier_id as carrier_id,
                    pairs.one_order_id as order_id
            ) as one_order
        cross join
            lateral (
                select
                    coalesce(
                        {{ order_status_at('one_order', 'moments.stood_at') }},
                        case
                            when
                                one_order.carrier_id = moments.carrier_id
                                and one_order.order_id = moments.order_id
                                then 'submitted'
                        end
                    ) as status
            ) as one
        cross join
            lateral (
                select
                    pairs.two_carrier_id as carrier_id,
                    pairs.two_order_id as order_id
            ) as two_order
        cross join
            lateral (
                select
                    coalesce(
                        {{ order_status_at('two_order', 'moments.stood_at') }},
                        case
                            when
                                two_order.carrier_id = moments.carrier_id
                                and two_order.order_id = moments.order_id
                                then 'submitted'
                        end
                    ) as status
            ) as two
        where
            one.status is not null
            and two.status is not null
            and (pairs.one_carrier_id, pairs.one_order_id)
            is distinct from (moments.other_carrier_id, moments.passed_over_order_id)
            and (pairs.two_carrier_id, pairs.two_order_id)
            is distinct from (moments.other_carrier_id, moments.passed_over_order_id)
    ),

    ranked as (
        select
            moment_id,
            order_key,
            is_first,
            array_agg(one_carrier_id || chr(31) || one_order_id order by {{ pair_rank() }}) as ones,
            array_agg(two_carrier_id || chr(31) || two_order_id order by {{ pair_rank() }}) as twos,
            array_agg(one_carrier_id order by {{ pair_rank() }}) as one_carriers,
            array_agg(two_carrier_id order by {{ pair_rank() }}) as two_carriers
        from pairs_at
        group by moment_id, order_key, is_first
    ),

    taken as (
        select
            ranked.moment_id,
            ranked.order_key,
            ranked.is_first,
            ranked.ones[place.place] as one_key,
            ranked.twos[place.place] as two_key
        from ranked
        cross join
            lateral unnest(
                {{ function('take_pairs') }}(
                    ranked.ones, ranked.twos, ranked.one_carriers, ranked.two_carriers
                )
            ) as place (place)
    )

    select
        moment_id,
        split_part(case when is_first then two_key else one_key end, chr(31), 2)
            as counterpart_order_id
    from taken
    where case when is_first then one_key else two_key end = order_key
{%- endmacro %}
