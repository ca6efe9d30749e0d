{#-
    A half-open range of days in words, with its last day.

    Example: day_range("date '2026-06-01'", "date '2026-07-01'") is '1 Jun 2026 to 30 Jun 2026'.
-#}
{% macro day_range(from_day, to_day) -%}
    to_char({{ from_day }}, 'FMDD Mon YYYY') || ' to ' || to_char({{ to_day }} - 1, 'FMDD Mon YYYY')
{%- endmacro %}
