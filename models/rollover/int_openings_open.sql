{{ config(
    materialized='incremental',
    incremental_strategy='replace_all',
    indexes=[{'columns': ['account_id']}],
) }}

-- Buckets of a system that was replaced, taken over in the first open cycle. They go on as plan
-- buckets: available since the cycle after the one in which they were earned, until the end of the
-- cycle that reaches the date on which they expire.

with

openings as (
    select * from {{ ref('stg_rollover__openings') }}
    where {{ within_run('load_id') }}
),

calendar as (select * from {{ ref('int_account_calendar') }}),

pools as (select * from {{ ref('int_pools') }}),

issued_openings as (select * from {{ source('issued', 'openings') }}),

issued_buckets as (select * from {{ source('issued', 'bucket_cycles') }}),

known as (
    select
        openings.*,
        openings.account_id || '-' || openings.pool_id || '-'
        || to_char(openings.earned_cycle_start, 'YYYYMMDD') || '-plan' as bucket_id,
        pools.base_units_per_unit,
        calendar.bill_cycle_day,
        calendar.first_cycle_start,
        calendar.first_open_start,
        calendar.first_open_end
    from openings
    inner join calendar on openings.account_id = calendar.account_id
    inner join pools on openings.pool_id = pools.pool_id
    -- six decimals tell a whole number of seconds
    where
        openings.quantity_units
        = round(
            round(openings.quantity_units * pools.base_units_per_unit)
            / pools.base_units_per_unit, 6
        )
),

-- the first day of a cycle that is not before the one on which it expires
ended as (
    select
        *,
        {{ months_after(
            cycle_start_of('greatest(expires_on, first_open_end) - 1', 'bill_cycle_day'), '1'
        ) }} as life_end
    from known
),

final as (
    select
        account_id,
        pool_id,
        bucket_id,
        base_units_per_unit,
        round(quantity_units * base_units_per_unit)::bigint as quantity,
        deferred_amount,
        (
            extract(year from life_end) * 12 + extract(month from life_end)
            - extract(year from first_open_end) * 12 - extract(month from first_open_end)
        )::integer + 1 as cycles_left,
        first_open_start as cycle_start,
        earned_cycle_start,
        least(
            {{ months_after('earned_cycle_start', '1') }}, first_open_start
        ) as available_from,
        case
            when expires_on <= first_open_start then 'opening_expired'
            -- what was earned since our first cycle is ours to say
            when earned_cycle_start >= first_cycle_start or exists (
                select 1
                from issued_buckets
                where
                    issued_buckets.account_id = ended.account_id
                    and issued_buckets.bucket_id = ended.bucket_id
            ) then 'opening_exists'
        end as exception_type,
        as_of
    from ended
    where
        not exists (
            select 1
            from issued_openings
            where
                issued_openings.account_id = ended.account_id
                and issued_openings.bucket_id = ended.bucket_id
        )
)

select * from final
