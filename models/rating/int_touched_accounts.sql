{{ config(unlogged=true, indexes=[{'columns': ['account_id'], 'unique': true}]) }}

-- Accounts whose unbilled usage this run changes, and from where on. Records that come after all
-- that is charged already are charged on top of it; where one comes before, the account's records
-- from there on are charged again; a dirty account's records all.

with

rated as (
    select
        account_id,
        min(started_at) as recharge_from
    from {{ ref('int_usage_rated') }}
    where suspense_reason is null
    group by account_id
),

dirty_accounts as (select account_id from {{ ref('int_dirty_accounts') }}),

-- their billed records leave the unbilled ones
just_closed as (
    select calendar.account_id
    from {{ ref('int_account_calendar') }} as calendar
    inner join {{ ref('int_closes_to_clear') }} as closes
        on calendar.last_close_id = closes.close_id
),

unioned as (
    select
        account_id,
        recharge_from,
        false as is_dirty
    from rated
    union all
    select
        account_id,
        null as recharge_from,
        true as is_dirty
    from dirty_accounts
    union all
    select
        account_id,
        null as recharge_from,
        false as is_dirty
    from just_closed
),

grouped as (
    select
        account_id,
        min(recharge_from) as recharge_from,
        bool_or(is_dirty) as is_dirty
    from unioned
    group by account_id
),

final as (
    select
        grouped.account_id,
        grouped.is_dirty,
        calendar.first_open_start,
        case when grouped.is_dirty then '-infinity' else grouped.recharge_from end as recharge_from
    from grouped
    inner join {{ ref('int_account_calendar') }} as calendar
        on grouped.account_id = calendar.account_id
)

select * from final
