{#- What readers of usage see of the terms it was rated under. -#}
{% macro terms_columns(terms) -%}
    {{ terms }}.plan_id,
        {{ terms }}.rating_platform_id,
        {{ terms }}.service,
        {{ terms }}.call_type,
        {{ terms }}.direction,
        {{ terms }}.treatment,
        {{ terms }}.pool_id,
        {{ terms }}.unit_type,
        {{ terms }}.category
{%- endmacro %}
