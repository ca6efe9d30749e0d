{#-
    Tables that a run makes anew for its own next steps, replaced in one transaction. Public marts do not
    stand on them (they are read while a build is at work), so that dbt's detour by way of a second table,
    two renamings and a drop is not needed.

    On a failure the old table stays, as everything here is rolled back.
-#}
{% materialization table, adapter='postgres' %}
    {%- set existing = load_cached_relation(this) -%}
    {%- set target = this.incorporate(type='table') -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}

    {% call statement('main') -%}
        {%- if existing is not none %}
            drop {{ existing.type }} if exists {{ existing }} cascade;
        {%- endif %}
        {{ get_create_table_as_sql(False, target, sql) }}
        {%- for index in config.get('indexes', []) %}
            {{ get_create_index_sql(target, index) }};
        {%- endfor %}
    {%- endcall %}

    {%- do finish_in_place(target) -%}

    {{ return({'relations': [target]}) }}
{% endmaterialization %}
