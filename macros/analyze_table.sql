{#-
    Post-hook of every model: the planner needs to know a table that was just filled, and autovacuum comes
    too late for the next model. Views have nothing to analyze.

    Config in `meta`:
        known_together: columns that are joined on together; without it the planner takes each for itself and
            thinks a small table has hardly any different keys.
-#}
{% macro analyze_table() -%}
    {%- if config.get('materialized') in ('table', 'incremental') -%}
        {%- set together = config.get('meta', {}).get('known_together') %}
        {%- if together %}
            create statistics if not exists {{ this.schema }}.{{ this.identifier }}_together (ndistinct)
            on {{ together | join(', ') }} from {{ this }};
        {%- endif %}
        analyze {{ this }}
    {%- endif -%}
{%- endmacro %}
