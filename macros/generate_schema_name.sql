{#-
    A model's schema is its domain (the folder under models/), the same in every environment: an
    environment is a database of its own.

    Example: a model in models/billing/ has `+schema: billing` and lands in `billing`.
    A node without a schema fails here instead of landing somewhere.
-#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {%- if custom_schema_name is none -%}
        {#- what is never stored is asked for a schema as well -#}
        {%- if node.resource_type not in ('model', 'seed', 'snapshot', 'function') -%}
            {{ return(target.schema) }}
        {%- endif -%}
        {{ exceptions.raise_compiler_error(
            'No schema for ' ~ node.resource_type ~ ' ' ~ node.name ~ ': give its folder a +schema in dbt_project.yml.'
        ) }}
    {%- endif -%}
    {{ custom_schema_name | trim }}
{%- endmacro %}
