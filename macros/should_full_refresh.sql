{#-
    dbt asks this before it materialises a seed or an incremental model. Models that follow a rebuild
    stand on the same records, all together: one of them alone cannot be refreshed.
-#}
{% macro should_full_refresh() %}
    {%- set configured = config.get('full_refresh') -%}
    {%- if configured is not none -%}
        {{ return(configured) }}
    {%- endif -%}
    {%- set follows = model.config.meta.get('follows_rebuild', false) -%}
    {%- if flags.FULL_REFRESH and follows and not is_rebuild() -%}
        {{ exceptions.raise_compiler_error(
            model.name ~ ' cannot be refreshed alone: run `dbt build --full-refresh` without --select.'
        ) }}
    {%- endif -%}
    {{ return(flags.FULL_REFRESH) }}
{% endmacro %}
