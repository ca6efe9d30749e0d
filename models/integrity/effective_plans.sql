{{ config(materialized='view') }}

-- The part before the first open cycle is frozen by the close; from there on stands what all orders
-- that count now yield.

with

frozen as (select * from {{ source('issued', 'plan_segments') }}),

frontiers as (select * from {{ source('issued', 'account_frontiers') }}),

plan_segments as (select * from {{ ref('int_plan_segments') }}),

pieces as (
    select
        account_id,
        plan_id,
        segment_from as effective_from,
        segment_to as effective_to
    from frozen
    union all
    select
        plan_segments.account_id,
        plan_segments.plan_id,
        greatest(plan_segments.effective_from, frontiers.closed_through) as effective_from,
        plan_segments.effective_to
    from plan_segments
    left join frontiers on plan_segments.account_id = frontiers.account_id
    where
        plan_segments.effective_to is null
        or frontiers.closed_through is null
        or plan_segments.effective_to > frontiers.closed_through
),

marked as (
    select
        *,
        lag(effective_to) over (
            partition by account_id, plan_id
            order by effective_from
        ) as earlier_effective_to
    from pieces
),

numbered as (
    select
        *,
        count(*) filter (where effective_from is distinct from earlier_effective_to) over (
            partition by account_id, plan_id
            order by effective_from
        ) as stretch
    from marked
),

final as (
    select
        account_id,
        plan_id,
        min(effective_from) as effective_from,
        case when bool_and(effective_to is not null) then max(effective_to) end as effective_to
    from numbered
    group by account_id, plan_id, stretch
)

select * from final
