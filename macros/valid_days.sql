{#-
    The days on which a row of the catalog is valid; null where it has none, as daterange() raises an error then.

    Example: valid_from 2025-01-01 and valid_to 2026-01-01 are '[2025-01-01,2026-01-01)'.
-#}
{% macro valid_days() -%}
    case when valid_from < coalesce(valid_to, 'infinity') then daterange(valid_from, valid_to) end
{%- endmacro %}
