{#-
    Section "Revenue": how much of a bucket's deferred amount has been earned, or has lapsed, when so
    many units remain: deferred * (1 - remaining / earned), multiplied before divided, rounded once.

    Args:
        deferred: SQL expression, deferred amount of the bucket.
        earned: SQL expression, base units earned in it; not 0.
        remaining: SQL expression, base units left.

    Example: recognised_amount('0.03', '6', '1') is 0.03 (0.025, the half up).
-#}
{% macro recognised_amount(deferred, earned, remaining) -%}
    {{ round_half_up(deferred ~ ' * (' ~ earned ~ ' - (' ~ remaining ~ ')) / ' ~ earned, 2) }}
{%- endmacro %}
