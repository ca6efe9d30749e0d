{{ config(materialized='view') }}

with

batch_rows as (select * from {{ ref('stg_subscribers__batch_rows') }}),

changes as (select * from {{ ref('stg_subscribers__changes') }}),

unioned as (
    select
        carrier_id,
        service_number,
        account_id,
        plan_id,
        status,
        subscriber_name,
        email,
        null as change_id,
        load_id,
        row_number,
        true as is_batch,
        batch_as_of as data_at,
        activated_at,
        deactivated_at
    from batch_rows
    where {{ within_run('load_id') }}
    union all
    select
        carrier_id,
        service_number,
        account_id,
        plan_id,
        status,
        subscriber_name,
        email,
        change_id,
        load_id,
        row_number,
        false as is_batch,
        changed_at as data_at,
        activated_at,
        deactivated_at
    from changes
    where {{ within_run('load_id') }}
)

select * from unioned
