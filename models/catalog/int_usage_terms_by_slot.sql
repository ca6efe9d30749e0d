{{ config(
    materialized='incremental',
    incremental_strategy='replace_in_rebuild',
    indexes=[{'columns': ['class_id', 'other_party', 'week_slot'], 'unique': true}],
    meta={'follows_rebuild': true},
) }}

-- Rule "Rating one record", point 3: of the no-charge rules of the plan, the first by priority
-- whose conditions hold applies, alone. Worked out for every class of usage, kind of other party
-- and slot of the week. To a record without duration no rule applies: it has 'no_duration' for
-- the other party.

-- depends_on: {{ ref('run_values') }}

with

classes as not materialized (select * from {{ ref('int_usage_classes') }}),

rules as (select * from {{ ref('no_charge_rules') }}),

week_slots as (select * from {{ ref('int_week_slots') }}),

other_parties as (
    select other_party
    from (
        values ('other'), ('mobile'), ('mobile_on_net'), ('no_duration')
    ) as listed (other_party)
),

situations as (
    select
        classes.class_id,
        classes.plan_id,
        classes.carrier_id,
        classes.service_kind,
        classes.service,
        classes.treatment,
        other_parties.other_party,
        week_slots.week_slot,
        week_slots.rate_period_ids
    from classes
    cross join other_parties
    cross join week_slots
),

ruled as (
    select distinct on (situations.class_id, situations.other_party, situations.week_slot)
        situations.class_id,
        situations.other_party,
        situations.week_slot,
        rules.rule_id,
        rules.rule,
        rules.unit_factor,
        rules.allowance is not null as is_limited
    from situations
    left join rules
        on
            situations.treatment = 'pool'
            and situations.other_party != 'no_duration'
            and situations.plan_id = rules.plan_id
            and coalesce(rules.carrier_id, '*') in ('*', situations.carrier_id)
            and coalesce(rules.service, '*') in ('*', situations.service)
            and (
                (
                    rules.rule = 'mobile_to_mobile'
                    and situations.service_kind = 'wireless'
                    and situations.service = 'voice'
                    and (
                        situations.other_party = 'mobile_on_net'
                        or (situations.other_party = 'mobile' and rules.scope = 'any')
                    )
                )
                or (
                    rules.rule = 'rate_period'
                    and rules.rate_period_id = any(situations.rate_period_ids)
                )
            )
    order by
        situations.class_id asc,
        situations.other_party asc,
        situations.week_slot asc,
        rules.priority asc,
        rules.rule_id collate "C" asc
),

described as (
    select
        ruled.class_id,
        ruled.other_party,
        ruled.week_slot,
        classes.plan_id,
        classes.carrier_id,
        classes.rating_platform_id,
        classes.service,
        classes.call_type,
        classes.direction,
        classes.treatment,
        classes.pool_id,
        classes.tariff_id,
        classes.unit_type,
        classes.base_units_per_unit,
        case
            when ruled.rule = 'mobile_to_mobile' then 'mobile_to_mobile'
            when ruled.rule = 'rate_period' then 'night_weekend'
            when classes.treatment = 'pool' then 'anytime'
            else classes.treatment
        end as category,
        ruled.rule_id,
        ruled.unit_factor,
        coalesce(ruled.is_limited, false) as is_limited,
        classes.minimum_quantity,
        classes.increment,
        classes.overage_rate
    from ruled
    inner join classes on ruled.class_id = classes.class_id
),

final as (
    select
        {{ content_id([
            'plan_id', 'carrier_id', 'rating_platform_id', 'service', 'call_type', 'direction',
            'treatment', 'pool_id', 'tariff_id', 'unit_type', 'base_units_per_unit', 'category',
            'rule_id', 'unit_factor', 'is_limited', 'minimum_quantity', 'increment',
            'overage_rate',
        ]) }} as terms_id,
        described.*
    from described
)

select * from final {{ only_in_rebuild() }}
