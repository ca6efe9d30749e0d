{#-
    Runs at the start of every dbt run: one that makes only some of the stateful models leaves them
    ahead of the others, so the next whole run is a rebuild.
-#}
{% macro forget_state_of_partial_run() %}
    {%- if execute and is_partial_run()
        and adapter.get_relation(target.database, 'control', 'build_state') is not none -%}
        delete from {{ target.database }}.control.build_state
    {%- endif -%}
{% endmacro %}
