-- Expired units of which more were to be sold again than there were: told to the biller.

with

exceptions as (
    select * from {{ ref('rollover_exceptions') }}
    where exception_type = 'over_resale'
),

biller as not materialized (select * from {{ ref('int_biller') }}),

final as (
    select
        exceptions.exception_type,
        exceptions.account_id,
        biller.carrier_id,
        null::text as order_id,
        null::text as service_number,
        exceptions.subject as adjustment_id,
        null::text as other_carrier_id,
        biller.carrier_id as notify_carrier_id,
        'at most ' || trim_scale(exceptions.expected_units) || ' units' as expected,
        exceptions.subject || ': ' || trim_scale(exceptions.found_units) || ' units' as found,
        exceptions.opened_at,
        exceptions.opened_at as stands_since,
        null::timestamptz as resolved_at,
        null::timestamptz as refused_at
    from exceptions
    cross join biller
)

select * from final
