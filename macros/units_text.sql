{#-
    Base units in units with 6 decimals, as text for a JSON document.

    Args:
        quantity: SQL expression in base units.
        base_units_per_unit: SQL expression; by default that of the pool.
-#}
{% macro units_text(quantity, base_units_per_unit='pools.base_units_per_unit') -%}
    {{ in_units(quantity, base_units_per_unit) }}::text
{%- endmacro %}
