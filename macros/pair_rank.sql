{#-
    Order in which pairs of orders are taken as counterparts: neither failed nor withdrawn first,
    named before inferred, the smaller difference in time, then the ids.
-#}
{% macro pair_rank() -%}
    is_dead, not is_named, seconds_apart, one_carrier_id collate "C", one_order_id collate "C", two_carrier_id collate "C", two_order_id collate "C"
{%- endmacro %}
