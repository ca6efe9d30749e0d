{{ config(
    materialized='incremental',
    incremental_strategy='replace_all',
    indexes=[{'columns': ['account_id', 'cycle_start']}],
) }}

with

cycles as (select * from {{ ref('int_open_cycles') }}),

plan_segments as (select * from {{ ref('int_plan_segments') }}),

final as (
    select
        cycles.account_id,
        plan_segments.plan_id,
        least(plan_segments.effective_to, cycles.cycle_end)
        - greatest(plan_segments.effective_from, cycles.cycle_start) as days,
        cycles.days_in_cycle,
        cycles.is_closing,
        cycles.is_billing,
        cycles.cycle_start,
        cycles.cycle_end,
        greatest(plan_segments.effective_from, cycles.cycle_start) as segment_from,
        least(plan_segments.effective_to, cycles.cycle_end) as segment_to
    from cycles
    inner join plan_segments
        on
            cycles.account_id = plan_segments.account_id
            and cycles.cycle_end > plan_segments.effective_from
            and cycles.cycle_start < coalesce(plan_segments.effective_to, 'infinity')
)

select * from final
