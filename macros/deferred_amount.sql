{#-
    Section "Revenue": the part of the plan fee that is deferred when a bucket is earned from the plan;
    null where the pool defers nothing.

    Args:
        fee: SQL expression, plan fee of the cycle.
        share: SQL expression, deferral_fee_share of the pool, 0 to 1.
        earned: SQL expression, base units earned.
        allowance: SQL expression, allowance of the cycle in base units.

    Example: deferred_amount('50.00', '0.40', '15000', '60000') is 5.00.
-#}
{% macro deferred_amount(fee, share, earned, allowance) -%}
    {{ round_half_up(fee ~ ' * ' ~ share ~ ' * ' ~ earned ~ ' / nullif(' ~ allowance ~ ', 0)', 2) }}
{%- endmacro %}
