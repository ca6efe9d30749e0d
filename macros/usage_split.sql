{#-
    Columns that say who pays for a record: its place on the axis of its pool's cycle against the ranges
    of plan and rollover units; what lies in neither is overage.

    Args:
        usage: alias of a row of int_usage_open.
        terms: alias of its int_usage_terms.
        pool: alias of its int_pool_cycles (null for usage outside pools).
-#}
{% macro usage_split(usage, terms, pool) -%}
    {%- set drawn = '(' ~ usage ~ '.billable_quantity - ' ~ usage ~ '.no_charge_quantity)' -%}
    {%- set place = usage ~ '.pool_offset' -%}
    {%- set from_plan = range_overlap(place, drawn, pool ~ '.plan_from', pool ~ '.plan_to') -%}
    {%- set from_rollover = range_overlap(
        place, drawn, pool ~ '.rollover_from', pool ~ '.rollover_to'
    ) -%}
    {%- set plan = 'coalesce(' ~ from_plan ~ ', 0)' -%}
    {%- set rollover = 'coalesce(' ~ from_rollover ~ ', 0)' -%}
    case when {{ terms }}.treatment = 'pool' then {{ plan }} else 0 end as plan_quantity,
        case when {{ terms }}.treatment = 'pool' then {{ rollover }} else 0 end as rollover_quantity,
        case
            when {{ terms }}.treatment = 'pool'
                then {{ drawn }} - {{ plan }} - {{ rollover }}
            else 0
        end as overage_quantity,
        case
            when {{ terms }}.treatment = 'metered' then {{ usage }}.billable_quantity else 0
        end as metered_quantity
{%- endmacro %}
