{#-
    Base units (seconds, bytes, ...) in units (minutes, megabytes, ...), with 6 decimals.

    Example: in_units('90', '60') is 1.500000.
-#}
{% macro in_units(quantity, base_units_per_unit) -%}
    round(({{ quantity }})::numeric / {{ base_units_per_unit }}, 6)::numeric(20, 6)
{%- endmacro %}
