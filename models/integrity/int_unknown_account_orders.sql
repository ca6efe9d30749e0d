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

-- Completed plan orders of accounts that were not known when the orders came: nobody is billed for
-- them.

-- depends_on: {{ ref('int_order_accounts') }}

select
    orders.account_id,
    orders.carrier_id,
    orders.order_id,
    orders.requested_at
from {{ ref('int_orders_current') }} as orders
where
    orders.status = 'completed'
    and orders.action in ('subscribe', 'change_plan', 'cancel')
    and not exists (
        select 1
        from {{ ref('int_accounts') }} as accounts
        where accounts.account_id = orders.account_id
    )
