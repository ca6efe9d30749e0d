{#-
    Ends a step (CTE or subquery) that Postgres must not fold into the next one, where it would work out
    the same expression once for every use. `offset 0` without the type would do the same and keep
    parallel workers from the step: only a bigint constant is seen to be no limit at that stage.

    Example: select *, expensive(a) as b from t {{ keep_apart() }}
-#}
{% macro keep_apart() -%}
    offset bigint '0'
{%- endmacro %}
