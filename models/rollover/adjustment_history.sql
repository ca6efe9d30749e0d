{{ config(materialized='view') }}

-- Every adjustment that was accepted, with what became of it: final where the cycle in which it
-- counted is closed, as it stands where that is open, unapplied where account or pool is not known.

with

adjustments as (select * from {{ ref('stg_rollover__adjustments') }}),

issued as not materialized (select * from {{ source('issued', 'adjustments') }}),

frontiers as not materialized (select * from {{ source('issued', 'account_frontiers') }}),

folded as not materialized (
    select folded.*
    from {{ ref('int_adjustments_folded') }} as folded
    left join frontiers on folded.account_id = frontiers.account_id
    where
        folded.frontier = coalesce(frontiers.closed_through, '-infinity')
        and folded.cycle_start >= coalesce(frontiers.closed_through, '-infinity')
),

joined as (
    select
        adjustments.*,
        coalesce(issued.cycle_start, folded.cycle_start) as cycle_start,
        coalesce(issued.bucket_id, folded.bucket_id) as bucket_id,
        coalesce(issued.base_units_per_unit, folded.base_units_per_unit, 1) as base_units_per_unit,
        coalesce(issued.applied_quantity, folded.applied_quantity, 0) as applied_quantity,
        coalesce(issued.amount, folded.amount) as amount,
        coalesce(issued.exception_type, folded.exception_type) as exception_type,
        issued.account_id is not null as is_closed
    from adjustments
    left join issued
        on
            adjustments.account_id = issued.account_id
            and adjustments.adjustment_id = issued.adjustment_id
    left join folded
        on
            adjustments.account_id = folded.account_id
            and adjustments.adjustment_id = folded.adjustment_id
),

final as (
    select
        adjustment_id,
        account_id,
        pool_id,
        action,
        quantity_units::numeric(20, 6) as quantity,
        {{ in_units('applied_quantity', 'base_units_per_unit') }} as applied_quantity,
        {{ in_units(
            'quantity_units * base_units_per_unit - applied_quantity', 'base_units_per_unit'
        ) }} as unapplied_quantity,
        reason_code,
        adjusted_at,
        adjusted_by,
        cycle_start,
        note,
        bucket_id,
        amount,
        exception_type,
        is_closed
    from joined
)

select * from final
