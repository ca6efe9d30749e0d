{#-
    Incremental strategy `replace_in_rebuild`, for models of the catalog alone: their rows are the
    same from one rebuild to the next, as a change of the catalog makes the next run a rebuild. The
    model ends in `only_in_rebuild()`, so that in other runs nothing is worked out either.
-#}
{% macro get_incremental_replace_in_rebuild_sql(arg_dict) %}
    {%- if is_rebuild() %}
        truncate {{ arg_dict['target_relation'] }};
        {{ insert_from_temp(arg_dict) }}
    {%- else %}
        select 1
    {%- endif %}
{% endmacro %}
