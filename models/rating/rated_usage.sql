{{ config(materialized='view') }}

with

issued as (select * from {{ source('issued', 'rated_usage') }}),

issued_terms as not materialized (select * from {{ source('issued', 'usage_terms') }}),

open_usage as (select * from {{ ref('int_usage_open_funded') }}),

open_terms as (select * from {{ ref('int_usage_terms') }}),

reversals as (select * from {{ ref('int_reversals_open') }}),

frontiers as (select * from {{ source('issued', 'account_frontiers') }}),

unioned as (
    select
        issued.account_id,
        issued.started_at,
        issued.carrier_id,
        issued.cdr_id,
        issued.is_reversal,
        issued.is_late,
        true as is_closed,
        issued.cycle_start,
        issued.cycle_end,
        issued.load_id,
        issued.service_number,
        issued.other_number,
        issued.quantity,
        issued.billable_quantity,
        issued.no_charge_quantity,
        issued.plan_quantity,
        issued.rollover_quantity,
        issued.overage_quantity,
        issued.metered_quantity,
        issued.rate,
        issued.charge_amount,
        issued.no_charge_reason,
        {{ terms_columns('terms') }}
    from issued
    inner join issued_terms as terms on issued.terms_id = terms.terms_id
    union all
    select
        open_usage.account_id,
        open_usage.started_at,
        open_usage.carrier_id,
        open_usage.cdr_id,
        false as is_reversal,
        open_usage.is_late,
        false as is_closed,
        open_usage.cycle_start,
        open_usage.cycle_end,
        open_usage.load_id,
        open_usage.service_number,
        open_usage.other_number,
        open_usage.quantity,
        open_usage.billable_quantity,
        open_usage.no_charge_quantity,
        open_usage.plan_quantity,
        open_usage.rollover_quantity,
        open_usage.overage_quantity,
        open_usage.metered_quantity,
        open_usage.rate,
        open_usage.charge_amount,
        open_usage.no_charge_reason,
        {{ terms_columns('terms') }}
    from open_usage
    inner join open_terms as terms on open_usage.terms_id = terms.terms_id
    union all
    select
        reversals.account_id,
        reversals.started_at,
        reversals.carrier_id,
        reversals.cdr_id,
        true as is_reversal,
        false as is_late,
        false as is_closed,
        reversals.cycle_start,
        reversals.cycle_end,
        reversals.load_id,
        reversals.service_number,
        reversals.other_number,
        0 as quantity,
        0 as billable_quantity,
        0 as no_charge_quantity,
        0 as plan_quantity,
        0 as rollover_quantity,
        0 as overage_quantity,
        0 as metered_quantity,
        reversals.rate,
        reversals.charge_amount,
        reversals.no_charge_reason,
        {{ terms_columns('terms') }}
    from reversals
    inner join issued_terms as terms on reversals.terms_id = terms.terms_id
    left join frontiers on reversals.account_id = frontiers.account_id
    where reversals.cycle_start >= coalesce(frontiers.closed_through, '-infinity')
),

final as (
    select
        carrier_id,
        cdr_id,
        is_reversal,
        account_id,
        service_number,
        other_number,
        direction,
        service,
        call_type,
        started_at,
        cycle_start,
        cycle_end,
        plan_id,
        treatment,
        pool_id,
        unit_type,
        category,
        no_charge_reason,
        rating_platform_id,
        quantity::bigint as quantity,
        billable_quantity::bigint as billable_quantity,
        no_charge_quantity::bigint as no_charge_quantity,
        plan_quantity::bigint as plan_quantity,
        rollover_quantity::bigint as rollover_quantity,
        overage_quantity::bigint as overage_quantity,
        metered_quantity::bigint as metered_quantity,
        rate::numeric(18, 8) as rate,
        charge_amount::numeric(18, 6) as charge_amount,
        is_late,
        is_closed,
        load_id
    from unioned
)

select * from final
