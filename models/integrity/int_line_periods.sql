{{ config(
    materialized='incremental',
    incremental_strategy='replace_units',
    indexes=[
        {'columns': ['carrier_id', 'service_number', 'account_id']},
        {'columns': ['account_id']},
    ],
    meta={
        'follows_rebuild': true,
        'units': 'int_lines_to_refresh',
        'stale': 'stored.carrier_id = unit.carrier_id and stored.service_number = unit.service_number'
            ~ ' and stored.account_id = unit.account_id',
    },
) }}

-- Rule "CASI": the newest row of a line is its current one. A period that a row ended stays a
-- period of the line when the row after it brings an activation at or after that end; a row that
-- does not is a correction, and takes the earlier row's place.

with

lines as (select * from {{ ref('int_lines_to_refresh') }}),

history as (select * from {{ ref('int_casi_history') }}),

in_order as (
    select
        history.*,
        lead(history.activated_at) over (
            partition by history.carrier_id, history.service_number, history.account_id
            order by history.place
        ) as next_activated_at
    from lines
    inner join history
        on
            lines.carrier_id = history.carrier_id
            and lines.service_number = history.service_number
            and lines.account_id = history.account_id
),

final as (
    select
        carrier_id,
        service_number,
        account_id,
        plan_id,
        status,
        subscriber_name,
        email,
        is_current,
        is_batch,
        known_from as data_at,
        activated_at,
        deactivated_at
    from in_order
    where is_current or deactivated_at <= next_activated_at
)

select * from final
