-- Orders that the other carrier does not answer, or answers otherwise: from 24 hours after the
-- request on, if the warehouse has got there.

with

exceptions as (select * from {{ ref('int_sync_exceptions') }}),

run_values as (select * from {{ ref('run_values') }}),

final as (
    select
        exceptions.exception_type,
        exceptions.account_id,
        exceptions.carrier_id,
        exceptions.order_id,
        null::text as service_number,
        null::text as adjustment_id,
        exceptions.other_carrier_id,
        exceptions.other_carrier_id as notify_carrier_id,
        exceptions.expected,
        exceptions.found,
        exceptions.opened_at,
        exceptions.opened_at as stands_since,
        exceptions.resolved_at,
        exceptions.refused_at
    from exceptions
    cross join run_values
    where exceptions.requested_at + interval '24 hours' <= run_values.as_of
)

select * from final
