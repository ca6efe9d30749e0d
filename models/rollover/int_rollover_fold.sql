{{ config(unlogged=true, indexes=[{'columns': ['account_id', 'pool_id', 'cycle_start']}]) }}

-- Each pool taken through its open cycles, as they stand ("nothing closes") and, for accounts in
-- the close that is asked for, as they will stand when it is done. `frontier` is the day through
-- which the account is closed when a row holds, so that readers take the right rows the moment a
-- close commits.

with

inputs as (select * from {{ ref('int_pool_cycle_inputs') }}),

bounds as not materialized (select * from {{ ref('int_account_bounds') }}),

calendar as (select * from {{ ref('int_account_calendar') }}),

carried_buckets as (select * from {{ ref('int_buckets_carried') }}),

recalled_buckets as (select * from {{ ref('int_buckets_recalled') }}),

adjustments as (select * from {{ ref('int_adjustments_open') }}),

states as (select * from {{ ref('int_pool_states') }}),

buckets as (
    select
        account_id,
        pool_id,
        bucket_id,
        source,
        source_rank,
        earned_cycle_start,
        available_from,
        cycles_left,
        earned_quantity,
        remaining_quantity,
        0::bigint as lapsed_quantity,
        0::bigint as resold_quantity
    from carried_buckets
    union all
    select
        account_id,
        pool_id,
        bucket_id,
        source,
        source_rank,
        earned_cycle_start,
        available_from,
        cycles_left,
        earned_quantity,
        0 as remaining_quantity,
        lapsed_quantity,
        resold_quantity
    from recalled_buckets
),

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
        array_agg(remaining_quantity order by {{ draw_order() }}) as remainings,
        array_agg(lapsed_quantity order by {{ draw_order() }}) as lapseds,
        array_agg(resold_quantity order by {{ draw_order() }}) as resolds
    from buckets
    group by account_id, pool_id
),

-- what makes a bucket has its place among those made in the cycle: credits before resales, then by
-- id, as the buckets' ids differ in nothing else
ranked as (
    select
        *,
        action = 'debit' as takes_units,
        case
            when action in ('credit', 'resale')
                then
                    row_number() over (
                        partition by
                            account_id, pool_id, cycle_start, action in ('credit', 'resale')
                        order by action, adjustment_id collate "C"
                    )
        end::integer as bucket_rank
    from adjustments
),

adjusted as (
    select
        account_id,
        pool_id,
        array_agg(adjustment_id order by {{ adjusting_order() }}) as adjustment_ids,
        array_agg(cycle_start order by {{ adjusting_order() }}) as cycle_starts,
        array_agg(action order by {{ adjusting_order() }}) as actions,
        array_agg(quantity order by {{ adjusting_order() }}) as quantities,
        array_agg(bucket_rank order by {{ adjusting_order() }}) as bucket_ranks,
        array_agg(bucket_cycle_start order by {{ adjusting_order() }}) as bucket_starts,
        array_agg(extend_cycles order by {{ adjusting_order() }}) as extend_cycles
    from ranked
    group by account_id, pool_id
),

variants as (
    select
        bounds.account_id,
        false as is_after_close,
        coalesce(calendar.closed_through, '-infinity') as frontier,
        calendar.first_open_end as first_end
    from bounds
    inner join calendar on bounds.account_id = calendar.account_id
    union all
    select
        account_id,
        true as is_after_close,
        closing_through as frontier,
        {{ months_after('closing_through', '1') }} as first_end
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
        array_agg(
            case
                when variants.is_after_close and inputs.is_closing
                    then coalesce(inputs.reported_allowance_quantity, inputs.allowance_quantity)
                else inputs.allowance_quantity
            end
            order by inputs.cycle_start
        ) as allowances,
        array_agg(inputs.demand_quantity order by inputs.cycle_start) as demands,
        array_agg(inputs.left_on order by inputs.cycle_start) as left_ons,
        array_agg(inputs.retention_cycles order by inputs.cycle_start) as retentions,
        -- open cycles before the first of these; they begin on the day on which the first one ends
        case
            when min(inputs.cycle_start) >= min(variants.first_end)
                then
                    1 + 12 * extract(
                        year from age(min(inputs.cycle_start), min(variants.first_end))
                    )
                    + extract(month from age(min(inputs.cycle_start), min(variants.first_end)))
            else 0
        end::integer as cycles_before,
        array_agg(inputs.reported_rollover_used_quantity order by inputs.cycle_start)
            as reported_useds,
        array_agg(inputs.reported_plan_used_quantity order by inputs.cycle_start)
            as reported_plan_useds,
        array_agg(inputs.reported_overage_quantity order by inputs.cycle_start)
            as reported_overages,
        array_agg(inputs.reported_accumulated_quantity order by inputs.cycle_start)
            as reported_accumulateds
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
    left join adjusted
        on pools.account_id = adjusted.account_id and pools.pool_id = adjusted.pool_id
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
            pools.cycles_before,
            pools.reported_useds,
            pools.reported_plan_useds,
            pools.reported_overages,
            pools.reported_accumulateds,
            -- what never had rollover was never left
            case when states.became_customer_at is not null then states.ended_at end,
            case
                when states.became_customer_at is not null then states.retention_cycles_left
            end::integer,
            pools.account_id || '-' || pools.pool_id || '-',
            carried.bucket_ids,
            carried.sources,
            carried.earned_starts,
            carried.available_froms,
            carried.cycles_lefts,
            carried.earned_quantities,
            carried.remainings,
            carried.lapseds,
            carried.resolds,
            adjusted.adjustment_ids,
            adjusted.cycle_starts,
            adjusted.actions,
            adjusted.quantities,
            adjusted.bucket_ranks,
            adjusted.bucket_starts,
            adjusted.extend_cycles
        ) as fold
)

select * from folded
