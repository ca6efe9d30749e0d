{#-
    Incremental strategy `replace_keys`: the model's rows take the place of those with the same
    unique_key. In a rebuild all rows go; the table stays, and views on it.
-#}
{% macro get_incremental_replace_keys_sql(arg_dict) %}
    {%- if is_rebuild() %}
        truncate {{ arg_dict['target_relation'] }};
    {%- else %}
        delete from {{ arg_dict['target_relation'] }} as stored
        using {{ arg_dict['temp_relation'] }} as fresh
        where stored.{{ arg_dict['unique_key'] }} = fresh.{{ arg_dict['unique_key'] }};
    {%- endif %}
    {{ insert_from_temp(arg_dict) }}
{% endmacro %}
