{#-
    How much of the half-open range [start, start + quantity) lies in [range_from, range_to).

    Example: range_overlap('50', '20', '0', '60') is 10.
-#}
{% macro range_overlap(start, quantity, range_from, range_to) -%}
    greatest(0, least({{ start }} + {{ quantity }}, {{ range_to }}) - greatest({{ start }}, {{ range_from }}))
{%- endmacro %}
