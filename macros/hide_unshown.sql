{#-
    Runs at the end of every dbt run: drops the views that `show_to` once made and that no model of the
    project asks for any more, because it names the audience no longer, or is gone. It goes by the whole
    project, not by what was selected, so a run of one model leaves the views of the others alone.
-#}
{% macro hide_unshown() %}
    {%- if execute and flags.WHICH in ('run', 'build') -%}
        {%- set shown = [''] -%}
        {%- for node in graph.nodes.values() if node.resource_type == 'model' -%}
            {%- for schema in node.config.meta.get('show_to', {}) -%}
                {%- do shown.append(schema ~ '.' ~ node.alias) -%}
            {%- endfor -%}
        {%- endfor -%}
        {%- set left_over = run_query(
            "select format('%I.%I', nspname, relname) from pg_class"
            ~ " inner join pg_namespace on pg_namespace.oid = relnamespace"
            ~ " where nspname in ('portal', 'carrier', 'support') and relkind = 'v'"
            ~ " and pg_get_userbyid(relowner) = current_user"
            ~ " and nspname || '.' || relname not in ('" ~ shown | join("', '") ~ "')"
        ) -%}
        {%- for row in left_over.rows -%}
            drop view {{ row[0] }} cascade;
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}
