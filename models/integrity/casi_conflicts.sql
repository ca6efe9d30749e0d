{{ config(materialized='incremental', incremental_strategy='replace_all') }}

-- Which plans and lines are in force moves with as_of, by which an account may come into conflict
-- without a new row: all accounts with an integrated plan are looked at in every build. Only those
-- in which some carriers could disagree go beyond the first look.

with

run_values as not materialized (select * from {{ ref('run_values') }}),

accounts as not materialized (select * from {{ ref('int_accounts') }}),

effective_plans as not materialized (select * from {{ ref('effective_plans') }}),

plan_carriers as not materialized (select * from {{ ref('int_plan_carriers') }}),

casi as not materialized (select * from {{ ref('casi_subscribers') }}),

-- a carrier that has told nothing of any line yet says nothing, not that nobody has a line
carriers_of_casi as (select distinct carrier_id from casi),

plans_today as (
    select
        effective_plans.account_id,
        effective_plans.plan_id,
        plan_carriers.carrier_id
    from effective_plans
    inner join accounts on effective_plans.account_id = accounts.account_id
    inner join plan_carriers on effective_plans.plan_id = plan_carriers.plan_id
    inner join carriers_of_casi on plan_carriers.carrier_id = carriers_of_casi.carrier_id
    cross join run_values
    where
        plan_carriers.is_integrated
        and effective_plans.effective_from
        <= (run_values.as_of at time zone accounts.time_zone)::date
        and (
            effective_plans.effective_to is null
            or (run_values.as_of at time zone accounts.time_zone)::date
            < effective_plans.effective_to
        )
),

-- dates decide, not the status
lines as (
    select
        casi.carrier_id,
        casi.account_id,
        casi.service_number,
        casi.plan_id,
        casi.status,
        casi.subscriber_name,
        casi.email,
        casi.data_at,
        casi.activated_at <= run_values.as_of
        and (casi.deactivated_at is null or run_values.as_of < casi.deactivated_at) as is_in_force,
        {{ text_key('casi.subscriber_name') }} as name_key,
        {{ text_key('casi.email') }} as email_key
    from casi
    cross join run_values
),

-- one row per line or, where a carrier has none, without one
sides as (
    select
        plans_today.account_id,
        plans_today.plan_id,
        plans_today.carrier_id,
        lines.service_number,
        lines.plan_id as line_plan_id,
        lines.status,
        lines.subscriber_name,
        lines.email,
        lines.name_key,
        lines.email_key,
        lines.data_at,
        coalesce(lines.is_in_force, false) as is_in_force
    from plans_today
    left join lines
        on
            plans_today.account_id = lines.account_id
            and plans_today.carrier_id = lines.carrier_id
),

suspects as (
    select
        account_id,
        plan_id
    from sides
    group by account_id, plan_id
    having
        -- all carriers agree where there is but one value at all
        bool_or(is_in_force) and (
            not bool_and(is_in_force)
            or min(line_plan_id) != max(line_plan_id)
            or min(status) != max(status)
            or min(name_key) != max(name_key)
            or min(email_key) != max(email_key)
        )
),

suspected_sides as (
    select sides.*
    from suspects
    inner join sides
        on suspects.account_id = sides.account_id and suspects.plan_id = sides.plan_id
),

said as (
    select
        sides.account_id,
        sides.plan_id,
        sides.carrier_id,
        told.field,
        array_agg(distinct told.value_key) as value_keys,
        string_agg(
            distinct told.value collate "C", ', ' order by told.value collate "C"
        ) as shown,
        max(sides.data_at) as data_at
    from suspected_sides as sides
    cross join
        lateral (
            values
            ('status', sides.status, sides.status),
            ('plan', sides.line_plan_id::text, sides.line_plan_id::text),
            ('subscriber_name', sides.subscriber_name, sides.name_key),
            ('email', sides.email, sides.email_key)
        ) as told (field, value, value_key)
    -- who leaves a field empty contradicts nobody
    where sides.is_in_force and told.value_key != ''
    group by sides.account_id, sides.plan_id, sides.carrier_id, told.field
),

values_in_conflict as (
    select
        one.account_id,
        one.plan_id,
        one.field,
        one.carrier_id,
        other.carrier_id as other_carrier_id,
        one.shown as carrier_value,
        other.shown as other_carrier_value,
        greatest(one.data_at, other.data_at) as since_at
    from said as one
    inner join said as other
        on
            one.account_id = other.account_id
            and one.plan_id = other.plan_id
            and one.field = other.field
            and one.carrier_id collate "C" < other.carrier_id collate "C"
    where not one.value_keys && other.value_keys
),

-- a carrier without a line in force has said so when it last said anything of the account
lines_by_carrier as (
    select
        account_id,
        plan_id,
        carrier_id,
        string_agg(service_number, ', ' order by service_number collate "C")
        filter (where is_in_force) as shown,
        coalesce(max(data_at) filter (where is_in_force), max(data_at)) as data_at
    from suspected_sides
    group by account_id, plan_id, carrier_id
),

lines_in_conflict as (
    select
        one.account_id,
        one.plan_id,
        'lines' as field,
        one.carrier_id,
        other.carrier_id as other_carrier_id,
        one.shown as carrier_value,
        other.shown as other_carrier_value,
        greatest(one.data_at, other.data_at) as since_at
    from lines_by_carrier as one
    inner join lines_by_carrier as other
        on
            one.account_id = other.account_id
            and one.plan_id = other.plan_id
            and one.carrier_id collate "C" < other.carrier_id collate "C"
    where (one.shown is null) != (other.shown is null)
),

final as (
    select * from values_in_conflict
    union all
    select * from lines_in_conflict
)

select
    account_id,
    plan_id::text as plan_id,
    field,
    carrier_id::text as carrier_id,
    other_carrier_id::text as other_carrier_id,
    carrier_value,
    other_carrier_value,
    since_at
from final
