{{ config(materialized='view') }}

-- The records of the cycles in the close that is asked for, as they will be issued.

with

usage as (select * from {{ ref('int_usage_open') }}),

terms as (select * from {{ ref('int_usage_terms') }}),

cycles as not materialized (
    select * from {{ ref('int_open_cycles') }}
    where is_billing
),

pools as (
    select * from {{ ref('int_pool_cycles') }}
    where is_closing
),

reversals as (select * from {{ ref('int_reversals_open') }}),

split as (
    select
        usage.account_id,
        usage.started_at,
        usage.carrier_id,
        usage.cdr_id,
        usage.is_late,
        usage.cycle_start,
        cycles.cycle_end,
        usage.terms_id,
        usage.load_id,
        usage.service_number,
        usage.other_number,
        usage.quantity,
        usage.billable_quantity,
        usage.no_charge_quantity,
        {{ usage_split('usage', 'terms', 'pools') }},
        usage.pool_offset,
        case when terms.treatment = 'pool' then terms.overage_rate else usage.rate end as rate,
        usage.charge_amount as metered_amount,
        terms.treatment,
        terms.rule_id,
        terms.overage_rate,
        terms.base_units_per_unit
    from usage
    inner join cycles
        on usage.account_id = cycles.account_id and usage.cycle_start = cycles.cycle_start
    inner join terms on usage.terms_id = terms.terms_id
    left join pools
        on
            usage.account_id = pools.account_id
            and terms.pool_id = pools.pool_id
            and usage.cycle_start = pools.cycle_start
),

final as (
    select
        account_id,
        started_at,
        carrier_id,
        cdr_id,
        false as is_reversal,
        is_late,
        cycle_start,
        cycle_end,
        terms_id,
        load_id,
        service_number,
        other_number,
        quantity,
        billable_quantity,
        no_charge_quantity,
        plan_quantity,
        rollover_quantity,
        overage_quantity,
        metered_quantity,
        pool_offset,
        rate,
        {{ usage_amount() }} as charge_amount,
        {{ no_charge_reason() }} as no_charge_reason
    from split
    union all
    select
        reversals.account_id,
        reversals.started_at,
        reversals.carrier_id,
        reversals.cdr_id,
        true as is_reversal,
        false as is_late,
        reversals.cycle_start,
        reversals.cycle_end,
        reversals.terms_id,
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
        null as pool_offset,
        reversals.rate,
        reversals.charge_amount,
        reversals.no_charge_reason
    from reversals
    inner join cycles
        on
            reversals.account_id = cycles.account_id
            and reversals.cycle_start = cycles.cycle_start
)

select * from final
