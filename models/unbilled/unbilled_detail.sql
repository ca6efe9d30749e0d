{{ config(materialized='view') }}

with

usage as (select * from {{ ref('int_usage_open_funded') }}),

terms as (select * from {{ ref('int_usage_terms') }}),

calendar as (select * from {{ ref('int_account_calendar') }}),

closed_cycles as (select * from {{ source('issued', 'cycles') }}),

-- late usage is dated in the zone in which its own cycle was closed
dated as (
    select
        usage.*,
        usage.started_at
        at time zone coalesce(closed_cycles.time_zone, calendar.time_zone) as local_at
    from usage
    inner join calendar on usage.account_id = calendar.account_id
    left join closed_cycles
        on
            usage.is_late
            and usage.account_id = closed_cycles.account_id
            and usage.started_at >= closed_cycles.cycle_start_at
            and usage.started_at < closed_cycles.cycle_end_at
),

final as (
    select
        usage.account_id,
        usage.service_number,
        usage.carrier_id,
        usage.cdr_id,
        usage.cycle_start,
        usage.local_at::date as local_date,
        usage.local_at::time as local_time,
        {{ in_units('usage.quantity', 'terms.base_units_per_unit') }} as duration_units,
        terms.unit_type,
        usage.other_number,
        terms.service,
        terms.category,
        usage.no_charge_reason,
        nullif(
            concat_ws(
                '+',
                case when usage.plan_quantity > 0 then 'plan' end,
                case when usage.rollover_quantity > 0 then 'rollover' end,
                case when usage.overage_quantity > 0 then 'overage' end
            ),
            ''
        ) as source,
        usage.charge_amount,
        usage.started_at
    from dated as usage
    inner join terms on usage.terms_id = terms.terms_id
)

select * from final
