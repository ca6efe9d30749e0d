-- A call is billed in the cycle in which it began, or marked late and billed in the first one still
-- open. A row here would be a call charged against the allowance of a month that it does not belong
-- to.
{{ config(meta={
    'invariant': 'Closed is closed',
    'proves': 'each record lies in the cycle of its start, or is marked late and lies in a later one',
}) }}

with

frontiers as (select * from {{ source('issued', 'account_frontiers') }}),

cycles as (
    select
        account_id,
        cycle_start,
        cycle_end,
        cycle_start_at,
        cycle_end_at
    from {{ source('issued', 'cycles') }}
    union all
    select
        open_cycles.account_id,
        open_cycles.cycle_start,
        open_cycles.cycle_end,
        open_cycles.cycle_start_at,
        open_cycles.cycle_end_at
    from {{ ref('int_open_cycles') }} as open_cycles
    left join frontiers on open_cycles.account_id = frontiers.account_id
    where open_cycles.cycle_start >= coalesce(frontiers.closed_through, '-infinity')
)

select
    rated.carrier_id,
    rated.cdr_id,
    rated.is_reversal,
    rated.is_late,
    rated.started_at,
    rated.cycle_start
from {{ ref('rated_usage') }} as rated
left join cycles
    on rated.account_id = cycles.account_id and rated.cycle_start = cycles.cycle_start
where
    cycles.cycle_end is distinct from rated.cycle_end
    or rated.started_at >= cycles.cycle_end_at
    or (
        not rated.is_reversal
        and rated.is_late is distinct from (rated.started_at < cycles.cycle_start_at)
    )
