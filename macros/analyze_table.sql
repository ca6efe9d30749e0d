{#-
    Post-hook of every model: the planner needs to know a table that was just filled, and autovacuum comes
    too late for the next model. Views have nothing to analyze.
-#}
{% macro analyze_table() -%}
    {%- if config.get('materialized') in ('table', 'incremental') -%}
        analyze {{ this }}
    {%- endif -%}
{%- endmacro %}
