{{ config(
    materialized='incremental',
    incremental_strategy='replace_all',
    indexes=[{'columns': ['account_id'], 'unique': true}],
) }}

-- Rule "Cycles": the first cycle is the one that contains opened_on or, if later, the first billing
-- date; the first open one begins where the last close ended, and ends on the next bill cycle day.
-- A cycle that another billing system has reported is not closed by us, though the account has
-- become ours since: it was billed already.

{%- set is_billed_elsewhere = "accounts.billing_system != 'tandem'" %}

with

run_values as (select * from {{ ref('run_values') }}),

accounts as (select * from {{ ref('int_accounts') }}),

frontiers as (select * from {{ source('issued', 'account_frontiers') }}),

results as (
    select * from {{ ref('stg_rollover__results') }}
    where {{ within_run('load_id') }}
),

openings as (
    select * from {{ ref('stg_rollover__openings') }}
    where {{ within_run('load_id') }}
),

pools as (select * from {{ ref('int_pools') }}),

-- accounts that another system bills begin with the first cycle that it reports; until it does,
-- with the balances taken over, of which a closing balance of the day before is one of the day
first_reported as (
    select
        results.account_id,
        min(results.cycle_start) as told_on
    from results
    inner join pools on results.pool_id = pools.pool_id
    inner join accounts on results.account_id = accounts.account_id
    where extract(day from results.cycle_start) = accounts.bill_cycle_day
    group by results.account_id
),

first_opened as (
    select
        openings.account_id,
        min(
            ((openings.as_of + interval '12 hours') at time zone accounts.time_zone)::date
        ) as told_on
    from openings
    inner join accounts on openings.account_id = accounts.account_id
    group by openings.account_id
),

first_told as (
    select
        accounts.account_id,
        coalesce(first_reported.told_on, first_opened.told_on) as told_on
    from accounts
    left join first_reported on accounts.account_id = first_reported.account_id
    left join first_opened on accounts.account_id = first_opened.account_id
    where accounts.billing_system != 'tandem'
),

begun as (
    select
        accounts.account_id,
        accounts.time_zone,
        accounts.tax_jurisdiction_id,
        accounts.bill_cycle_day,
        accounts.opened_on,
        accounts.closed_on,
        coalesce(
            frontiers.first_cycle_start,
            {{ cycle_start_of(
                "greatest(accounts.opened_on, case when " ~ is_billed_elsewhere
                ~ " then first_told.told_on end, '"
                ~ (var('first_billing_date', none) or '-infinity') ~ "'::date)",
                'accounts.bill_cycle_day'
            ) }}
        ) as first_cycle_start,
        frontiers.closed_through,
        frontiers.closed_through_at,
        frontiers.close_id as last_close_id,
        (run_values.as_of at time zone accounts.time_zone)::date as as_of_on,
        (run_values.run_at at time zone accounts.time_zone)::date as run_on,
        {{ is_billed_elsewhere }} as is_billed_elsewhere,
        run_values.is_close
        and not {{ is_billed_elsewhere }}
        and (
            run_values.close_bill_cycle_day is null
            or run_values.close_bill_cycle_day = accounts.bill_cycle_day
        ) as is_in_close,
        run_values.close_through
    from accounts
    cross join run_values
    left join frontiers on accounts.account_id = frontiers.account_id
    left join first_told on accounts.account_id = first_told.account_id
),

opened as (
    select
        *,
        coalesce(closed_through, first_cycle_start) as first_open_start,
        {{ months_after(
            cycle_start_of('coalesce(closed_through, first_cycle_start)', 'bill_cycle_day'), '1'
        ) }} as first_open_end
    from begun
),

reported_elsewhere as (
    select
        opened.account_id,
        min(results.cycle_start) as reported_from
    from results
    inner join pools on results.pool_id = pools.pool_id
    inner join opened on results.account_id = opened.account_id
    where
        {{ is_cycle_of_calendar(
            'results.cycle_start',
            'results.cycle_end',
            'opened.first_open_start',
            'opened.first_open_end',
            'opened.bill_cycle_day',
        ) }}
    group by opened.account_id
),

bounded as (
    select
        opened.*,
        least(
            opened.close_through, opened.run_on, reported_elsewhere.reported_from
        ) as closable_until
    from opened
    left join reported_elsewhere on opened.account_id = reported_elsewhere.account_id
),

timed as (
    select
        *,
        coalesce(
            closed_through_at, {{ local_midnight('first_open_start', 'time_zone') }}
        ) as first_open_start_at,
        -- a cycle can be closed from the midnight on with which it ends
        case
            when is_in_close and first_open_end <= closable_until
                then {{ cycle_start_of('closable_until', 'bill_cycle_day') }}
        end as closable_through
    from bounded
),

final as (
    select
        account_id,
        time_zone,
        tax_jurisdiction_id,
        bill_cycle_day,
        last_close_id,
        opened_on,
        closed_on,
        first_cycle_start,
        closed_through,
        first_open_start,
        first_open_end,
        closable_through,
        as_of_on,
        run_on,
        is_billed_elsewhere,
        first_open_start_at
    from timed
)

select * from final
