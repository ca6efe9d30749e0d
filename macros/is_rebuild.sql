{#-
    Whether this run makes the open part anew from the raw records instead of adding what is new:
    with --full-refresh, on the first run, after a run that did not finish, and when catalog or
    models changed since the last run. `run_values`, the first model of a run, decides it.
-#}
{% macro is_rebuild() %}
    {%- if not execute -%}
        {{ return(true) }}
    {%- endif -%}
    {%- set values = adapter.get_relation(target.database, 'control', 'run_values') -%}
    {%- if values is none -%}
        {{ return(true) }}
    {%- endif -%}
    {%- set answer = run_query('select is_rebuild from ' ~ values) -%}
    {{ return(answer.rows | length == 0 or answer.rows[0][0]) }}
{% endmacro %}
