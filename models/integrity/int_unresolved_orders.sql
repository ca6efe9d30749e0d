{{ config(
    materialized='incremental',
    incremental_strategy='replace_units',
    indexes=[{'columns': ['account_id']}],
    meta={
        'follows_rebuild': true,
        'units': 'int_order_accounts',
        'stale': 'stored.account_id = unit.account_id',
    },
) }}

-- Completed plan orders that name what nobody knows: an account that was not known when they came,
-- so that nobody is billed for them, or a plan that the catalog does not have, so that they count
-- for nothing.

-- depends_on: {{ ref('int_order_accounts') }}

with

orders as not materialized (select * from {{ ref('int_orders_current') }}),

accounts as not materialized (select * from {{ ref('int_accounts') }}),

plans as (select * from {{ ref('plans') }}),

judged as (
    select
        orders.account_id,
        orders.carrier_id,
        orders.order_id,
        orders.plan_id,
        orders.requested_at,
        accounts.account_id is null as is_of_unknown_account,
        plans.plan_id is null as is_for_unknown_plan
    from orders
    left join accounts on orders.account_id = accounts.account_id
    left join plans on orders.plan_id = plans.plan_id
    where
        orders.status = 'completed'
        and orders.action in ('subscribe', 'change_plan', 'cancel')
),

final as (
    select * from judged
    where is_of_unknown_account or is_for_unknown_plan
)

select * from final
