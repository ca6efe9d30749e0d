{#-
    Views are replaced in place: views of others on a mart, and grants that others gave on it, outlive a
    build. dbt's own materialization makes a new view and drops the old one `cascade`, and theirs with
    it.

    Only where the columns are not those of the old view any more, which a new version of Tandem may
    bring, is it dropped and made anew.
-#}
{% materialization view, adapter='postgres' %}
    {%- set existing = load_cached_relation(this) -%}
    {%- set target = this.incorporate(type='view') -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}

    {%- if existing is not none and not existing.is_view %}
        {%- do adapter.drop_relation(existing) -%}
        {%- set existing = none -%}
    {%- endif %}
    {%- set create = get_create_view_as_sql(target, sql) -%}

    {% call statement('main') -%}
        {%- if existing is none %}
            {{ create }}
        {%- else %}
            do $replace$
            begin
                {{ create | replace('create view', 'create or replace view', 1) }}
            exception when invalid_table_definition then
                drop view {{ target }} cascade;
                {{ create }}
            end
            $replace$
        {%- endif %}
    {%- endcall %}

    {%- do finish_in_place(target) -%}

    {{ return({'relations': [target]}) }}
{% endmaterialization %}
