{#-
    Apportion whole cents by weights with the largest-remainder method: two select lists for two
    steps over the same rows.

    floor_share: each row's share, rounded towards minus infinity, and what was cut off of it.
    with_missing_cents: the share with the missing cents handed to the largest cut-offs, ties to the
    first carrier_id.

    Args:
        cents: total to apportion, the same in each row of a group (numeric, whole).
        weight, total_weight: this row's and the group's weight (numeric, total above 0).
        group: columns that make a group.

    Example: 1400 cents by 2 : 1 gives 933 and 467.
-#}
{% macro floor_share(cents, weight, total_weight) -%}
    ({{ cents }} * {{ weight }} - {{ cut_off(cents, weight, total_weight) }}) / {{ total_weight }}
{%- endmacro %}

{% macro cut_off(cents, weight, total_weight) -%}
    mod(mod({{ cents }} * {{ weight }}, {{ total_weight }}) + {{ total_weight }}, {{ total_weight }})
{%- endmacro %}

{% macro with_missing_cents(cents, share, cut_off, group) -%}
    {{ share }} + case
        when
            row_number() over (
                partition by {{ group }}
                order by {{ cut_off }} desc, carrier_id collate "C" asc
            ) <= {{ cents }} - sum({{ share }}) over (partition by {{ group }})
            then 1
        else 0
    end
{%- endmacro %}
