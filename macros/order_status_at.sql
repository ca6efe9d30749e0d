{#-
    The status of an order at an instant: of the rows that held by then the one loaded last; null
    before the first.

    Args:
        order: name of a relation with carrier_id and order_id.
        at: an SQL expression, the instant.
-#}
{% macro order_status_at(order, at) -%}
    (
        select statuses_at.status
        from {{ ref('int_order_statuses') }} as statuses_at
        where
            statuses_at.carrier_id = {{ order }}.carrier_id
            and statuses_at.order_id = {{ order }}.order_id
            and statuses_at.holds_from <= {{ at }}
        order by statuses_at.place desc
        limit 1
    )
{%- endmacro %}
