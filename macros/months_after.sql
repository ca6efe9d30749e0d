{#-
    The same day some months later; for days from 1 to 28, so every month has it.

    Example: months_after("date '2026-12-28'", 2) is 2027-02-28.
-#}
{% macro months_after(day, months) -%}
    ({{ day }} + make_interval(months => ({{ months }})::integer))::date
{%- endmacro %}
