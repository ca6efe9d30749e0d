{#-
    A 64-bit id made from the content of some columns: the same content has the same id, in every
    build. Null differs from the empty text.

    Args:
        columns: list of SQL expressions.
-#}
{% macro content_id(columns) -%}
    (
        'x' || left(md5(concat_ws(
            '|',
    {%- for column in columns %}
            coalesce(replace(({{ column }})::text, '|', '||'), '-|-'){{ ',' if not loop.last }}
    {%- endfor %}
        )), 16)
    )::bit(64)::bigint
{%- endmacro %}
