{{ config(materialized='view') }}

-- The unbilled records as every reader sees them: what a close has billed since the last build is
-- passed over, and the pool stands as that close left it.

with

usage as (select * from {{ ref('int_usage_open') }}),

terms as (select * from {{ ref('int_usage_terms') }}),

cycles as (select * from {{ ref('int_open_cycles') }}),

pools as (select * from {{ ref('int_pool_cycles') }}),

frontiers as (select * from {{ source('issued', 'account_frontiers') }}),

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
        usage.pool_offset,
        {{ usage_split('usage', 'terms', 'pools') }},
        case when terms.treatment = 'pool' then terms.overage_rate else usage.rate end as rate,
        usage.charge_amount as metered_amount,
        terms.treatment,
        terms.pool_id,
        terms.rule_id,
        terms.overage_rate,
        terms.base_units_per_unit
    from usage
    inner join terms on usage.terms_id = terms.terms_id
    inner join cycles
        on usage.account_id = cycles.account_id and usage.cycle_start = cycles.cycle_start
    left join frontiers on usage.account_id = frontiers.account_id
    left join pools
        on
            usage.account_id = pools.account_id
            and terms.pool_id = pools.pool_id
            and usage.cycle_start = pools.cycle_start
            and coalesce(frontiers.closed_through, '-infinity') = pools.frontier
    where usage.cycle_start >= coalesce(frontiers.closed_through, '-infinity')
),

final as (
    select
        account_id,
        started_at,
        carrier_id,
        cdr_id,
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
)

select * from final
