{#-
    Whether a row belongs to a load that this run sees. A plain dbt run holds no lock, so that a load
    may commit between two of its models: the first would not have seen it and the second would. What
    `run_values` did not see waits for the next run.

    The sum with 0 keeps the planner from reading this and `load_id > watermark` as one narrow range,
    of which it would expect half a percent of the table.

    Args:
        load_id: an SQL expression, the load of the row.

    Example: within_run('load_id')
-#}
{% macro within_run(load_id) -%}
    {{ load_id }} + 0 <= (select cutoff_load_id from {{ ref('run_values') }})
{%- endmacro %}
