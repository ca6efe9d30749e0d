{{ config(
    materialized='incremental',
    incremental_strategy='replace_all',
    indexes=[{'columns': ['account_id']}],
) }}

-- Rule "CASI": lines in force at `as_of` whose plan in CASI is not the one in effect there. A line
-- of an account that is not known has none in effect.

with

run_values as (select * from {{ ref('run_values') }}),

lines as (select * from {{ ref('casi_subscribers') }}),

accounts as (select * from {{ ref('int_accounts') }}),

effective_plans as (select * from {{ ref('effective_plans') }}),

casi_rows as not materialized (select * from {{ ref('int_casi_rows') }}),

plan_carriers as not materialized (select * from {{ ref('int_plan_carriers') }}),

in_effect as (
    select
        effective_plans.account_id,
        effective_plans.plan_id,
        plan_carriers.carrier_id
    from effective_plans
    inner join accounts on effective_plans.account_id = accounts.account_id
    inner join plan_carriers on effective_plans.plan_id = plan_carriers.plan_id
    cross join run_values
    where
        effective_plans.effective_from
        <= (run_values.as_of at time zone accounts.time_zone)::date
        and coalesce(effective_plans.effective_to, 'infinity')
        > (run_values.as_of at time zone accounts.time_zone)::date
),

final as (
    select
        lines.account_id,
        lines.carrier_id,
        lines.service_number,
        in_effect.plan_id as effective_plan_id,
        lines.plan_id as casi_plan_id,
        lines.data_at as stands_since,
        -- nightly batches say again what is known; the newest row is the one that is wrong
        (
            select max(casi_rows.data_at)
            from casi_rows
            where
                casi_rows.carrier_id = lines.carrier_id
                and casi_rows.service_number = lines.service_number
                and casi_rows.account_id = lines.account_id
        ) as data_at
    from lines
    cross join run_values
    left join in_effect
        on lines.account_id = in_effect.account_id and lines.carrier_id = in_effect.carrier_id
    where
        lines.activated_at <= run_values.as_of
        and coalesce(lines.deactivated_at, 'infinity') > run_values.as_of
        and lines.plan_id is distinct from in_effect.plan_id
)

select * from final
