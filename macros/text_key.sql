{#-
    What two texts have in common that differ in blanks around and between words and in the case of
    the letters A to Z only; empty for a blank one, null for null. Other letters are taken as they
    are, so that the answer does not depend on the server's locale.

    Args:
        written: SQL expression of type text.

    Example: text_key("' Ann  SMITH '") is 'ann smith'.
-#}
{% macro text_key(written) -%}
    lower(btrim(regexp_replace({{ written }}, ' +', ' ', 'g')) collate "C")
{%- endmacro %}
