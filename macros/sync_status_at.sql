{#-
    How an order and its counterpart stood at an instant, whatever the grace period.

    Args:
        order, counterpart: names of relations with the columns of int_orders_current.
        at: an SQL expression, the instant.
        tolerance: an SQL expression, days by which the two may differ in effective_on.
-#}
{% macro sync_status_at(order, counterpart, at, tolerance) -%}
    case coalesce({{ order_status_at(counterpart, at) }}, 'submitted')
        when 'submitted' then 'missing_counterpart'
        when 'completed'
            then
                case
                    when
                        {{ order }}.plan_id = {{ counterpart }}.plan_id
                        and {{ order }}.action = {{ counterpart }}.action
                        and abs({{ order }}.effective_on - {{ counterpart }}.effective_on)
                        <= {{ tolerance }}
                        then 'in_sync'
                    else 'mismatched'
                end
        else 'counterpart_failed'
    end
{%- endmacro %}
