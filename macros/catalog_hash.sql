{#-
    Digest of everything that decides how records are rated and charged: all seeds of the catalog,
    and the SQL of the models (as their checksums, a literal).
-#}
{% macro catalog_hash(seeds) %}
    {%- set checksums = [] -%}
    {%- if execute -%}
        {%- for node in graph.nodes.values() if node.resource_type == 'model' -%}
            {%- do checksums.append(node.name ~ ':' ~ node.checksum.checksum) -%}
        {%- endfor -%}
    {%- endif -%}
    md5(
        '{{ local_md5(checksums | sort | join(',')) }}'
{%- for seed in seeds %}
        || coalesce((
            select md5(string_agg(md5(s::text), '' order by md5(s::text)))
            from {{ ref(seed) }} as s
        ), '-')
{%- endfor %}
    )
{% endmacro %}
