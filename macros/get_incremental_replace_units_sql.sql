{#-
    Incremental strategy `replace_units`: rows of the units (accounts, lines) that are worked out
    again go, and the model's rows come. Unlike delete+insert, a unit that has no row any more
    loses its old ones. In a rebuild all rows go; the table stays, and views on it.

    Config in `meta`:
        units: name of the model that lists the units (the model must refer to it),
        stale: SQL condition over `stored` (a row of this table) and `unit` (a row of that model).
-#}
{% macro get_incremental_replace_units_sql(arg_dict) %}
    {%- if is_rebuild() %}
        truncate {{ arg_dict['target_relation'] }};
    {%- else %}
        delete from {{ arg_dict['target_relation'] }} as stored
        using {{ ref(model.config.meta['units']) }} as unit
        where {{ model.config.meta['stale'] }};
    {%- endif %}
    {{ insert_from_temp(arg_dict) }}
{% endmacro %}
