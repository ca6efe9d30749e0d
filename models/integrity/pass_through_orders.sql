{{ config(materialized='view') }}

-- Rule "pass-through": an order that awaits or misses its counterpart is passed to the other
-- carrier's ordering platform, as if it had been placed there.

with

order_sync as (select * from {{ ref('order_sync') }}),

accounts as not materialized (select * from {{ ref('int_accounts') }}),

final as (
    select
        md5(concat_ws('|', 'pass_through', carrier_id, order_id, counterpart_carrier_id))
            as message_id,
        counterpart_carrier_id as to_carrier_id,
        carrier_id as from_carrier_id,
        order_id,
        account_id,
        action,
        plan_id,
        sync_status,
        -- the message is sent when the account is known
        not exists (
            select 1
            from accounts
            where accounts.account_id = order_sync.account_id
        ) as awaits_account,
        effective_on,
        requested_at
    from order_sync
    where sync_status in ('awaiting_counterpart', 'missing_counterpart')
)

select * from final
