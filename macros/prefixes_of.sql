{#-
    All prefixes of a number's digits, the empty one included, as an array: what a destination prefix
    may match. A short code or no number has the empty prefix only.

    Example: prefixes_of("'+4420'") is {'', '4', '44', '442', '4420'}.
-#}
{% macro prefixes_of(number) -%}
    case
        when {{ number }} like '+%'
            then array(
                select left(substr({{ number }}, 2), prefix_length)
                from generate_series(0, length({{ number }}) - 1) as prefix_length
            )
        else array['']
    end
{%- endmacro %}
