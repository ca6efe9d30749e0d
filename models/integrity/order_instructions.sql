{{ config(materialized='view') }}

-- What the platform that placed an order is told when the other carrier does not follow: to hold it
-- back, and to withdraw it when the other one refuses, at once or later: the one takes the place of
-- the other. It may go on when the exception is resolved.

with

exceptions as (
    select * from {{ ref('bundle_exceptions') }}
    where other_carrier_id is not null and waived_until is null
),

instructions as (
    select
        md5('instruction|' || exception_id) as instruction_id,
        'withdraw' as instruction,
        opened_at as told_at,
        resolved_at as ended_at,
        *
    from exceptions
    where exception_type = 'counterpart_failed'
    union all
    select
        md5('instruction|' || exception_id) as instruction_id,
        'hold' as instruction,
        opened_at as told_at,
        coalesce(refused_at, resolved_at) as ended_at,
        *
    from exceptions
    where exception_type != 'counterpart_failed'
    union all
    select
        md5('withdraw|' || exception_id) as instruction_id,
        'withdraw' as instruction,
        refused_at as told_at,
        resolved_at as ended_at,
        *
    from exceptions
    where exception_type != 'counterpart_failed' and refused_at is not null
),

final as (
    select
        instruction_id,
        instruction,
        carrier_id,
        order_id,
        account_id,
        other_carrier_id,
        exception_id,
        told_at as opened_at,
        ended_at as resolved_at
    from instructions
)

select * from final
