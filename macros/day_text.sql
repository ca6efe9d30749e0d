{#-
    A day as text, whatever the session's DateStyle.

    Example: day_text("date '2025-03-01'") is '2025-03-01'.
-#}
{% macro day_text(day) -%}
    to_char({{ day }}, 'YYYY-MM-DD')
{%- endmacro %}
