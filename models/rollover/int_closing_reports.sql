{{ config(unlogged=true) }}

-- Reports whose cycles the close that is asked for ends, beside what the buckets make of them. What
-- is to be earned is what was left of the allowance, as far as the cap has room.

with

pools as (
    select * from {{ ref('int_pool_cycles') }}
    where is_closing
),

inputs as (
    select * from {{ ref('int_pool_cycle_inputs') }}
    where is_closing and reported_load_id is not null
),

final as (
    select
        pools.account_id,
        pools.pool_id,
        inputs.reported_request_id as request_id,
        inputs.base_units_per_unit,
        inputs.reported_load_id as load_id,
        inputs.reported_rollover_used_quantity,
        pools.rollover_used_quantity,
        inputs.reported_accumulated_quantity,
        pools.accumulated_quantity,
        case
            when pools.has_rollover
                then greatest(
                    least(
                        pools.allowance_quantity - pools.plan_used_quantity,
                        inputs.rollover_cap_quantity
                        - (pools.closing_quantity - pools.accumulated_quantity)
                    ),
                    0
                )
            else 0
        end as expected_accumulated_quantity,
        inputs.reported_expired_quantity,
        pools.expired_quantity,
        pools.cycle_start,
        pools.cycle_end
    from pools
    inner join inputs
        on
            pools.account_id = inputs.account_id
            and pools.pool_id = inputs.pool_id
            and pools.cycle_start = inputs.cycle_start
)

select * from final
