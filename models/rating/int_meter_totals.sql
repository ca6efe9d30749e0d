{{ config(
    materialized='incremental',
    incremental_strategy='replace_units',
    indexes=[{'columns': ['account_id']}],
    meta={
        'follows_rebuild': true,
        'units': 'int_touched_accounts',
        'stale': 'stored.account_id = unit.account_id',
    },
) }}

-- How far the meters of an account's open cycles have run: what was drawn on each pool ('pool
-- ...') and on each limited no-charge rule ('rule ...'); 'records' says that a cycle has any. A
-- build goes on from here instead of adding up the records of the cycle again.

with

charged as not materialized (select * from {{ ref('int_usage_charged') }}),

touched as not materialized (select * from {{ ref('int_touched_accounts') }}),

run_now as (
    select
        account_id,
        cycle_start,
        'pool ' || pool_id as meter,
        max(pool_offset + billable_quantity - no_charge_quantity) as drawn_quantity
    from charged
    where treatment = 'pool'
    group by account_id, cycle_start, pool_id
    union all
    select
        account_id,
        cycle_start,
        'rule ' || limited_rule as meter,
        max(rule_offset + billable_quantity) as drawn_quantity
    from charged
    where limited_rule is not null
    group by account_id, cycle_start, limited_rule
    union all
    select
        account_id,
        cycle_start,
        'records' as meter,
        0 as drawn_quantity
    from charged
    group by account_id, cycle_start
),

{% if not is_rebuild() and is_incremental() %}
    run_before as (
        select
            stored.account_id,
            stored.cycle_start,
            stored.meter,
            stored.drawn_quantity
        from {{ this }} as stored
        inner join touched on stored.account_id = touched.account_id
        where
            not touched.is_dirty
            and stored.cycle_start >= touched.first_open_start
            and not exists (
                select 1
                from run_now
                where
                    run_now.account_id = stored.account_id
                    and run_now.cycle_start = stored.cycle_start
                    and run_now.meter = stored.meter
            )
    ),

    final as (
        select * from run_now
        union all
        select * from run_before
    )
{% else %}
    final as (
        select run_now.*
        from run_now
        inner join touched on run_now.account_id = touched.account_id
    )
{% endif %}

select * from final
