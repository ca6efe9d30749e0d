{#-
    The columns are a key of the model: no two rows have the same values in them, and none is null. Fails
    with the keys that are not, and how many rows have them.

    Args:
        columns: names of the columns.
        nullable: those of them in which null is a value like any other (source 'plan' and no bucket).
-#}
{% test unique_key(model, columns, nullable=[]) %}

    {% set conditions = ['count(*) > 1'] %}
    {% for column in columns if column not in nullable %}
        {% do conditions.append(column ~ ' is null') %}
    {% endfor %}

    select
        {{ columns | join(', ') }},
        count(*) as rows_with_key
    from {{ model }}
    group by {{ columns | join(', ') }}
    having {{ conditions | join(' or ') }}

{% endtest %}
