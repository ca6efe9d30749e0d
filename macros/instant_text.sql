{#-
    An instant as text in ISO 8601, in UTC whatever the session's time zone and DateStyle: the same
    instant is always the same text. Fractions of a second are there only where there are any.

    Args:
        instant: SQL expression of type timestamptz.

    Example: instant_text("timestamptz '2025-03-01 12:00:00.25+01'") is
    '2025-03-01T11:00:00.250000+00:00'.
-#}
{% macro instant_text(instant) -%}
    to_char(
        {{ instant }} at time zone 'UTC',
        case
            when date_trunc('second', {{ instant }}) = {{ instant }}
                then 'YYYY-MM-DD"T"HH24:MI:SS"+00:00"'
            else 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"'
        end
    )
{%- endmacro %}
