{{ config(
    materialized='incremental',
    incremental_strategy='replace_all',
    indexes=[{'columns': ['account_id']}],
) }}

-- Rule "CASI": lines in force at `as_of` whose plan in CASI is not the one in effect there. A line
-- of an account that is not known has none in effect. It stands since the carrier said so and the
-- plan in effect was another: what heals by itself when a plan takes effect and comes back with the
-- next is two.

with

run_values as (select * from {{ ref('run_values') }}),

lines as (select * from {{ ref('casi_subscribers') }}),

accounts as (select * from {{ ref('int_accounts') }}),

effective_plans as (select * from {{ ref('effective_plans') }}),

casi_rows as not materialized (select * from {{ ref('int_casi_rows') }}),

plan_carriers as not materialized (select * from {{ ref('int_plan_carriers') }}),

here as (
    select
        accounts.account_id,
        accounts.time_zone,
        (run_values.as_of at time zone accounts.time_zone)::date as today
    from accounts
    cross join run_values
),

-- plans that have been in effect at a carrier, up to today
stretches as (
    select
        effective_plans.account_id,
        effective_plans.plan_id,
        plan_carriers.carrier_id,
        here.time_zone,
        effective_plans.effective_from,
        effective_plans.effective_to,
        coalesce(effective_plans.effective_to > here.today, true) as is_in_effect
    from effective_plans
    inner join here on effective_plans.account_id = here.account_id
    inner join plan_carriers on effective_plans.plan_id = plan_carriers.plan_id
    where effective_plans.effective_from <= here.today
),

-- where none is, it has been so since the last one ended
latest as (
    select distinct on (account_id, carrier_id)
        account_id,
        carrier_id,
        time_zone,
        case when is_in_effect then plan_id end as plan_id,
        case when is_in_effect then effective_from else effective_to end as since_on
    from stretches
    order by account_id asc, carrier_id asc, is_in_effect desc, effective_to desc, plan_id asc
),

in_effect as (
    select
        account_id,
        carrier_id,
        plan_id,
        {{ local_midnight('since_on', 'time_zone') }} as since_at
    from latest
),

final as (
    select
        lines.account_id,
        lines.carrier_id,
        lines.service_number,
        in_effect.plan_id as effective_plan_id,
        lines.plan_id as casi_plan_id,
        greatest(lines.data_at, in_effect.since_at) as stands_since,
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
