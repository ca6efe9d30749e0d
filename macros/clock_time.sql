{#-
    A time of day written in the catalog, or null where the text is none. '24:00' is the end of the day.

    Example: clock_time("'21:00'") is time '21:00', clock_time("'9 pm'") is null.
-#}
{% macro clock_time(written) -%}
    case
        when {{ written }} ~ '^(([01]?[0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?|24:00(:00)?)$'
            then {{ written }}::time
    end
{%- endmacro %}
