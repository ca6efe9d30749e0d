{{ config(unlogged=true) }}

-- Which plans and lines are in force moves with as_of, by which carriers may come into conflict
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

-- Dates decide, not the status. Materialized, as the planner takes accounts with a plan for few and
-- would look for each one's lines in an index by carrier and number.
lines as materialized (
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

marked as (
    select
        *,
        -- all carriers agree where there is but one value at all
        bool_or(is_in_force) over of_plan
        and (
            not bool_and(is_in_force) over of_plan
            or min(line_plan_id) over of_plan != max(line_plan_id) over of_plan
            or min(status) over of_plan != max(status) over of_plan
            or min(name_key) over of_plan != max(name_key) over of_plan
            or min(email_key) over of_plan != max(email_key) over of_plan
        ) as is_suspect
    from sides
    window of_plan as (partition by account_id, plan_id)
),

suspected as (
    select * from marked
    where is_suspect
),

said as (
    select
        suspected.account_id,
        suspected.plan_id,
        suspected.carrier_id,
        told.field,
        array_agg(distinct told.value_key) as value_keys,
        string_agg(
            distinct told.value collate "C", ', ' order by told.value collate "C"
        ) as value_text,
        max(suspected.data_at) as data_at
    from suspected
    cross join
        lateral (
            values
            ('status', suspected.status, suspected.status),
            ('plan', suspected.line_plan_id::text, suspected.line_plan_id::text),
            ('subscriber_name', suspected.subscriber_name, suspected.name_key),
            ('email', suspected.email, suspected.email_key)
        ) as told (field, value, value_key)
    -- who leaves a field empty contradicts nobody
    where suspected.is_in_force and told.value_key != ''
    group by suspected.account_id, suspected.plan_id, suspected.carrier_id, told.field
),

-- a carrier without a line in force has said so when it last said anything of the account
said_of_lines as (
    select
        account_id,
        plan_id,
        carrier_id,
        'lines' as field,
        array[case when bool_or(is_in_force) then 'some' else 'none' end] as value_keys,
        string_agg(service_number, ', ' order by service_number collate "C")
        filter (where is_in_force) as value_text,
        coalesce(max(data_at) filter (where is_in_force), max(data_at)) as data_at
    from suspected
    group by account_id, plan_id, carrier_id
),

final as (
    select * from said
    union all
    select * from said_of_lines
)

select * from final
