{#- Id of the bill of an account's cycle: `<account_id>-<cycle_end as YYYYMMDD>`. -#}
{% macro bill_id(account_id, cycle_end) -%}
    {{ account_id }} || '-' || to_char({{ cycle_end }}, 'YYYYMMDD')
{%- endmacro %}
