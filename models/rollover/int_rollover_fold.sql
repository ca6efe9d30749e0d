{{ config(unlogged=true, indexes=[{'columns': ['account_id', 'pool_id', 'cycle_start']}]) }}

-- Each pool taken through its open cycles, as they stand ("nothing closes") and, for accounts in
-- the close that is asked for, as they will stand when it is done. `frontier` is the day through
-- which the account is closed when a row holds, so that readers take the right rows the moment a
-- close commits.

with

inputs as (select * from {{ ref('int_pool_cycle_inputs') }}),

bounds as not materialized (select * from {{ ref('int_account_bounds') }}),

calendar as (select * from {{ ref('int_account_calendar') }}),

buckets as (select * from {{ ref('int_buckets_carried') }}),

states as (select * from {{ ref('int_pool_states') }}),

carried as (
    select
        account_id,
        pool_id,
        array_agg(bucket_id order by {{ draw_order() }}) as bucket_ids,
        array_agg(source order by {{ draw_order() }}) as sources,
        array_agg(earned_cycle_start order by {{ draw_order() }}) as earned_starts,
        array_agg(available_from order by {{ draw_order() }}) as available_froms,
        array_agg(cycles_left order by {{ draw_order() }}) as cycles_lefts,
        array_agg(earned_quantity order by {{ draw_order() }}) as earned_quantities,
        array_agg(remaining_quantity order by {{ draw_order() }}) as remainings
    from buckets
    group by account_id, pool_id
),

variants as (
    select
        bounds.account_id,
        false as is_after_close,
        coalesce(calendar.closed_through, '-infinity') as frontier
    from bounds
    inner join calendar on bounds.account_id = calendar.account_id
    union all
    select
        account_id,
        true as is_after_close,
        closing_through as frontier
    from bounds
    where closing_through is not null
),

pools as (
    select
        inputs.account_id,
        inputs.pool_id,
        variants.is_after_close,
        variants.frontier,
        array_agg(inputs.cycle_start order by inputs.cycle_start) as cycle_starts,
        array_agg(inputs.cycle_end order by inputs.cycle_start) as cycle_ends,
        array_agg(
            variants.is_after_close and inputs.is_closing order by inputs.cycle_start
        ) as is_closings,
        array_agg(inputs.has_rollover order by inputs.cycle_start) as has_rollovers,
        array_agg(inputs.is_rollover_first order by inputs.cycle_start) as is_rollover_firsts,
        array_agg(inputs.rollover_cycles order by inputs.cycle_start) as rollover_lives,
        array_agg(inputs.rollover_cap_quantity order by inputs.cycle_start) as rollover_caps,
        array_agg(inputs.allowance_quantity order by inputs.cycle_start) as allowances,
        array_agg(inputs.demand_quantity order by inputs.cycle_start) as demands,
        array_agg(inputs.left_on order by inputs.cycle_start) as left_ons,
        array_agg(inputs.retention_cycles order by inputs.cycle_start) as retentions
    from inputs
    inner join variants
        on
            inputs.account_id = variants.account_id
            and (variants.is_after_close or not inputs.is_ahead)
    group by inputs.account_id, inputs.pool_id, variants.is_after_close, variants.frontier
),

folded as (
    select
        pools.account_id,
        pools.pool_id,
        pools.is_after_close,
        pools.frontier,
        fold.*
    from pools
    left join carried
        on pools.account_id = carried.account_id and pools.pool_id = carried.pool_id
    left join states
        on pools.account_id = states.account_id and pools.pool_id = states.pool_id
    cross join
        lateral {{ function('fold_pool') }}(
            pools.cycle_starts,
            pools.cycle_ends,
            pools.is_closings,
            pools.has_rollovers,
            pools.is_rollover_firsts,
            pools.rollover_lives,
            pools.rollover_caps,
            pools.allowances,
            pools.demands,
            pools.left_ons,
            pools.retentions,
            states.ended_at,
            states.retention_cycles_left::integer,
            pools.account_id || '-' || pools.pool_id || '-',
            carried.bucket_ids,
            carried.sources,
            carried.earned_starts,
            carried.available_froms,
            carried.cycles_lefts,
            carried.earned_quantities,
            carried.remainings
        ) as fold
)

select * from folded
