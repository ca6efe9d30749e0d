-- Orders of accounts that the accounts feed has not brought: the carrier that placed them must
-- correct them, or the account is still to come.

with

orders as (
    select * from {{ ref('int_unresolved_orders') }}
    where is_of_unknown_account
),

accounts as not materialized (select * from {{ ref('int_accounts') }}),

final as (
    select
        'unknown_account' as exception_type,
        orders.account_id,
        orders.carrier_id,
        orders.order_id,
        null::text as service_number,
        null::text as adjustment_id,
        null::text as other_carrier_id,
        orders.carrier_id as notify_carrier_id,
        'an account of the accounts feed' as expected,
        orders.account_id as found,
        orders.requested_at as opened_at,
        orders.requested_at as stands_since,
        null::timestamptz as resolved_at,
        null::timestamptz as refused_at
    from orders
    -- it may have come since
    where
        not exists (
            select 1
            from accounts
            where accounts.account_id = orders.account_id
        )
)

select * from final
