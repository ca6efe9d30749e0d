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
    where bucket_id is not null and adjustment_id is null
),

inputs as (select * from {{ ref('int_pool_cycle_inputs') }}),

carried as (select * from {{ ref('int_buckets_carried') }}),

recalled as (select * from {{ ref('int_buckets_recalled') }}),

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
        -- Section "Revenue": what was received for the units of a bucket when they were earned
        coalesce(
            carried.deferred_amount,
            recalled.deferred_amount,
            {{ deferred_amount(
                'case when earned.reported_load_id is null then earned.fee_amount'
                ~ ' else earned.reported_fee_amount end',
                'earned.deferral_fee_share',
                'fold.earned_quantity',
                'coalesce(earned.reported_allowance_quantity, earned.allowance_quantity)'
            ) }},
            0
        )::numeric(18, 2) as deferred_amount,
        coalesce(carried.is_taken_over, false) and cycles.is_first_open as is_taken_over,
        fold.bucket_opening_quantity as opening_quantity,
        fold.bucket_given_quantity as given_quantity,
        fold.bucket_accumulated_quantity as accumulated_quantity,
        fold.bucket_used_quantity as used_quantity,
        fold.bucket_debited_quantity as debited_quantity,
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
    left join carried
        on fold.account_id = carried.account_id and fold.bucket_id = carried.bucket_id
    left join recalled
        on fold.account_id = recalled.account_id and fold.bucket_id = recalled.bucket_id
    left join inputs as earned
        on
            fold.source = 'plan'
            and fold.account_id = earned.account_id
            and fold.pool_id = earned.pool_id
            and fold.earned_cycle_start = earned.cycle_start
)

select * from final
