{#-
    Runs at the end of every dbt run: drops the views that `show_to` once made and that no model of the
    project asks for any more, because it names the audience no longer, or is gone; and takes from the
    server's role what `let_server_read` once gave. It goes by the whole project, not by what was selected,
    so a run of one model leaves the others alone.
-#}
{% macro hide_unshown() %}
    {%- if execute and flags.WHICH in ('run', 'build') -%}
        {%- set shown = [''] -%}
        {%- set read = [''] -%}
        {%- for node in graph.nodes.values() if node.resource_type in ('model', 'seed') -%}
            {%- for schema in node.config.meta.get('show_to', {}) -%}
                {%- do shown.append(schema ~ '.' ~ node.alias) -%}
            {%- endfor -%}
            {%- if node.config.meta.get('server_reads') -%}
                {%- do read.append(node.schema ~ '.' ~ node.alias) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- set left_over = run_query(
            "select case when nspname in ('portal', 'carrier', 'support')"
            ~ " then format('drop view %I.%I cascade', nspname, relname)"
            ~ " else format('revoke all on %I.%I from tandem_server', nspname, relname) end"
            ~ " from pg_class inner join pg_namespace on pg_namespace.oid = relnamespace"
            ~ " where pg_get_userbyid(relowner) = current_user and case"
            ~ " when nspname in ('portal', 'carrier', 'support')"
            ~ " then relkind = 'v' and nspname || '.' || relname not in ('" ~ shown | join("', '") ~ "')"
            ~ " else relkind in ('r', 'v') and nspname || '.' || relname not in ('" ~ read | join("', '") ~ "')"
            ~ " and has_any_column_privilege('tandem_server', pg_class.oid, 'select') end"
        ) -%}
        {%- for row in left_over.rows %}
            {{ row[0] }};
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}
