{{ config(materialized='view') }}

-- Raw is append-only: every status that an order took is still there.

with

statuses as (
    select * from {{ ref('stg_orders__statuses') }}
    where {{ within_run('load_id') }}
),

final as (
    select
        carrier_id,
        order_id,
        account_id,
        action,
        plan_id,
        service_number,
        status,
        counterpart_order_id,
        row_number() over (
            -- the account is the same in all of them; by it, one account's can be read alone
            partition by account_id, carrier_id, order_id
            order by load_id desc, row_number desc
        ) = 1 as is_current,
        load_id,
        effective_on,
        requested_at,
        status_at
    from statuses
)

select * from final
