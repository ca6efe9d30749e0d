{#-
    Whether this dbt run makes only some of the models that stand on each other's state: such a run
    must not say that it has brought the warehouse up to what is loaded.
-#}
{% macro is_partial_run() %}
    {%- if not execute or flags.WHICH not in ('run', 'build') -%}
        {{ return(false) }}
    {%- endif -%}
    {%- set stateful = [] -%}
    {%- set selected = [] -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'model' and (
        node.config.meta.get('follows_rebuild', false)
        or node.name in ('run_values', 'build_state')
    ) -%}
        {%- do stateful.append(node.unique_id) -%}
        {%- if node.unique_id in selected_resources -%}
            {%- do selected.append(node.unique_id) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(selected | length not in (0, stateful | length)) }}
{% endmacro %}
