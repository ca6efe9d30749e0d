{{ config(
    materialized='incremental',
    incremental_strategy='replace_all',
    indexes=[{'columns': ['account_id']}],
) }}

-- Rule "reversal": a void of a billed record yields, in the first open cycle, minus its charge.
-- What was reversed on a bill already stands there.

with

voids as (
    select * from {{ ref('int_usage_voids') }}
    where outcome = 'reversed'
),

issued as not materialized (select * from {{ source('issued', 'rated_usage') }}),

calendar as (select * from {{ ref('int_account_calendar') }}),

final as (
    select
        original.account_id,
        original.started_at,
        original.carrier_id,
        original.cdr_id,
        calendar.first_open_start as cycle_start,
        calendar.first_open_end as cycle_end,
        original.terms_id,
        voids.void_load_id as load_id,
        original.service_number,
        original.other_number,
        original.rate,
        original.no_charge_reason,
        -original.charge_amount as charge_amount
    from voids
    inner join issued as original
        on
            voids.account_id = original.account_id
            and voids.started_at = original.started_at
            and voids.carrier_id = original.carrier_id
            and voids.cdr_id = original.cdr_id
            and not original.is_reversal
    inner join calendar on original.account_id = calendar.account_id
    where
        not exists (
            select 1
            from issued as reversal
            where
                reversal.account_id = voids.account_id
                and reversal.started_at = voids.started_at
                and reversal.carrier_id = voids.carrier_id
                and reversal.cdr_id = voids.cdr_id
                and reversal.is_reversal
        )
)

select * from final
