{#-
    Why a record, or a part of it, costs nothing: the rule, the free service, or no duration at all. Over
    the columns quantity, no_charge_quantity, treatment and rule_id.
-#}
{% macro no_charge_reason() -%}
case
            when quantity = 0 then 'zero_duration'
            when no_charge_quantity > 0 and treatment = 'free' then 'free_service'
            when no_charge_quantity > 0 then rule_id
        end
{%- endmacro %}
