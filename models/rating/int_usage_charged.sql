{{ config(unlogged=true) }}

-- Rule "Charging a pool": in the order of their start, records of an account and cycle draw first
-- on what a limited no-charge rule leaves free, then on their pool. Each record learns how much
-- was drawn before it (its offset); what of its own quantity the plan, the rollover units or the
-- subscriber pay follows from that and the ranges of the pool, without touching the record again.

-- depends_on: {{ ref('int_usage_terms') }}

{% set usage = adapter.get_relation(target.database, 'rating', 'int_usage_open')
    if execute and not is_rebuild() else none %}
{% set meter_totals = adapter.get_relation(target.database, 'rating', 'int_meter_totals')
    if execute and not is_rebuild() else none %}

with

rated as (select * from {{ ref('int_usage_rated') }}),

touched as not materialized (select * from {{ ref('int_touched_accounts') }}),

live_terms as not materialized (select * from {{ ref('int_usage_terms_by_slot') }}),

calendar as (select * from {{ ref('int_account_calendar') }}),

plan_segments as (select * from {{ ref('int_plan_segments') }}),

rules as (select * from {{ ref('no_charge_rules') }}),

plan_pools as (select * from {{ ref('plan_pools') }}),

unit_types as (select * from {{ ref('unit_types') }}),

fresh as (
    select
        account_id,
        started_at,
        carrier_id,
        cdr_id,
        is_late,
        cycle_start,
        terms_id,
        load_id,
        service_number,
        other_number,
        treatment,
        pool_id,
        limited_rule,
        quantity,
        billable_quantity,
        no_charge_quantity,
        rate,
        charge_amount
    from rated
    where suspense_reason is null
),

{% if usage is not none and meter_totals is not none %}
    terms as not materialized (select * from {{ ref('int_usage_terms') }}),

    -- records charged before that come after a new one
    overtaken as (
        select
            stored.account_id,
            stored.started_at,
            stored.carrier_id,
            stored.cdr_id,
            stored.is_late,
            stored.cycle_start,
            stored.terms_id,
            stored.load_id,
            stored.service_number,
            stored.other_number,
            terms.treatment,
            terms.pool_id,
            case when terms.is_limited then terms.plan_id || '/' || terms.rule_id end
                as limited_rule,
            stored.quantity,
            stored.billable_quantity,
            case when terms.is_limited then 0 else stored.no_charge_quantity end
                as no_charge_quantity,
            stored.rate,
            stored.charge_amount,
            stored.no_charge_quantity as earlier_no_charge_quantity
        from touched
        cross join
            lateral (
                select usage.*
                from {{ usage }} as usage
                where
                    usage.account_id = touched.account_id
                    and usage.started_at >= touched.recharge_from
                    and usage.cycle_start >= touched.first_open_start
                    and not touched.is_dirty
                {{ keep_apart() }}
            ) as stored
        inner join terms on stored.terms_id = terms.terms_id
    ),

    overtaken_meters as (
        select
            account_id,
            cycle_start,
            'pool ' || pool_id as meter,
            sum(billable_quantity - earlier_no_charge_quantity) as drawn_quantity
        from overtaken
        where treatment = 'pool'
        group by account_id, cycle_start, pool_id
        union all
        select
            account_id,
            cycle_start,
            'rule ' || limited_rule as meter,
            sum(billable_quantity) as drawn_quantity
        from overtaken
        where limited_rule is not null
        group by account_id, cycle_start, limited_rule
    ),

    -- where the meters stood before the first record that is charged now
    meters as (
        select
            stored.account_id,
            stored.cycle_start,
            stored.meter,
            (stored.drawn_quantity - coalesce(overtaken_meters.drawn_quantity, 0))::bigint
                as drawn_quantity
        from touched
        inner join {{ meter_totals }} as stored on touched.account_id = stored.account_id
        left join overtaken_meters
            on
                stored.account_id = overtaken_meters.account_id
                and stored.cycle_start = overtaken_meters.cycle_start
                and stored.meter = overtaken_meters.meter
        where not touched.is_dirty
    ),

    to_charge as not materialized (
        select * from fresh
        union all
        select
            account_id,
            started_at,
            carrier_id,
            cdr_id,
            is_late,
            cycle_start,
            terms_id,
            load_id,
            service_number,
            other_number,
            treatment,
            pool_id,
            limited_rule,
            quantity,
            billable_quantity,
            no_charge_quantity,
            rate,
            charge_amount
        from overtaken
    ),
{% else %}
    meters as (
        select
            touched.account_id,
            null::date as cycle_start,
            null::text as meter,
            null::bigint as drawn_quantity
        from touched
        where false
    ),

    to_charge as not materialized (select * from fresh),
{% endif %}

-- Rule "unit_factor 0 with an allowance": per plan and rule, prorated over the segments of that
-- plan
limited_cycles as (
    select distinct
        to_charge.account_id,
        to_charge.cycle_start,
        to_charge.limited_rule,
        case
            when to_charge.cycle_start = calendar.first_open_start then calendar.first_open_end
            else {{ months_after('to_charge.cycle_start', '1') }}
        end as cycle_end
    from to_charge
    inner join calendar on to_charge.account_id = calendar.account_id
    where to_charge.limited_rule is not null
),

limited_units as (
    select
        rules.plan_id,
        rules.plan_id || '/' || rules.rule_id as limited_rule,
        rules.allowance * min(unit_types.base_units_per_unit) as allowance_quantity
    from rules
    inner join plan_pools on rules.plan_id = plan_pools.plan_id
    inner join unit_types on plan_pools.unit_type = unit_types.unit_type
    where
        rules.allowance is not null
        -- the pools that the rule's usage goes to have one unit type (a test of the catalog); those
        -- to which it went by an earlier catalog may have had another
        and exists (
            select 1
            from live_terms
            where
                live_terms.plan_id = rules.plan_id
                and live_terms.rule_id = rules.rule_id
                and live_terms.pool_id = plan_pools.pool_id
        )
    group by rules.plan_id, rules.rule_id, rules.allowance
),

limits as (
    select
        limited_cycles.account_id,
        limited_cycles.cycle_start,
        limited_cycles.limited_rule,
        sum(
            {{ round_half_up(
                "limited_units.allowance_quantity"
                ~ " * (least(plan_segments.effective_to, limited_cycles.cycle_end)"
                ~ " - greatest(plan_segments.effective_from, limited_cycles.cycle_start))"
                ~ " / (limited_cycles.cycle_end - "
                ~ months_after('limited_cycles.cycle_end', '-1') ~ ")",
                0
            ) }}
        )::bigint as allowance_quantity
    from limited_cycles
    inner join limited_units on limited_cycles.limited_rule = limited_units.limited_rule
    inner join plan_segments
        on
            limited_cycles.account_id = plan_segments.account_id
            and limited_units.plan_id = plan_segments.plan_id
            and limited_cycles.cycle_end > plan_segments.effective_from
            and limited_cycles.cycle_start < coalesce(plan_segments.effective_to, 'infinity')
    group by limited_cycles.account_id, limited_cycles.cycle_start, limited_cycles.limited_rule
),

limited as (
    select
        to_charge.*,
        coalesce(limits.allowance_quantity, 0) as allowance_quantity,
        coalesce(meters.drawn_quantity, 0) + coalesce(
            sum(to_charge.billable_quantity) over (
                partition by
                    to_charge.account_id, to_charge.cycle_start, to_charge.limited_rule
                order by
                    to_charge.started_at,
                    to_charge.carrier_id collate "C",
                    to_charge.cdr_id collate "C"
                rows between unbounded preceding and 1 preceding
            ),
            0
        )::bigint as rule_offset
    from to_charge
    left join limits
        on
            to_charge.account_id = limits.account_id
            and to_charge.cycle_start = limits.cycle_start
            and to_charge.limited_rule = limits.limited_rule
    left join meters
        on
            to_charge.account_id = meters.account_id
            and to_charge.cycle_start = meters.cycle_start
            and 'rule ' || to_charge.limited_rule = meters.meter
    where to_charge.limited_rule is not null
),

freed as (
    select
        account_id,
        started_at,
        carrier_id,
        cdr_id,
        is_late,
        cycle_start,
        terms_id,
        load_id,
        service_number,
        other_number,
        treatment,
        pool_id,
        limited_rule,
        quantity,
        billable_quantity,
        least(billable_quantity, greatest(allowance_quantity - rule_offset, 0))
            as no_charge_quantity,
        rule_offset,
        rate,
        charge_amount
    from limited
    union all
    select
        account_id,
        started_at,
        carrier_id,
        cdr_id,
        is_late,
        cycle_start,
        terms_id,
        load_id,
        service_number,
        other_number,
        treatment,
        pool_id,
        limited_rule,
        quantity,
        billable_quantity,
        no_charge_quantity,
        null as rule_offset,
        rate,
        charge_amount
    from to_charge
    where limited_rule is null
),

final as (
    select
        freed.*,
        case
            when freed.treatment = 'pool'
                then
                    coalesce(meters.drawn_quantity, 0) + coalesce(
                        sum(freed.billable_quantity - freed.no_charge_quantity) over (
                            partition by freed.account_id, freed.cycle_start, freed.pool_id
                            order by
                                freed.started_at,
                                freed.carrier_id collate "C",
                                freed.cdr_id collate "C"
                            rows between unbounded preceding and 1 preceding
                        ),
                        0
                    )::bigint
        end as pool_offset
    from freed
    left join meters
        on
            freed.account_id = meters.account_id
            and freed.cycle_start = meters.cycle_start
            and 'pool ' || freed.pool_id = meters.meter
)

select * from final
