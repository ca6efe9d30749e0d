{{ config(unlogged=true, indexes=[{'columns': ['account_id']}]) }}

with

accounts as (select * from {{ ref('int_order_accounts') }}),

statuses as (select * from {{ ref('stg_orders__statuses') }}),

latest as (
    select distinct on (statuses.carrier_id, statuses.order_id)
        statuses.carrier_id,
        statuses.order_id,
        statuses.account_id,
        statuses.action,
        statuses.plan_id,
        statuses.status,
        statuses.counterpart_order_id,
        statuses.effective_on,
        statuses.requested_at,
        statuses.status_at
    from accounts
    inner join statuses on accounts.account_id = statuses.account_id
    where {{ within_run('statuses.load_id') }}
    order by
        statuses.carrier_id asc,
        statuses.order_id asc,
        statuses.load_id desc,
        statuses.row_number desc
)

select * from latest
