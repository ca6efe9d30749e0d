{{ config(
    materialized='incremental',
    incremental_strategy='replace_all',
    indexes=[{'columns': ['account_id']}],
) }}

-- Plans are in effect only on days on which the account is open.

with

plan_history as (select * from {{ ref('int_plan_history') }}),

calendar as (select * from {{ ref('int_account_calendar') }}),

clipped as (
    select
        plan_history.account_id,
        plan_history.plan_id,
        greatest(plan_history.effective_from, calendar.opened_on) as effective_from,
        least(plan_history.effective_to, calendar.closed_on) as effective_to
    from plan_history
    inner join calendar on plan_history.account_id = calendar.account_id
),

final as (
    select
        account_id,
        plan_id,
        effective_from,
        effective_to
    from clipped
    where effective_from < effective_to or effective_to is null
)

select * from final
