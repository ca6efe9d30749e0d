{#-
    The last statement of our incremental strategies: insert what the model selected.

    Args:
        arg_dict: as dbt hands it to an incremental strategy.
-#}
{% macro insert_from_temp(arg_dict) %}
    {%- set columns = get_quoted_csv(arg_dict['dest_columns'] | map(attribute='name')) -%}
    insert into {{ arg_dict['target_relation'] }} ({{ columns }})
    select {{ columns }} from {{ arg_dict['temp_relation'] }}
{% endmacro %}
