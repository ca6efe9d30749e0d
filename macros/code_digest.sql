{#-
    Digest of the project's code: models, functions and macros. A new version of Tandem has another
    one, and so the first build after an upgrade makes the open part anew.

    Where dbt does not hand over the macros as it does now, the build fails instead of going on
    without them.
-#}
{% macro code_digest() -%}
    {%- set parts = [] -%}
    {%- if execute -%}
        {%- for node in graph.nodes.values() if node.resource_type == 'model' -%}
            {%- do parts.append('model ' ~ node.name ~ ':' ~ node.checksum.checksum) -%}
        {%- endfor -%}
        {%- for node in graph.functions.values() -%}
            {%- do parts.append('function ' ~ node.name ~ ':' ~ node.checksum.checksum) -%}
        {%- endfor -%}
        {%- for name, generator in context[project_name].items() -%}
            {%- do parts.append('macro ' ~ name ~ ':' ~ local_md5(generator.macro.macro_sql)) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ local_md5(parts | sort | join(',')) }}
{%- endmacro %}
