{#-
    Descriptions as comments in the database, in one statement a node. Columns are commented where a
    contract says that they are there, which are the marts; dbt's own macro asks the catalog for the
    columns of every model first, and that takes longer than most models do.
-#}
{% macro postgres__persist_docs(relation, model, for_relation, for_columns) -%}
    {%- set comments = [] -%}
    {%- if for_relation and config.persist_relation_docs() and model.description -%}
        {%- do comments.append(alter_relation_comment(relation, model.description)) -%}
    {%- endif -%}
    {%- if for_columns and config.persist_column_docs() and model.config.contract.enforced -%}
        {%- for column in model.columns.values() if column.description -%}
            {%- do comments.append(
                'comment on column ' ~ relation ~ '.' ~ column.name
                ~ ' is ' ~ postgres_escape_comment(column.description) ~ ';'
            ) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- if comments -%}
        {%- do run_query(comments | join('\n')) -%}
    {%- endif -%}
{%- endmacro %}
