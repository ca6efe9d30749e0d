{#-
    Order in which buckets are drawn: as they became available, plan before adjustment before resale,
    then by id.
-#}
{% macro draw_order() -%}
    available_from, source_rank, bucket_id collate "C"
{%- endmacro %}
