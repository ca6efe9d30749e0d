{{ config(unlogged=true, indexes=[{'columns': ['account_id'], 'unique': true}]) }}

-- Rule "Open cycles": from the first one not closed to that of the later of as_of and the account's
-- last record. Cycles before the first with a plan, a record or a bucket are not materialised.

with

calendar as not materialized (select * from {{ ref('int_account_calendar') }}),

plan_segments as (select * from {{ ref('int_plan_segments') }}),

meters as (select * from {{ ref('int_meter_totals') }}),

buckets as (select * from {{ ref('int_buckets_carried') }}),

reversals as (select * from {{ ref('int_reversals_open') }}),

adjustments as (select * from {{ ref('int_adjustments_open') }}),

reported_cycles as (select * from {{ ref('int_reported_cycles') }}),

planned as (
    select
        calendar.account_id,
        min(greatest(plan_segments.effective_from, calendar.first_open_start)) as first_on
    from calendar
    inner join plan_segments on calendar.account_id = plan_segments.account_id
    where
        coalesce(plan_segments.effective_to, 'infinity') > calendar.first_open_start
    group by calendar.account_id
),

used as (
    select
        account_id,
        min(cycle_start) as first_cycle,
        max(cycle_start) as last_cycle
    from (
        select
            account_id,
            cycle_start
        from meters
        union all
        select
            account_id,
            cycle_start
        from adjustments
    ) as in_cycles
    group by account_id
),

reported as (
    select
        account_id,
        max(cycle_end) as reported_through
    from reported_cycles
    group by account_id
),

carried as (
    select distinct account_id from buckets
    union
    select distinct account_id from reversals
    union
    select account_id from reported
),

bounded as (
    select
        calendar.account_id,
        calendar.bill_cycle_day,
        calendar.time_zone,
        calendar.first_open_start,
        calendar.first_open_end,
        case
            when calendar.is_billed_elsewhere then reported.reported_through
            else calendar.closable_through
        end as closing_through,
        case
            when carried.account_id is not null then calendar.first_open_start
            else least(planned.first_on, used.first_cycle)
        end as first_content_on,
        greatest(
            calendar.first_open_end,
            {{ months_after(
                cycle_start_of(
                    'greatest(calendar.as_of_on, used.last_cycle)', 'calendar.bill_cycle_day'
                ),
                '1'
            ) }}
        ) as last_open_end
    from calendar
    left join planned on calendar.account_id = planned.account_id
    left join used on calendar.account_id = used.account_id
    left join carried on calendar.account_id = carried.account_id
    left join reported on calendar.account_id = reported.account_id
),

final as (
    select
        account_id,
        first_content_on,
        last_open_end,
        closing_through,
        {{ local_midnight('closing_through', 'time_zone') }} as closing_through_at
    from bounded
)

select * from final
