{#-
    First day of the regular billing cycle that contains a local date.

    Args:
        local_date: an SQL expression of type date.
        bill_cycle_day: an SQL expression, whole number from 1 to 28.

    Example: cycle_start_of("date '2026-03-09'", 10) is 2026-02-10.
-#}
{% macro cycle_start_of(local_date, bill_cycle_day) -%}
    (date_trunc('month', ({{ local_date }} - ({{ bill_cycle_day }} - 1))::timestamp)::date + ({{ bill_cycle_day }} - 1))
{%- endmacro %}
