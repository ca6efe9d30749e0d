{#-
    The counterpart that an order had at an instant: its pairs are ranked and taken as they are now
    (`take_pairs`), by the statuses that held then. Orders that did not exist yet are left out, but
    not the order itself; nor is one that is to be passed over.

    Args:
        moments: name of a CTE with moment_id, account_id, carrier_id, order_id, other_carrier_id,
            passed_over_order_id (of the other carrier; nullable) and at.

    Gives a select of moment_id and counterpart_order_id, one row per moment with a counterpart.
-#}
{% macro counterparts_at(moments) -%}
    select
        taken.moment_id,
        taken.counterpart_order_id
    from (
        select
            ranked.moment_id,
            ranked.order_key,
            split_part(
                case
                    when ranked.is_first then ranked.twos[place.place]
                    else ranked.ones[place.place]
                end, chr(31), 2
            ) as counterpart_order_id,
            case
                when ranked.is_first then ranked.ones[place.place]
                else ranked.twos[place.place]
            end as own_key
        from (
            select
                moment_id,
                min(carrier_id || chr(31) || order_id) as order_key,
                bool_and(is_first) as is_first,
                array_agg(one_carrier_id || chr(31) || one_order_id order by {{ pair_rank() }}) as ones,
                array_agg(two_carrier_id || chr(31) || two_order_id order by {{ pair_rank() }}) as twos,
                array_agg(one_carrier_id order by {{ pair_rank() }}) as one_carriers,
                array_agg(two_carrier_id order by {{ pair_rank() }}) as two_carriers
            from (
                select
                    moments.moment_id,
                    moments.carrier_id,
                    moments.order_id,
                    moments.carrier_id = pairs.one_carrier_id as is_first,
                    pairs.*,
                    one.status in ('failed', 'withdrawn') or two.status in ('failed', 'withdrawn') as is_dead
                from {{ moments }} as moments
                inner join {{ ref('int_order_candidates') }} as pairs
                    on
                        moments.account_id = pairs.account_id
                        and pairs.one_carrier_id in (moments.carrier_id, moments.other_carrier_id)
                        and pairs.two_carrier_id in (moments.carrier_id, moments.other_carrier_id)
                {%- for side in ['one', 'two'] %}
                cross join lateral (
                    select
                        pairs.{{ side }}_carrier_id as carrier_id,
                        pairs.{{ side }}_order_id as order_id
                ) as {{ side }}_order
                cross join lateral (
                    select coalesce(
                        {{ order_status_at(side ~ '_order', 'moments.at') }},
                        case
                            when
                                {{ side }}_order.carrier_id = moments.carrier_id
                                and {{ side }}_order.order_id = moments.order_id
                                then 'submitted'
                        end
                    ) as status
                ) as {{ side }}
                {%- endfor %}
                where
                    one.status is not null
                    and two.status is not null
                    and (
                        moments.passed_over_order_id is null
                        or not (
                            (pairs.one_carrier_id, pairs.one_order_id)
                            = (moments.other_carrier_id, moments.passed_over_order_id)
                            or (pairs.two_carrier_id, pairs.two_order_id)
                            = (moments.other_carrier_id, moments.passed_over_order_id)
                        )
                    )
            ) as pairs_at
            group by moment_id
        ) as ranked
        cross join
            lateral unnest(
                {{ function('take_pairs') }}(
                    ranked.ones, ranked.twos, ranked.one_carriers, ranked.two_carriers
                )
            ) as place (place)
    ) as taken
    where taken.own_key = taken.order_key
{%- endmacro %}
