{#-
    The instant at which a local date begins. Where clocks go back over midnight it comes twice: the first
    of the two. Where they jump over it: the instant of the jump.

    Example: local_midnight("date '2026-06-01'", "'America/New_York'") is 2026-06-01 04:00 UTC.
-#}
{% macro local_midnight(day, time_zone) -%}
    case
        when
            ((({{ day }})::timestamp at time zone {{ time_zone }}) - interval '1 hour') at time zone {{ time_zone }}
            >= ({{ day }})::timestamp
            then (({{ day }})::timestamp at time zone {{ time_zone }}) - interval '1 hour'
        else ({{ day }})::timestamp at time zone {{ time_zone }}
    end
{%- endmacro %}
