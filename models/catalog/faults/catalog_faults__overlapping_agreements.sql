-- Revenue is divided once: of a plan one agreement is valid at a time, and one for all other plans.

with

settlement_agreements as not materialized (
    select
        *,
        row_number() over (order by plan_id, agreement_id, valid_from) as place,
        {{ valid_days() }} as valid_days
    from {{ ref('settlement_agreements') }}
),

final as (
    select
        'overlapping_agreements' as rule_name,
        'settlement_agreements' as seed,
        settlement_agreements.agreement_id || ' and ' || rivals.agreement_id as row_key,
        'both are valid for plan ' || settlement_agreements.plan_id || ' on '
        || {{ day_text('lower(settlement_agreements.valid_days * rivals.valid_days)') }} as detail
    from settlement_agreements
    inner join settlement_agreements as rivals
        on
            settlement_agreements.plan_id = rivals.plan_id
            and settlement_agreements.place < rivals.place
            and settlement_agreements.valid_days && rivals.valid_days
)

select * from final
