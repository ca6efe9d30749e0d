{#-
    Ends a model of strategy `replace_in_rebuild`: no rows, and no work, but in a rebuild.

    Example: select * from final {{ only_in_rebuild() }}
-#}
{% macro only_in_rebuild() -%}
    {%- if is_incremental() and not is_rebuild() %}where false{% endif -%}
{%- endmacro %}
