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

-- depends_on: {{ ref('int_order_accounts') }}

with

stretches as (
    select * from {{ ref('int_plan_stretches') }}
    where action != 'cancel' and is_effective
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
