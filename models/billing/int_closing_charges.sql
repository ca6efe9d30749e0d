{{ config(unlogged=true, indexes=[{'columns': ['account_id', 'cycle_start']}]) }}

-- Section "Bill", lines before tax: plan fees, usage, and what happens once.

with

segments as (
    select * from {{ ref('int_cycle_plan_segments') }}
    where is_billing
),

plans as (select * from {{ ref('plans') }}),

usage_totals as (select * from {{ ref('int_closing_usage_totals') }}),

reversals as (
    select * from {{ ref('int_closing_usage') }}
    where is_reversal
),

terms as (select * from {{ source('issued', 'usage_terms') }}),

-- resales and extensions are charged; credits and debits are not
adjustments as (
    select * from {{ ref('int_adjustments_folded') }}
    where is_billing and amount is not null
),

calendar as (select * from {{ ref('int_account_calendar') }}),

unioned as (
    select
        segments.account_id,
        segments.cycle_start,
        segments.cycle_end,
        'plan_fee' as section,
        1 as section_rank,
        'plan_fee' as charge_category,
        segments.plan_id,
        null as carrier_id,
        null as service,
        null as call_type,
        null as treatment,
        plans.plan_name || ', ' || {{ day_range('segments.segment_from', 'segments.segment_to') }}
            as description,
        null::numeric as quantity_units,
        null as unit_type,
        null::numeric as rate,
        {{ round_half_up(
            'plans.monthly_fee * segments.days / segments.days_in_cycle', 2
        ) }} as amount,
        null::integer as one_time_rank,
        segments.segment_from::timestamp at time zone 'UTC' as happened_at,
        '' as record_id
    from segments
    inner join plans on segments.plan_id = plans.plan_id
    union all
    select
        usage_totals.account_id,
        usage_totals.cycle_start,
        usage_totals.cycle_end,
        'usage' as section,
        2 as section_rank,
        'usage' as charge_category,
        usage_totals.plan_id,
        usage_totals.carrier_id,
        usage_totals.service,
        usage_totals.call_type,
        usage_totals.treatment,
        {{ service_words('usage_totals.service', 'usage_totals.call_type') }} as description,
        {{ in_units('usage_totals.billable_quantity', 'usage_totals.base_units_per_unit') }}
            as quantity_units,
        usage_totals.unit_type,
        usage_totals.rate,
        {{ round_half_up('usage_totals.charge_amount', 2) }} as amount,
        null as one_time_rank,
        null as happened_at,
        '' as record_id
    from usage_totals
    union all
    select
        adjustments.account_id,
        adjustments.cycle_start,
        adjustments.cycle_end,
        'one_time' as section,
        3 as section_rank,
        'one_time' as charge_category,
        adjustments.plan_id,
        null as carrier_id,
        null as service,
        null as call_type,
        null as treatment,
        adjustments.pool_name || case
            when adjustments.action = 'resale' then ', expired units bought back'
            when adjustments.extend_cycles = 1 then ', life prolonged by 1 period'
            else ', life prolonged by ' || adjustments.extend_cycles || ' periods'
        end || ', from the period of '
        || to_char(adjustments.bucket_cycle_start, 'FMDD Mon YYYY')
            as description,
        {{ in_units('adjustments.charged_quantity', 'adjustments.base_units_per_unit') }}
            as quantity_units,
        adjustments.unit_type,
        adjustments.rate,
        adjustments.amount,
        case adjustments.action when 'resale' then 1 else 2 end as one_time_rank,
        adjustments.adjusted_at as happened_at,
        adjustments.adjustment_id as record_id
    from adjustments
    union all
    select
        reversals.account_id,
        reversals.cycle_start,
        reversals.cycle_end,
        'one_time' as section,
        3 as section_rank,
        'usage' as charge_category,
        terms.plan_id,
        reversals.carrier_id,
        terms.service,
        terms.call_type,
        terms.treatment,
        {{ service_words('terms.service', 'terms.call_type') }} || ', reversed, of '
        || to_char(reversals.started_at at time zone calendar.time_zone, 'FMDD Mon YYYY')
            as description,
        0 as quantity_units,
        terms.unit_type,
        reversals.rate,
        {{ round_half_up('reversals.charge_amount', 2) }} as amount,
        3 as one_time_rank,
        reversals.started_at as happened_at,
        reversals.cdr_id as record_id
    from reversals
    inner join terms on reversals.terms_id = terms.terms_id
    inner join calendar on reversals.account_id = calendar.account_id
),

final as (
    select
        account_id,
        cycle_start,
        cycle_end,
        section,
        row_number() over (
            partition by account_id, cycle_start
            order by
                section_rank,
                one_time_rank,
                happened_at,
                plan_id collate "C",
                carrier_id collate "C",
                service collate "C",
                call_type collate "C",
                treatment collate "C",
                record_id collate "C"
        )::integer as line_number,
        charge_category,
        plan_id,
        carrier_id,
        service,
        call_type,
        treatment,
        description,
        quantity_units,
        unit_type,
        rate,
        amount::numeric(18, 2) as amount
    from unioned
)

select * from final
