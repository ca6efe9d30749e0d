{{ config(materialized='view') }}

-- Rule "in_sync": within 24 hours of the request a missing counterpart is still awaited.

with

order_sync as (select * from {{ ref('int_order_sync') }}),

run_values as (select * from {{ ref('run_values') }}),

final as (
    select
        order_sync.carrier_id,
        order_sync.order_id,
        order_sync.account_id,
        order_sync.plan_id,
        order_sync.action,
        'completed' as status,
        case
            when
                order_sync.sync_status = 'missing_counterpart'
                and run_values.as_of < order_sync.requested_at + interval '24 hours'
                then 'awaiting_counterpart'
            else order_sync.sync_status
        end as sync_status,
        order_sync.counterpart_carrier_id,
        order_sync.counterpart_order_id,
        order_sync.counterpart_status,
        order_sync.effective_on,
        order_sync.counterpart_effective_on,
        order_sync.requested_at
    from order_sync
    cross join run_values
)

select * from final
