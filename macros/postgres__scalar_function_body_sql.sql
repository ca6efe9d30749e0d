{#-
    Body of a dbt function in PL/pgSQL: dbt knows SQL only. The files under functions/ hold what
    stands between `declare`/`begin` and `end`.
-#}
{% macro postgres__scalar_function_body_sql() %}
    
    $function$
    {{ model.compiled_code }}
    $function$ language {{ model.config.meta.get('language', 'sql') }}
    {{ 'parallel safe' if model.config.get('volatility') == 'deterministic' }}
{% endmacro %}
