{#-
    Post-hook of every model: of a mart that people outside engineering read it makes a view of its rows
    in the schema of each audience, under the mart's own name, and lets the audience's role read that and
    nothing else. What is not shown any more, `hide_unshown` removes.

    The filter is part of a `security_barrier` view, so that no function in a query sees a row before it.

    Config in `meta`:
        show_to: which rows each audience sees.
            portal: 'account': rows of the account that the session is for (setting `tandem.account_id`).
            carrier: 'own': rows of the carriers whose role the session has; 'served': rows of accounts
                that have service from one of them; 'concerned': rows that it placed or must act on;
                'sent': rows on their way from or to one of them.
            support: 'all': every row.
        hide_in_portal: columns that the portal does not show: they are null there.

    Example: `+meta: {show_to: {portal: account, carrier: served, support: all}}`
-#}
{% macro show_to() -%}
    {%- set audiences = model.config.meta.get('show_to', {}) -%}
    {%- set hidden = model.config.meta.get('hide_in_portal', []) -%}
    {%- set carriers -%}
        (
            select coalesce(array_agg(substr(rolname, length('tandem_carrier_') + 1)), '{}')
            from pg_catalog.pg_roles
            where
                starts_with(rolname, 'tandem_carrier_')
                and pg_has_role(oid, 'usage')
        )::text[]
    {%- endset -%}
    {%- set filters = {
        'account': "mart.account_id = nullif(current_setting('tandem.account_id', true), '')",
        'own': 'mart.carrier_id = any(' ~ carriers ~ ')',
        'concerned': '(mart.carrier_id = any(' ~ carriers ~ ') or mart.notify_carrier_id = any(' ~ carriers ~ '))',
        'sent': '(mart.from_carrier_id = any(' ~ carriers ~ ') or mart.to_carrier_id = any(' ~ carriers ~ '))',
        'all': 'true',
    } -%}
    {%- if audiences.get('carrier') == 'served' -%}
        {%- set served = ref('int_carrier_accounts') -%}
        {%- do filters.update({
            'served': 'exists (select 1 from ' ~ served ~ ' as served where served.account_id = mart.account_id'
                ~ ' and served.carrier_id = any(' ~ carriers ~ '))'
        }) -%}
    {%- endif -%}
    {%- set columns = {'portal': ['mart.*'], 'carrier': ['mart.*'], 'support': ['mart.*']} -%}
    {%- if hidden and execute -%}
        {%- do columns.update({'portal': []}) -%}
        {%- for column in adapter.get_columns_in_relation(this) -%}
            {%- do columns['portal'].append(
                'null::' ~ column.data_type ~ ' as ' ~ column.name
                if column.name in hidden else 'mart.' ~ column.name
            ) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- for schema, rows in audiences.items() %}
        {%- set shown = schema ~ '.' ~ this.identifier %}
        do $show$
        begin
            create or replace view {{ shown }} with (security_barrier) as
            select {{ columns[schema] | join(', ') }} from {{ this }} as mart where {{ filters[rows] }};
        exception when invalid_table_definition then
            drop view {{ shown }} cascade;
            create view {{ shown }} with (security_barrier) as
            select {{ columns[schema] | join(', ') }} from {{ this }} as mart where {{ filters[rows] }};
        end
        $show$;
        grant select on {{ shown }} to tandem_{{ schema }};
    {%- endfor %}
{%- endmacro %}
