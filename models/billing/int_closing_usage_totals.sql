{{ config(unlogged=true, indexes=[{'columns': ['account_id', 'cycle_start']}]) }}

with

by_terms as (
    select * from {{ ref('int_closing_usage_by_terms') }}
    where not is_reversal
),

terms as (select * from {{ ref('int_usage_terms') }}),

final as (
    select
        by_terms.account_id,
        by_terms.cycle_start,
        by_terms.cycle_end,
        terms.plan_id,
        terms.carrier_id,
        terms.service,
        terms.call_type,
        terms.treatment,
        terms.unit_type,
        terms.base_units_per_unit,
        sum(by_terms.records)::bigint as records,
        sum(by_terms.billable_quantity)::bigint as billable_quantity,
        sum(by_terms.no_charge_quantity)::bigint as no_charge_quantity,
        case
            when min(by_terms.lowest_rate) = max(by_terms.highest_rate)
                then min(by_terms.lowest_rate)
        end as rate,
        sum(by_terms.charge_amount)::numeric(18, 6) as charge_amount
    from by_terms
    inner join terms on by_terms.terms_id = terms.terms_id
    group by
        by_terms.account_id,
        by_terms.cycle_start,
        by_terms.cycle_end,
        terms.plan_id,
        terms.carrier_id,
        terms.service,
        terms.call_type,
        terms.treatment,
        terms.unit_type,
        terms.base_units_per_unit
)

select * from final
