{{ config(unlogged=true, indexes=[{'columns': ['carrier_id', 'order_id']}]) }}

-- Every status that an order took, of the accounts that are worked out again, with the instant from
-- which it holds: not before the order was placed.

with

accounts as (select * from {{ ref('int_order_accounts') }}),

statuses as (select * from {{ ref('stg_orders__statuses') }}),

final as (
    select
        statuses.account_id,
        statuses.carrier_id,
        statuses.order_id,
        statuses.status,
        row_number() over (
            partition by statuses.carrier_id, statuses.order_id
            order by statuses.load_id, statuses.row_number
        ) as place,
        greatest(statuses.requested_at, statuses.status_at) as holds_from
    from accounts
    inner join statuses on accounts.account_id = statuses.account_id
    where {{ within_run('statuses.load_id') }}
)

select * from final
