-- A pool with rollover says how long its units live and at what price they are sold again or
-- extended.

with

plan_pools as not materialized (select * from {{ ref('plan_pools') }}),

final as (
    select
        'incomplete_rollover' as rule_name,
        'plan_pools' as seed,
        {{ catalog_row('plan_pools') }} as row_key,
        'the pool has rollover, but ' || checks.fault as detail
    from plan_pools
    cross join
        lateral (
            values
            (plan_pools.rollover_cycles is null, 'no rollover_cycles'),
            (plan_pools.rollover_cycles < 1, 'rollover_cycles is below 1'),
            (plan_pools.resale_rate is null, 'no resale_rate'),
            (plan_pools.extension_rate is null, 'no extension_rate')
        ) as checks (is_fault, fault)
    where plan_pools.has_rollover and checks.is_fault
)

select * from final
