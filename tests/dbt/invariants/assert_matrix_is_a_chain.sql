-- The rollover matrix is what a subscriber is shown and a carrier is told: each cycle goes on from
-- where the one before ended, and the last balance is in the buckets. A row here would be a balance
-- that units fell out of.
{{ config(meta={
    'invariant': 'Units are conserved',
    'proves': 'the rollover matrix adds up, cycle after cycle, and ends in the buckets that are left',
}) }}

with

matrix as (
    select
        *,
        lag(closing_balance) over pool_in_time as earlier_closing_balance,
        lead(cycle_start) over pool_in_time is null as is_last
    from {{ ref('rollover_matrix') }}
    window pool_in_time as (
        partition by account_id, pool_id
        order by cycle_start
    )
),

unit_types as (select * from {{ ref('unit_types') }}),

-- archived units are no longer in a balance
left_in_buckets as (
    select
        account_id,
        pool_id,
        sum(remaining_quantity) as remaining_quantity
    from {{ ref('rollover_buckets') }}
    where status is distinct from 'archived'
    group by account_id, pool_id
)

select
    matrix.account_id,
    matrix.pool_id,
    matrix.cycle_start,
    matrix.opening_balance,
    matrix.earlier_closing_balance,
    matrix.closing_balance,
    left_in_buckets.remaining_quantity
from matrix
inner join unit_types on matrix.unit_type = unit_types.unit_type
left join left_in_buckets
    on
        matrix.account_id = left_in_buckets.account_id
        and matrix.pool_id = left_in_buckets.pool_id
where
    abs(
        matrix.closing_balance - (
            matrix.opening_balance + matrix.adjusted_units - matrix.rollover_used_units
            - matrix.expired_units + matrix.accumulated_units - matrix.archived_units
        )
    -- six figures, each rounded to 6 decimals
    ) > 0.000004
    -- each rounded
    or abs(
        matrix.opening_balance - matrix.taken_over_units - coalesce(
            matrix.earlier_closing_balance, matrix.opening_balance - matrix.taken_over_units
        )
    ) > 0.000002
    or (
        matrix.is_last
        and matrix.closing_balance is distinct from round(
            coalesce(left_in_buckets.remaining_quantity, 0)::numeric
            / unit_types.base_units_per_unit, 6
        )
    )
