-- A record's unit type is its service's, and these are the services that a feed can bring.

with

services as not materialized (select * from {{ ref('services') }}),

expected as (
    select
        service,
        unit_type
    from (
        values
        ('voice', 'minute'),
        ('video', 'minute'),
        ('sms', 'message'),
        ('mms', 'message'),
        ('im', 'message'),
        ('page', 'message'),
        ('data', 'megabyte'),
        ('event', 'event')
    ) as listed (service, unit_type)
),

final as (
    select
        'wrong_services' as rule_name,
        'services' as seed,
        coalesce(expected.service, services.service) as row_key,
        case
            when expected.service is null then 'no feed can bring this service'
            when services.service is null then 'the row is missing'
            else 'its unit is ' || expected.unit_type || ', not ' || services.unit_type
        end as detail
    from expected
    full join services on expected.service = services.service
    where
        expected.service is null
        or services.service is null
        or expected.unit_type != services.unit_type
)

select * from final
