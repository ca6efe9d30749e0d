{#-
    An order in words, as exceptions tell it: id, action, plan, date and the status at an instant.

    Args:
        order: name of a relation with the columns of int_orders_current; no order where its
            order_id is null.
        at: an SQL expression, the instant.
-#}
{% macro order_in_words(order, at) -%}
    coalesce(
        {{ order }}.order_id || ': ' || concat_ws(
            ' ',
            {{ order }}.action,
            {{ order }}.plan_id,
            {{ order }}.effective_on,
            {{ order_status_at(order, at) }}
        ),
        'no order'
    )
{%- endmacro %}
