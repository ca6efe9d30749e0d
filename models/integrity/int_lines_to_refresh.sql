{{ config(unlogged=true) }}

-- Most rows of a nightly batch only say again what is known. A line is worked out again when
-- something new says otherwise, or speaks of a time before the line's newest row.

{% set known = adapter.get_relation(target.database, 'integrity', 'int_casi_history')
    if execute and not is_rebuild() else none %}

with

run_values as not materialized (select * from {{ ref('run_values') }}),

new_rows as (
    select
        carrier_id,
        service_number,
        account_id,
        batch_as_of as data_at,
        (plan_id, status, subscriber_name, email, activated_at, deactivated_at) as content
    from {{ ref('stg_subscribers__batch_rows') }}
    where
        load_id > (select watermark_load_id from run_values)
        and {{ within_run('load_id') }}
    union all
    select
        carrier_id,
        service_number,
        account_id,
        changed_at as data_at,
        (plan_id, status, subscriber_name, email, activated_at, deactivated_at) as content
    from {{ ref('stg_subscribers__changes') }}
    where
        load_id > (select watermark_load_id from run_values)
        and {{ within_run('load_id') }}
),

{% if known is none %}
    final as (
        select distinct
            carrier_id,
            service_number,
            account_id,
            null::timestamptz as was_known_from
        from new_rows
    )
{% else %}
    to_refresh as (
        select distinct
            new_rows.carrier_id,
            new_rows.service_number,
            new_rows.account_id
        from new_rows
        left join {{ known }} as known
            on
                new_rows.carrier_id = known.carrier_id
                and new_rows.service_number = known.service_number
                and new_rows.account_id = known.account_id
                and known.is_current
        where
            known.account_id is null
            or new_rows.data_at <= known.known_from
            or new_rows.content is distinct from (
                known.plan_id,
                known.status,
                known.subscriber_name,
                known.email,
                known.activated_at,
                known.deactivated_at
            )
    ),

    final as (
        select
            to_refresh.carrier_id,
            to_refresh.service_number,
            to_refresh.account_id,
            first_known.known_from as was_known_from
        from to_refresh
        left join {{ known }} as first_known
            on
                to_refresh.carrier_id = first_known.carrier_id
                and to_refresh.service_number = first_known.service_number
                and to_refresh.account_id = first_known.account_id
                and first_known.place = 1
    )
{% endif %}

select * from final
