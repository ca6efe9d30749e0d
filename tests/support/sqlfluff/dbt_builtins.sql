{#- dbt's own function, for sqlfluff, which does not know it -#}
{% macro local_md5(value) %}{{ value }}{% endmacro %}
