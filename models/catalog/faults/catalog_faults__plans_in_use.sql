-- A plan by which accounts were billed, or which they have ordered, keeps its row: without it their
-- orders count for nothing, late usage waits for ever and a reversal is settled with nobody.
--
-- What was billed stands for good. What was ordered counts while the catalog that was last built on
-- had the plan: an order for a plan that never was there, or that was given up before the order
-- came, is a fault of the order. Issued and raw rows are looked at only if a row is missing.

{%- set history = adapter.get_relation(target.database, 'catalog_history', 'plans')
    if execute else none %}

with

plans as not materialized (select * from {{ ref('plans') }}),

names as not materialized (select * from {{ source('issued', 'names') }}),

segments as not materialized (select * from {{ source('issued', 'plan_segments') }}),

orders as not materialized (select * from {{ source('raw', 'orders') }}),

known as (
    select
        id as plan_id,
        false as was_last_built_on
    from names
    where kind = 'plan'
    {%- if history is not none %}
        union all
        select
            plan_id,
            true as was_last_built_on
        from {{ history }}
        where dbt_valid_to is null
    {%- endif %}
),

gone as (
    select
        known.plan_id,
        bool_or(known.was_last_built_on) as was_last_built_on
    from known
    where
        not exists (
            select 1
            from plans
            where plans.plan_id = known.plan_id
        )
    group by known.plan_id
),

final as (
    select
        'plans_in_use' as rule_name,
        'plans' as seed,
        gone.plan_id as row_key,
        'the row is missing, but account ' || coalesce(
            billed.account_id || ' was billed by it',
            ordered.account_id || ' has ordered it'
        ) as detail
    from gone
    left join lateral (
        select segments.account_id
        from segments
        where segments.plan_id = gone.plan_id
        limit 1
    ) as billed on true
    left join lateral (
        select orders.account_id
        from orders
        where
            gone.was_last_built_on
            and orders.plan_id = gone.plan_id
            and orders.action in ('subscribe', 'change_plan')
            and orders.status = 'completed'
            and not exists (
                select 1
                from orders as later
                where
                    later.carrier_id = orders.carrier_id
                    and later.order_id = orders.order_id
                    and later.status = 'withdrawn'
            )
        limit 1
    ) as ordered on true
    where billed.account_id is not null or ordered.account_id is not null
)

select * from final
