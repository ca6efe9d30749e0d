{{ config(materialized='view') }}

-- What a void took out is not rated, but belongs to a cycle as if it were: to the one that contains
-- its start or, once that is closed, to the first open one. The close of that cycle freezes it.

with

voids as not materialized (
    select * from {{ ref('int_usage_voids') }}
    where outcome = 'voided'
),

calendar as (select * from {{ ref('int_account_calendar') }}),

frozen as not materialized (select * from {{ source('issued', 'voided_usage') }}),

final as (
    select
        voids.account_id,
        voids.started_at,
        voids.carrier_id,
        voids.cdr_id,
        case
            when
                voids.started_at < calendar.first_open_start_at
                or (voids.started_at at time zone calendar.time_zone)::date
                < calendar.first_open_end
                then calendar.first_open_start
            else
                {{ cycle_start_of(
                    '(voids.started_at at time zone calendar.time_zone)::date',
                    'calendar.bill_cycle_day'
                ) }}
        end as cycle_start
    from voids
    inner join calendar on voids.account_id = calendar.account_id
    where
        not exists (
            select 1
            from frozen
            where
                frozen.account_id = voids.account_id
                and frozen.started_at = voids.started_at
                and frozen.carrier_id = voids.carrier_id
                and frozen.cdr_id = voids.cdr_id
        )
)

select * from final
