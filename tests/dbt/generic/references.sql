{#-
    Every value of the column is in a column of another model; null refers to nothing. Fails with the values
    that are not there.

    Args:
        column_name: the column (given by dbt).
        to: the other model, as ref('...').
        field: its column.
-#}
{% test references(model, column_name, to, field) %}

    select distinct referring.{{ column_name }}
    from {{ model }} as referring
    where
        referring.{{ column_name }} is not null
        and not exists (
            select 1
            from {{ to }} as known
            where known.{{ field }} = referring.{{ column_name }}
        )

{% endtest %}
