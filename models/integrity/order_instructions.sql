{{ config(materialized='view') }}

-- What the platform that placed an order is told when the other carrier does not follow: to hold it
-- back, or to withdraw it when the other one refuses. It may go on when the exception is resolved.

with

exceptions as (select * from {{ ref('bundle_exceptions') }}),

final as (
    select
        md5('instruction|' || exception_id) as instruction_id,
        case exception_type
            when 'counterpart_failed' then 'withdraw'
            else 'hold'
        end as instruction,
        carrier_id,
        order_id,
        account_id,
        other_carrier_id,
        exception_id,
        opened_at,
        resolved_at
    from exceptions
    where other_carrier_id is not null and waived_until is null
)

select * from final
