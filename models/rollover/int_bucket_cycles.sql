{{ config(
    materialized='incremental',
    incremental_strategy='replace_all',
    indexes=[
        {'columns': ['account_id', 'bucket_id', 'cycle_start', 'is_after_close'], 'unique': true},
    ],
) }}

-- The life of a bucket is counted in cycles; the date on which it expires follows from the cycles
-- that it has left, so that it moves along when cycles move or stand still.

with

fold as (
    select * from {{ ref('int_rollover_fold') }}
    where bucket_id is not null
),

cycles as (select * from {{ ref('int_open_cycles') }}),

calendar as (select * from {{ ref('int_account_calendar') }}),

bounds as (select * from {{ ref('int_account_bounds') }}),

final as (
    select
        fold.account_id,
        fold.bucket_id,
        fold.pool_id,
        fold.source,
        fold.status,
        fold.cycles_left,
        fold.earned_quantity,
        fold.bucket_opening_quantity as opening_quantity,
        fold.bucket_accumulated_quantity as accumulated_quantity,
        fold.bucket_used_quantity as used_quantity,
        0::bigint as debited_quantity,
        fold.bucket_expired_quantity as expired_quantity,
        fold.bucket_archived_quantity as archived_quantity,
        fold.bucket_remaining_quantity as remaining_quantity,
        fold.range_from,
        fold.range_to,
        fold.is_after_close,
        fold.is_after_close and cycles.is_closing as is_closing,
        fold.cycle_start,
        cycles.cycle_end,
        fold.frontier,
        fold.earned_cycle_start,
        fold.available_from,
        case
            when fold.is_after_close and cycles.is_closing
                then {{ months_after('cycles.cycle_end', 'fold.cycles_left') }}
            -- still open: all its cycles left count from the first one that is not closed
            when fold.is_after_close
                then {{ months_after('bounds.closing_through', 'fold.cycles_left') }}
            else {{ months_after('calendar.first_open_end', 'fold.cycles_left - 1') }}
        end as expires_on
    from fold
    inner join cycles
        on fold.account_id = cycles.account_id and fold.cycle_start = cycles.cycle_start
    inner join calendar on fold.account_id = calendar.account_id
    inner join bounds on fold.account_id = bounds.account_id
)

select * from final
