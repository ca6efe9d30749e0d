{{ config(unlogged=true, indexes=[{'columns': ['account_id']}]) }}

-- Rule "Effective plans": what each order that counts starts or ends, in the order in which they
-- take effect, whatever has been frozen.

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
    select distinct on (started.account_id, started.place)
        started.account_id,
        started.place,
        ended.place as ended_by,
        ended.counts_from as effective_to
    from in_order as started
    inner join in_order as ended
        on started.account_id = ended.account_id and started.place < ended.place
    inner join overlapping_plans
        on
            started.plan_id = overlapping_plans.other_plan_id
            and ended.plan_id = overlapping_plans.plan_id
    where
        started.action != 'cancel'
        and (ended.action != 'cancel' or ended.plan_id = started.plan_id)
    order by started.account_id, started.place, ended.place
),

ended_some as (
    select distinct
        account_id,
        ended_by
    from ends
),

final as (
    select
        started.account_id,
        started.carrier_id,
        started.order_id,
        started.action,
        started.plan_id,
        started.counts_from as effective_from,
        case when started.action != 'cancel' then ends.effective_to end as effective_to,
        -- of orders of one date only the last one has days of its own
        case
            when started.action = 'cancel' then ended_some.ended_by is not null
            else coalesce(started.counts_from < ends.effective_to, true)
        end as is_effective
    from in_order as started
    left join ends on started.account_id = ends.account_id and started.place = ends.place
    left join ended_some
        on started.account_id = ended_some.account_id and started.place = ended_some.ended_by
)

select * from final
