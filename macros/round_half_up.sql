{#-
    Round a numeric to some decimals, the half away from zero: the one rounding of units and money.
    Multiply before dividing, and round once.

    Example: round_half_up('0.005', 2) is 0.01 and round_half_up('-0.005', 2) is -0.01.
-#}
{% macro round_half_up(amount, decimals) -%}
    round(({{ amount }})::numeric, {{ decimals }})
{%- endmacro %}
