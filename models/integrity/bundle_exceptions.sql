{{ config(materialized='view') }}

-- Every rule in one list; what an exception is of makes its id, and when it was opened.

{%- set rules = [
    'out_of_sync', 'unknown_plan', 'unknown_account', 'plan_mismatch', 'over_resale'
] %}

with

waivers as not materialized (select * from {{ ref('int_exception_waivers') }}),

run_values as (select * from {{ ref('run_values') }}),

unioned as (
    {%- for rule in rules %}
        select
            exception_type,
            account_id,
            carrier_id,
            order_id,
            service_number,
            adjustment_id,
            other_carrier_id,
            notify_carrier_id,
            expected,
            found,
            opened_at,
            stands_since,
            resolved_at,
            refused_at
        from {{ ref('bundle_exceptions__' ~ rule) }}
        {% if not loop.last %}union all{% endif %}
    {%- endfor %}
),

identified as (
    select
        md5(
            concat_ws(
                '|',
                exception_type,
                carrier_id,
                coalesce(order_id, ''),
                coalesce(other_carrier_id, ''),
                -- lines and adjustments are nobody's order
                case when order_id is null then account_id end,
                service_number,
                adjustment_id,
                -- the newest row of a line is one night old at most, but what it is about is not
                to_char(stands_since at time zone 'UTC', 'YYYYMMDDHH24MISSUS')
            )
        ) as exception_id,
        *
    from unioned
),

final as (
    select
        exceptions.exception_id,
        exceptions.exception_type,
        exceptions.account_id,
        exceptions.carrier_id,
        exceptions.order_id,
        exceptions.service_number,
        exceptions.adjustment_id,
        exceptions.other_carrier_id,
        exceptions.notify_carrier_id,
        exceptions.expected,
        exceptions.found,
        exceptions.resolved_at is null as is_open,
        waiver.reason as waiver_reason,
        waiver.waived_until,
        exceptions.opened_at,
        exceptions.stands_since,
        exceptions.resolved_at,
        exceptions.refused_at
    from identified as exceptions
    cross join run_values
    left join lateral (
        select
            waivers.reason,
            waivers.waived_until
        from waivers
        where
            waivers.exception_type = exceptions.exception_type
            and waivers.account_id = exceptions.account_id
            and coalesce(waivers.carrier_id = exceptions.carrier_id, waivers.carrier_id is null)
            and coalesce(waivers.order_id = exceptions.order_id, waivers.order_id is null)
            and waivers.waived_until > (run_values.as_of at time zone 'UTC')::date
        order by waivers.waived_until desc, waivers.waiver_id collate "C" asc
        limit 1
    ) as waiver on true
)

select * from final
