{{ config(
    materialized='incremental',
    incremental_strategy='replace_all',
    indexes=[{'columns': ['account_id', 'carrier_id'], 'unique': true}],
) }}

-- Whose customer an account is: of each carrier of a plan that has begun, and is or has not been
-- billed, and of each that has a line of it in force.

with

run_values as (select * from {{ ref('run_values') }}),

frontiers as (select * from {{ source('issued', 'account_frontiers') }}),

plan_segments as (select * from {{ ref('int_plan_segments') }}),

plan_carriers as (select * from {{ ref('int_plan_carriers') }}),

line_periods as (select * from {{ ref('int_line_periods') }}),

unioned as (
    select
        plan_segments.account_id,
        plan_carriers.carrier_id
    from plan_segments
    inner join plan_carriers on plan_segments.plan_id = plan_carriers.plan_id
    cross join run_values
    left join frontiers on plan_segments.account_id = frontiers.account_id
    where
        plan_segments.effective_from <= (run_values.as_of at time zone 'UTC')::date
        and (
            plan_segments.effective_to is null
            or frontiers.closed_through is null
            or plan_segments.effective_to > frontiers.closed_through
        )
    union distinct
    select
        line_periods.account_id,
        line_periods.carrier_id
    from line_periods
    cross join run_values
    where
        line_periods.deactivated_at is null
        or line_periods.deactivated_at > run_values.as_of
),

final as (
    select
        account_id,
        carrier_id
    from unioned
)

select * from final
