{% macro is_cycle_of_calendar(
    cycle_start, cycle_end, first_open_start, first_open_end, bill_cycle_day
) -%}
    (
        {{ cycle_start }} = {{ first_open_start }}
        and {{ cycle_end }} = {{ first_open_end }}
        or {{ cycle_start }} >= {{ first_open_end }}
        and extract(day from {{ cycle_start }}) = {{ bill_cycle_day }}
        and {{ cycle_end }} = {{ months_after(cycle_start, '1') }}
    )
{%- endmacro %}
