{#-
    Charge of a record, numeric(18, 6): its overage at the overage rate, or its metered charge. Over the
    columns treatment, overage_quantity, overage_rate, base_units_per_unit and metered_amount.
-#}
{% macro usage_amount() -%}
case
            when treatment = 'pool'
                then {{ usage_charge('overage_quantity', 'overage_rate', 'base_units_per_unit') }}
            else metered_amount
        end::numeric(18, 6)
{%- endmacro %}
