-- Every plan has an agreement at any date from its first one on, its own or the general one.

with

plans as not materialized (
    select * from {{ ref('plans') }}
    where valid_from is not null
),

agreements as not materialized (
    select
        plan_id,
        {{ valid_days() }} as valid_days
    from {{ ref('settlement_agreements') }}
),

uncovered as (
    select
        plans.plan_id,
        datemultirange(daterange(plans.valid_from, null))
        - coalesce(range_agg(agreements.valid_days), '{}'::datemultirange) as uncovered_days
    from plans
    left join agreements
        on
            agreements.plan_id in (plans.plan_id, '*')
            and agreements.valid_days is not null
    group by plans.plan_id, plans.valid_from
),

final as (
    select
        'plans_without_agreement' as rule_name,
        'settlement_agreements' as seed,
        'plan ' || plan_id as row_key,
        'no agreement is valid on ' || {{ day_text('lower(uncovered_days)') }} as detail
    from uncovered
    where not isempty(uncovered_days)
)

select * from final
