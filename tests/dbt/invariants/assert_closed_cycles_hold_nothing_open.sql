-- A closed cycle has been billed; what still stands open in it would be billed by no later close. A
-- row here would be usage, units or a plan fee that fell between two bills.
{{ config(meta={
    'invariant': 'Closed is closed',
    'proves': 'nothing unbilled lies in a closed cycle, and nothing billed in an open one',
}) }}

with

frontiers as (select * from {{ source('issued', 'account_frontiers') }}),

rows_in_cycles as (
    select
        account_id,
        'record ' || carrier_id || ' ' || cdr_id as subject,
        cycle_start,
        cycle_end,
        is_closed
    from {{ ref('rated_usage') }}
    union all
    select
        account_id,
        'rollover matrix ' || pool_id as subject,
        cycle_start,
        cycle_end,
        is_closed
    from {{ ref('rollover_matrix') }}
    union all
    select
        account_id,
        'unbilled summary ' || pool_id as subject,
        cycle_start,
        cycle_end,
        false as is_closed
    from {{ ref('unbilled_summary') }}
    union all
    select
        account_id,
        'bill ' || bill_id as subject,
        cycle_start,
        cycle_end,
        true as is_closed
    from {{ ref('bills') }}
)

select
    rows_in_cycles.account_id,
    rows_in_cycles.subject,
    rows_in_cycles.cycle_start,
    rows_in_cycles.is_closed,
    frontiers.closed_through
from rows_in_cycles
left join frontiers on rows_in_cycles.account_id = frontiers.account_id
where
    (
        not rows_in_cycles.is_closed
        and rows_in_cycles.cycle_start < frontiers.closed_through
    )
    or (
        rows_in_cycles.is_closed
        and rows_in_cycles.cycle_end > coalesce(frontiers.closed_through, '-infinity')
    )
    or rows_in_cycles.is_closed is null
