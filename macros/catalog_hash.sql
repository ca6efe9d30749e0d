{#-
    Digest of everything that decides how records are rated and charged: all seeds of the catalog,
    the SQL of the models and functions (as their checksums), and the text of the project's macros.
    All but the seeds are one literal, `code_digest()`.
-#}
{% macro catalog_hash(seeds) %}
    {%- set code = code_digest() -%}
    md5(
        '{{ code }}'
{%- for seed in seeds %}
        || coalesce((
            select md5(string_agg(md5(s::text), '' order by md5(s::text)))
            from {{ ref(seed) }} as s
        ), '-')
{%- endfor %}
    )
{% endmacro %}
