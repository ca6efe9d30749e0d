{#-
    Runs at the start of every dbt run: refuses while a `tandem` command other than the one that
    started dbt holds the lock of the database.
-#}
{% macro refuse_beside_tandem() %}
    {%- if execute and flags.WHICH in ('run', 'build', 'seed', 'snapshot') -%}
        {%- set holders = run_query(
            "select a.application_name, a.pid from pg_locks as l"
            ~ " inner join pg_stat_activity as a on a.pid = l.pid"
            ~ " where l.locktype = 'advisory' and l.granted"
            ~ " and l.database = (select oid from pg_database where datname = current_database())"
            ~ " and (l.classid::bigint << 32) | l.objid::bigint = " ~ var('tandem_lock_key', 7263361001)
            ~ " and current_setting('application_name') <> 'tandem dbt'"
        ) -%}
        {%- if holders.rows | length > 0 -%}
            {{ exceptions.raise_compiler_error(
                "'" ~ holders.rows[0][0] ~ "' (database session " ~ holders.rows[0][1]
                ~ ") is at work on this database; run dbt again when it is done."
            ) }}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}
