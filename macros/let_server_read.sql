{#-
    Post-hook of every model and seed: lets the role of `tandem serve` itself read the columns that it asks
    for in its own name. What it shows to others it reads as their role (`show_to`).

    Config in `meta`:
        server_reads: columns.
-#}
{% macro let_server_read() -%}
    {%- set columns = model.config.meta.get('server_reads', []) -%}
    {%- if columns -%}
        revoke all on {{ this }} from tandem_server;
        grant select ({{ columns | join(', ') }}) on {{ this }} to tandem_server;
    {%- endif -%}
{%- endmacro %}
