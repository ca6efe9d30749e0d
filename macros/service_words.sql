{#-
    Service and call type in a customer's words.

    Example: service_words("'voice'", "'long_distance'") is 'Calls, long distance'.
-#}
{% macro service_words(service, call_type) -%}
    (
        case {{ service }}
            when 'voice' then 'Calls'
            when 'video' then 'Video calls'
            when 'sms' then 'Text messages'
            when 'mms' then 'Picture messages'
            when 'im' then 'Instant messages'
            when 'page' then 'Pages'
            when 'event' then 'Events'
            else initcap({{ service }})
        end || ', ' || replace({{ call_type }}, '_', ' ')
    )
{%- endmacro %}
