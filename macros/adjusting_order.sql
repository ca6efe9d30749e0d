{#-
    Order in which adjustments of a pool are taken in their cycle: what gives units first, debits after,
    each by (adjusted_at, adjustment_id).
-#}
{% macro adjusting_order() -%}
    cycle_start, takes_units, adjusted_at, adjustment_id collate "C"
{%- endmacro %}
