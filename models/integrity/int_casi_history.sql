{{ config(
    materialized='incremental',
    incremental_strategy='replace_units',
    indexes=[
        {'columns': ['carrier_id', 'service_number', 'account_id']},
        {'columns': ['carrier_id', 'known_from']},
    ],
    meta={
        'follows_rebuild': true,
        'units': 'int_lines_to_refresh',
        'stale': 'stored.carrier_id = unit.carrier_id and stored.service_number = unit.service_number'
            ~ ' and stored.account_id = unit.account_id',
    },
) }}

-- Rule "CASI", its time axis: rows of a line follow each other by the time for which they speak,
-- whenever they were loaded.

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

final as (
    select
        carrier_id,
        service_number,
        account_id,
        plan_id,
        status,
        subscriber_name,
        email,
        change_id,
        load_id,
        row_number() over line_in_time as place,
        lead(data_at) over line_in_time is null as is_current,
        is_batch,
        data_at as known_from,
        lead(data_at) over line_in_time as known_to,
        activated_at,
        deactivated_at
    from news
    window line_in_time as (
        partition by carrier_id, service_number, account_id
        order by data_at, is_batch, change_id collate "C"
    )
)

select * from final
