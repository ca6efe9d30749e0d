-- A plan gives its allowance and no more; what goes beyond is drawn from rollover or charged. A row
-- here would be overage that was never charged, or charged although the plan had units left.
--
-- Of a cycle that another system billed the records are there; we know what it reported, and of
-- what it charged only that it stays within the allowance.
{{ config(meta={
    'invariant': 'Units are conserved',
    'proves': 'per pool and cycle: plan use within the allowance, and overage only beyond it',
}) }}

with

frontiers as (select * from {{ source('issued', 'account_frontiers') }}),

pools as (
    select
        pools.account_id,
        pools.pool_id,
        pools.cycle_start,
        cycles.is_billed is not false as is_ours,
        pools.allowance_quantity,
        pools.plan_used_quantity,
        pools.rollover_used_quantity,
        pools.overage_quantity
    from {{ source('issued', 'pool_cycles') }} as pools
    left join {{ source('issued', 'cycles') }} as cycles
        on pools.account_id = cycles.account_id and pools.cycle_start = cycles.cycle_start
    union all
    select
        pools.account_id,
        pools.pool_id,
        pools.cycle_start,
        true as is_ours,
        pools.allowance_quantity,
        pools.plan_used_quantity,
        pools.rollover_used_quantity,
        pools.overage_quantity
    from {{ ref('int_pool_cycles') }} as pools
    left join frontiers on pools.account_id = frontiers.account_id
    where
        pools.frontier = coalesce(frontiers.closed_through, '-infinity')
        and pools.cycle_start >= coalesce(frontiers.closed_through, '-infinity')
),

used as (
    select
        account_id,
        pool_id,
        cycle_start,
        sum(plan_quantity) as plan_quantity,
        sum(rollover_quantity) as rollover_quantity,
        sum(overage_quantity) as overage_quantity
    from {{ ref('rated_usage') }}
    where not is_reversal and treatment = 'pool'
    group by account_id, pool_id, cycle_start
)

select
    coalesce(pools.account_id, used.account_id) as account_id,
    coalesce(pools.pool_id, used.pool_id) as pool_id,
    coalesce(pools.cycle_start, used.cycle_start) as cycle_start,
    pools.allowance_quantity,
    used.plan_quantity,
    used.rollover_quantity,
    used.overage_quantity
from pools
full join used
    on
        pools.account_id = used.account_id
        and pools.pool_id = used.pool_id
        and pools.cycle_start = used.cycle_start
where
    (
        pools.is_ours is not false
        and (
            pools.plan_used_quantity is distinct from coalesce(used.plan_quantity, 0)
            or pools.rollover_used_quantity is distinct from coalesce(used.rollover_quantity, 0)
            or pools.overage_quantity is distinct from coalesce(used.overage_quantity, 0)
            or (used.overage_quantity > 0 and used.plan_quantity < pools.allowance_quantity)
        )
    )
    or (not pools.is_ours and used.account_id is not null)
    or pools.plan_used_quantity > pools.allowance_quantity
