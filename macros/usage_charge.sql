{#-
    Charge of some base units at a rate per unit, with 6 decimals.

    Example: usage_charge('1200', '0.40', '60') is 8.000000 (20 minutes).
-#}
{% macro usage_charge(quantity, rate, base_units_per_unit) -%}
    {{ round_half_up(quantity ~ ' * ' ~ rate ~ ' / ' ~ base_units_per_unit, 6) }}
{%- endmacro %}
