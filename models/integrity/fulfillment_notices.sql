{{ config(materialized='view') }}

-- Rule "Effective plans": a change counts from its date on, or from the first open cycle if that is
-- later. One that a later change has overtaken never takes effect, and there is nothing to tell.

with

changes as (select * from {{ ref('int_fulfilled_orders') }}),

effective_plans as not materialized (select * from {{ ref('effective_plans') }}),

frontiers as not materialized (select * from {{ source('issued', 'account_frontiers') }}),

-- the days of the plan in effect that lie in the time that the change gave it
started as (
    select
        changes.account_id,
        changes.carrier_id,
        changes.order_id,
        min(greatest(changes.holds_from, effective_plans.effective_from)) as takes_effect_on
    from changes
    inner join effective_plans
        on
            changes.account_id = effective_plans.account_id
            and changes.plan_id = effective_plans.plan_id
    where
        changes.action != 'cancel'
        and changes.holds_from < coalesce(effective_plans.effective_to, 'infinity')
        and effective_plans.effective_from < coalesce(changes.holds_to, 'infinity')
    group by changes.account_id, changes.carrier_id, changes.order_id
),

-- the day on which the plan that it names ends: its own, or where the open part begins
ended as (
    select
        changes.account_id,
        changes.carrier_id,
        changes.order_id,
        min(effective_plans.effective_to) as takes_effect_on
    from changes
    inner join effective_plans
        on
            changes.account_id = effective_plans.account_id
            and changes.plan_id = effective_plans.plan_id
    left join frontiers on changes.account_id = frontiers.account_id
    where
        changes.action = 'cancel'
        and effective_plans.effective_to >= changes.holds_from
        and effective_plans.effective_to <= greatest(changes.holds_from, frontiers.closed_through)
    group by changes.account_id, changes.carrier_id, changes.order_id
),

taking_effect as (
    select * from started
    union all
    select * from ended
),

final as (
    select
        md5(concat_ws('|', 'notice', changes.carrier_id, changes.order_id)) as notice_id,
        changes.account_id,
        changes.carrier_id,
        changes.order_id,
        changes.action,
        changes.plan_id,
        changes.order_keys,
        changes.effective_on,
        taking_effect.takes_effect_on,
        changes.fulfilled_at
    from changes
    left join taking_effect
        on
            changes.account_id = taking_effect.account_id
            and changes.carrier_id = taking_effect.carrier_id
            and changes.order_id = taking_effect.order_id
)

select * from final
