{{ config(materialized='view') }}

-- Rule "bundle exceptions": each yields one notification, to the carrier that must act. What is
-- waived is nobody's task.

with

exceptions as (select * from {{ ref('bundle_exceptions') }}),

accounts as not materialized (select * from {{ ref('int_accounts') }}),

final as (
    select
        exception_id as notification_id,
        exception_id,
        exception_type,
        notify_carrier_id as carrier_id,
        account_id,
        carrier_id as order_carrier_id,
        order_id,
        service_number,
        expected,
        found,
        is_open,
        -- nobody is to make a change for an account that is not known; whoever said so is told
        other_carrier_id is not null
        and not exists (
            select 1
            from accounts
            where accounts.account_id = exceptions.account_id
        ) as awaits_account,
        opened_at,
        stands_since,
        resolved_at
    from exceptions
    where waived_until is null
)

select * from final
