{{ config(
    materialized='incremental',
    incremental_strategy='replace_units',
    indexes=[{'columns': ['account_id']}],
    meta={
        'follows_rebuild': true,
        'units': 'int_order_accounts',
        'stale': 'stored.account_id = unit.account_id',
    },
) }}

-- Rule "Effective plans": what all orders that count now yield, in the order in which they take
-- effect, over all time.

with

counting as (
    select counting.*
    from {{ ref('int_counting_orders') }} as counting
    inner join {{ ref('int_order_accounts') }} as accounts
        on counting.account_id = accounts.account_id
),

plan_carriers as not materialized (select * from {{ ref('int_plan_carriers') }}),

overlapping_plans as (
    select distinct
        one.plan_id,
        two.plan_id as other_plan_id
    from plan_carriers as one
    inner join plan_carriers as two on one.carrier_id = two.carrier_id
),

in_order as (
    select
        *,
        row_number() over (
            partition by account_id
            order by
                counts_from,
                counts_requested_at,
                carrier_id collate "C",
                order_id collate "C"
        ) as place
    from counting
),

-- a plan goes on until the first later order that occupies one of its carriers or cancels it
ends as (
    select
        started.account_id,
        started.place,
        min(ended.counts_from) as effective_to
    from in_order as started
    inner join in_order as ended
        on started.account_id = ended.account_id and started.place < ended.place
    inner join overlapping_plans
        on
            started.plan_id = overlapping_plans.other_plan_id
            and ended.plan_id = overlapping_plans.plan_id
    where ended.action != 'cancel' or ended.plan_id = started.plan_id
    group by started.account_id, started.place
),

stretches as (
    select
        started.account_id,
        started.plan_id,
        started.counts_from as effective_from,
        ends.effective_to
    from in_order as started
    left join ends on started.account_id = ends.account_id and started.place = ends.place
    where started.action != 'cancel'
),

-- the same plan again without a day between is one stretch
marked as (
    select
        *,
        lag(effective_to) over (
            partition by account_id, plan_id
            order by effective_from
        ) as earlier_effective_to
    from stretches
    where effective_from < effective_to or effective_to is null
),

numbered as (
    select
        *,
        count(*) filter (where effective_from is distinct from earlier_effective_to) over (
            partition by account_id, plan_id
            order by effective_from
        ) as stretch
    from marked
),

final as (
    select
        account_id,
        plan_id,
        min(effective_from) as effective_from,
        case when bool_and(effective_to is not null) then max(effective_to) end as effective_to
    from numbered
    group by account_id, plan_id, stretch
)

select * from final
