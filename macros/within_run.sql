{#-
    Whether a row belongs to a load that this run sees. A plain dbt run holds no lock, so that a load
    may commit between two of its models: the first would not have seen it and the second would. What
    `run_values` did not see waits for the next run.

    It says "not later" for the sake of the planner, which then expects most rows to pass. `<=` beside
    `load_id > watermark` would be to it a narrow range, of half a percent of the table.

    Args:
        load_id: an SQL expression, the load of the row.

    Example: within_run('load_id')
-#}
{% macro within_run(load_id) -%}
    ({{ load_id }} > (select cutoff_load_id from {{ ref('run_values') }})) is not true
{%- endmacro %}
