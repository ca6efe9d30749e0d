{{ config(materialized='view') }}

-- Nothing is lost: every accepted record is rated, suspended or voided. Records are counted where
-- they ended up; the row of a carrier without a cycle takes the rest of what its loads accepted,
-- so that a record that ended up nowhere, or twice, leaves that row out of balance.

with

loads as not materialized (
    select * from {{ ref('stg_loads__files') }}
    where feed = 'cdrs'
),

issued as (select * from {{ source('issued', 'usage_totals') }}),

open_usage as (select * from {{ ref('int_usage_open_funded') }}),

reversals as not materialized (select * from {{ ref('int_reversals_open') }}),

frontiers as (select * from {{ source('issued', 'account_frontiers') }}),

-- from the moment of a close on, what waited in its cycle waits in the next one
suspended as (
    select
        suspended.carrier_id,
        suspended.quantity,
        greatest(suspended.cycle_start, frontiers.closed_through) as cycle_start
    from {{ ref('int_usage_suspended') }} as suspended
    left join frontiers on suspended.account_id = frontiers.account_id
),

voids as (select * from {{ ref('int_usage_voids') }}),

voids_open as not materialized (select * from {{ ref('int_voids_open') }}),

frozen_voids as not materialized (select * from {{ source('issued', 'voided_usage') }}),

issued_reversals as not materialized (
    select * from {{ source('issued', 'rated_usage') }}
    where is_reversal
),

voided as (
    select
        voids.carrier_id,
        voids.quantity,
        case when voids.outcome = 'voided' then 2 else 1 end as records,
        coalesce(
            -- the void of a billed record stands where its reversal does
            issued_reversals.cycle_start,
            open_reversals.cycle_start,
            frozen_voids.cycle_start,
            voids_open.cycle_start
        ) as cycle_start
    from voids
    left join issued_reversals
        on
            voids.account_id = issued_reversals.account_id
            and voids.started_at = issued_reversals.started_at
            and voids.carrier_id = issued_reversals.carrier_id
            and voids.cdr_id = issued_reversals.cdr_id
    left join reversals as open_reversals
        on
            voids.account_id = open_reversals.account_id
            and voids.carrier_id = open_reversals.carrier_id
            and voids.cdr_id = open_reversals.cdr_id
    left join frozen_voids
        on
            voids.account_id = frozen_voids.account_id
            and voids.started_at = frozen_voids.started_at
            and voids.carrier_id = frozen_voids.carrier_id
            and voids.cdr_id = frozen_voids.cdr_id
    left join voids_open
        on
            voids.account_id = voids_open.account_id
            and voids.started_at = voids_open.started_at
            and voids.carrier_id = voids_open.carrier_id
            and voids.cdr_id = voids_open.cdr_id
),

outcomes as (
    select
        carrier_id,
        cycle_start,
        records as rated,
        0 as suspended,
        0 as voided,
        quantity as rated_quantity,
        0 as suspended_quantity,
        0 as voided_quantity,
        charge_amount,
        reversed_amount
    from issued
    union all
    select
        carrier_id,
        cycle_start,
        count(*) as rated,
        0 as suspended,
        0 as voided,
        sum(quantity) as rated_quantity,
        0 as suspended_quantity,
        0 as voided_quantity,
        sum(charge_amount) as charge_amount,
        0 as reversed_amount
    from open_usage
    group by carrier_id, cycle_start
    union all
    select
        reversals.carrier_id,
        reversals.cycle_start,
        0 as rated,
        0 as suspended,
        0 as voided,
        0 as rated_quantity,
        0 as suspended_quantity,
        0 as voided_quantity,
        0 as charge_amount,
        sum(reversals.charge_amount) as reversed_amount
    from reversals
    left join frontiers on reversals.account_id = frontiers.account_id
    where reversals.cycle_start >= coalesce(frontiers.closed_through, '-infinity')
    group by reversals.carrier_id, reversals.cycle_start
    union all
    select
        carrier_id,
        cycle_start,
        0 as rated,
        count(*) as suspended,
        0 as voided,
        0 as rated_quantity,
        sum(quantity) as suspended_quantity,
        0 as voided_quantity,
        0 as charge_amount,
        0 as reversed_amount
    from suspended
    group by carrier_id, cycle_start
    union all
    select
        carrier_id,
        cycle_start,
        0 as rated,
        0 as suspended,
        sum(records) as voided,
        0 as rated_quantity,
        0 as suspended_quantity,
        sum(quantity * records) as voided_quantity,
        0 as charge_amount,
        0 as reversed_amount
    from voided
    group by carrier_id, cycle_start
    union all
    -- every carrier with loads has its row without a cycle
    select
        carrier_id,
        null as cycle_start,
        0 as rated,
        0 as suspended,
        0 as voided,
        0 as rated_quantity,
        0 as suspended_quantity,
        0 as voided_quantity,
        0 as charge_amount,
        0 as reversed_amount
    from loads
    group by carrier_id
),

summed as materialized (
    select
        carrier_id,
        cycle_start,
        sum(rated)::bigint as rated,
        sum(suspended)::bigint as suspended,
        sum(voided)::bigint as voided,
        sum(rated_quantity) as rated_quantity,
        sum(suspended_quantity) as suspended_quantity,
        sum(voided_quantity) as voided_quantity,
        sum(charge_amount) as charge_amount,
        sum(reversed_amount) as reversed_amount
    from outcomes
    group by carrier_id, cycle_start
),

accepted as (
    select
        carrier_id,
        sum(accepted)::bigint as accepted
    from loads
    group by carrier_id
),

with_cycle as (
    select
        carrier_id,
        sum(rated + suspended + voided)::bigint as records
    from summed
    where cycle_start is not null
    group by carrier_id
),

final as (
    select
        summed.carrier_id,
        summed.cycle_start,
        case
            when summed.cycle_start is null
                then coalesce(accepted.accepted, 0) - coalesce(with_cycle.records, 0)
            else summed.rated + summed.suspended + summed.voided
        end as accepted,
        summed.rated,
        summed.suspended,
        summed.voided,
        summed.rated_quantity::bigint as rated_quantity,
        summed.suspended_quantity::bigint as suspended_quantity,
        summed.voided_quantity::bigint as voided_quantity,
        summed.charge_amount::numeric(18, 6) as charge_amount,
        summed.reversed_amount::numeric(18, 6) as reversed_amount
    from summed
    left join accepted on summed.carrier_id = accepted.carrier_id
    left join with_cycle on summed.carrier_id = with_cycle.carrier_id
)

select * from final
