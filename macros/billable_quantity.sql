{#-
    Rule "billable quantity": at least the minimum, in whole increments, in base units (bigint).

    Example: billable_quantity('61', '60', '60') is 120; 19 with minimum 18, increment 6 is 24.
-#}
{% macro billable_quantity(quantity, minimum_quantity, increment) -%}
    greatest({{ minimum_quantity }}, ({{ quantity }} + {{ increment }} - 1) / {{ increment }} * {{ increment }})
{%- endmacro %}
