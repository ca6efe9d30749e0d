{{ config(
    materialized='incremental',
    incremental_strategy='replace_units',
    indexes=[{'columns': ['carrier_id', 'service_number', 'account_id']}],
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

casi_rows as (select * from {{ ref('int_casi_rows') }}),

of_lines as (
    select
        casi_rows.*,
        row_number() over (
            partition by
                casi_rows.carrier_id,
                casi_rows.service_number,
                casi_rows.account_id,
                casi_rows.data_at,
                casi_rows.is_batch,
                casi_rows.change_id
            order by casi_rows.load_id desc, casi_rows.row_number desc
        ) as recency
    from lines
    inner join casi_rows
        on
            lines.carrier_id = casi_rows.carrier_id
            and lines.service_number = casi_rows.service_number
            and lines.account_id = casi_rows.account_id
),

-- A change at the very time of a batch is in the batch, so the batch comes after it.
compared as (
    select
        *,
        lag((plan_id, status, subscriber_name, email, activated_at, deactivated_at)) over (
            partition by carrier_id, service_number, account_id
            order by data_at, is_batch, change_id collate "C"
        ) as earlier
    from of_lines
    -- of two rows of a line in one batch the last loaded stands
    where recency = 1
),

-- a row that only says again what the one before it said is no news: nightly builds pass it over
news as (
    select *
    from compared
    where
        (plan_id, status, subscriber_name, email, activated_at, deactivated_at)
        is distinct from earlier
),

in_order as (
    select
        *,
        lead(activated_at) over line_in_time as next_activated_at,
        lead(data_at) over line_in_time is null as is_current
    from news
    window line_in_time as (
        partition by carrier_id, service_number, account_id
        order by data_at, is_batch, change_id collate "C"
    )
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
        data_at,
        activated_at,
        deactivated_at
    from in_order
    where is_current or deactivated_at <= next_activated_at
)

select * from final
