-- Under every agreement some carrier takes part: under a plan's own one those that have terms in
-- it, under the general one those of the plan that have, for every plan that has none of its own at
-- some time.

with

agreements as not materialized (
    select
        agreement_id,
        plan_id,
        {{ valid_days() }} as valid_days
    from {{ ref('settlement_agreements') }}
),

terms as not materialized (select * from {{ ref('settlement_terms') }}),

plans as not materialized (
    select * from {{ ref('plans') }}
    where valid_from is not null
),

carriers_by_plan as (select * from {{ ref('int_carriers_by_plan') }}),

own_agreements as (
    select
        plan_id,
        range_agg(valid_days) as valid_days
    from agreements
    where plan_id != '*' and valid_days is not null
    group by plan_id
),

plan_agreements as (
    select
        agreement_id,
        plan_id,
        false as is_general
    from agreements
    where plan_id != '*'
    union all
    select
        agreements.agreement_id,
        plans.plan_id,
        true as is_general
    from agreements
    cross join plans
    left join own_agreements on plans.plan_id = own_agreements.plan_id
    where
        agreements.plan_id = '*'
        and agreements.valid_days is not null
        and not isempty(
            datemultirange(agreements.valid_days * daterange(plans.valid_from, null))
            - coalesce(own_agreements.valid_days, '{}'::datemultirange)
        )
),

final as (
    select
        'agreements_without_carriers' as rule_name,
        'settlement_agreements' as seed,
        plan_agreements.agreement_id as row_key,
        case
            when plan_agreements.is_general
                then 'no carrier of plan ' || plan_agreements.plan_id || ' has terms in it'
            else 'no carrier has terms in it'
        end as detail
    from plan_agreements
    where
        not exists (
            select 1
            from terms
            where
                terms.agreement_id = plan_agreements.agreement_id
                and (
                    not plan_agreements.is_general
                    or exists (
                        select 1
                        from carriers_by_plan
                        where
                            carriers_by_plan.plan_id = plan_agreements.plan_id
                            and carriers_by_plan.carrier_id = terms.carrier_id
                    )
                )
        )
)

select * from final
