{#-
    Incremental strategy `replace_all`: the model's rows take the place of all rows, in the same
    table. Unlike a dbt table, which is swapped and dropped, views and grants on it stay.
-#}
{% macro get_incremental_replace_all_sql(arg_dict) %}
    delete from {{ arg_dict['target_relation'] }};
    {{ insert_from_temp(arg_dict) }}
{% endmacro %}
