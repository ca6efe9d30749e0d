-- A cycle that another system billed ends with its report, and what it used of rollover units is
-- gone. A row here would be a cycle that ended unreported, or units that a report took twice, or
-- not at all.
{{ config(meta={
    'invariant': 'Closed is closed',
    'proves': 'each cycle that another system billed ended with its report, and drew what it drew',
}) }}

with

cycles as (
    select * from {{ source('issued', 'cycles') }}
    where not is_billed
),

reports as (select * from {{ source('issued', 'reports') }}),

results as (select * from {{ ref('stg_rollover__results') }}),

pools as (
    select pool_cycles.*
    from {{ source('issued', 'pool_cycles') }} as pool_cycles
    inner join cycles
        on
            pool_cycles.account_id = cycles.account_id
            and pool_cycles.cycle_start = cycles.cycle_start
),

of_cycles as (
    select
        coalesce(cycles.account_id, reports.account_id) as account_id,
        coalesce(cycles.cycle_start, reports.cycle_start) as cycle_start,
        'a cycle without report, or a report without cycle' as finding
    from cycles
    full join reports
        on cycles.account_id = reports.account_id and cycles.cycle_start = reports.cycle_start
    where
        cycles.cycle_end is distinct from reports.cycle_end
        or cycles.close_id is distinct from reports.close_id
),

of_pools as (
    select
        coalesce(pools.account_id, reports.account_id) as account_id,
        coalesce(pools.cycle_start, reports.cycle_start) as cycle_start,
        'a pool draws, earns or expires something else' as finding
    from pools
    full join reports
        on
            pools.account_id = reports.account_id
            and pools.pool_id = reports.pool_id
            and pools.cycle_start = reports.cycle_start
    where
        pools.account_id is null
        -- a pool without rollover needs no report
        or (reports.account_id is null and (pools.has_rollover or pools.plan_used_quantity > 0))
        or coalesce(reports.rollover_used_quantity, 0)
        is distinct from pools.rollover_used_quantity
        or coalesce(reports.accumulated_quantity, 0) is distinct from pools.accumulated_quantity
        or coalesce(reports.expired_quantity, 0) is distinct from pools.expired_quantity
        -- what it reports is drawn, as far as it is there
        or reports.rollover_used_quantity > reports.reported_rollover_used_quantity
        or (
            reports.rollover_used_quantity < reports.reported_rollover_used_quantity
            and pools.has_rollover
            and pools.rollover_used_quantity < pools.rollover_to - pools.rollover_from
        )
        or reports.accumulated_quantity is distinct from least(
            reports.reported_accumulated_quantity, reports.expected_accumulated_quantity
        )
),

of_results as (
    select
        reports.account_id,
        reports.cycle_start,
        'it reported something else' as finding
    from reports
    left join results
        on
            reports.account_id = results.account_id
            and reports.pool_id = results.pool_id
            and reports.cycle_start = results.cycle_start
    where
        reports.cycle_end is distinct from results.cycle_end
        or reports.load_id is distinct from results.load_id
        or reports.request_id is distinct from results.request_id
        or reports.reported_rollover_used_quantity
        is distinct from round(results.rollover_used_units * reports.base_units_per_unit)
        or reports.reported_accumulated_quantity
        is distinct from round(results.accumulated_units * reports.base_units_per_unit)
        or reports.reported_expired_quantity
        is distinct from round(results.expired_units * reports.base_units_per_unit)
)

select * from of_cycles
union all
select * from of_pools
union all
select * from of_results
