{{ config(
    materialized='incremental',
    incremental_strategy='replace_units',
    indexes=[{'columns': ['carrier_id', 'batch_as_of']}],
    meta={
        'follows_rebuild': true,
        'units': 'int_casi_batches_to_search',
        'stale': 'stored.carrier_id = unit.carrier_id and stored.batch_as_of = unit.batch_as_of',
    },
) }}

-- A line is missing in a batch that has no row of it, if CASI knew the line as of the batch. The
-- first time of which a row of the line speaks decides that. Two things bring new cases: a batch
-- that is new, or got another file, and a line that turns out to have been known earlier. Other
-- batches are not searched again.

with

new_batches as (select * from {{ ref('int_casi_batches_to_search') }}),

batches as (select * from {{ ref('int_casi_batches') }}),

lines_to_refresh as (select * from {{ ref('int_lines_to_refresh') }}),

files as (select * from {{ ref('stg_loads__files') }}),

batch_rows as (select * from {{ ref('stg_subscribers__batch_rows') }}),

first_rows as not materialized (
    select
        carrier_id,
        service_number,
        account_id,
        is_batch,
        known_from
    from {{ ref('int_casi_history') }}
    where place = 1
),

files_of_new_batches as (
    select files.load_id
    from new_batches
    inner join files
        on new_batches.carrier_id = files.carrier_id and new_batches.batch_as_of = files.as_of
    where files.feed = 'subscribers' and {{ within_run('files.load_id') }}
),

-- Read by the primary key, which begins with the load. Joined at once, the rows would be looked for
-- line by line, and all older batches read with them.
listed as (
    select
        carrier_id,
        service_number,
        account_id,
        batch_as_of
    from batch_rows
    where
        load_id = any(
            array(select files_of_new_batches.load_id from files_of_new_batches)
        )
    {{ keep_apart() }}
),

missing_in_new_batches as (
    select
        first_rows.carrier_id,
        first_rows.service_number,
        first_rows.account_id,
        new_batches.batch_as_of
    from new_batches
    inner join first_rows
        on
            new_batches.carrier_id = first_rows.carrier_id
            and (
                new_batches.batch_as_of > first_rows.known_from
                -- a change at the very time of a batch is in the batch
                or (new_batches.batch_as_of = first_rows.known_from and not first_rows.is_batch)
            )
    left join listed
        on
            first_rows.carrier_id = listed.carrier_id
            and first_rows.service_number = listed.service_number
            and first_rows.account_id = listed.account_id
            and new_batches.batch_as_of = listed.batch_as_of
    where listed.account_id is null
),

-- Between the first row of a line known now and the one known before there can be rows of it in new
-- batches only, which are searched above. So it is missing in all other batches between the two.
missing_since_known_earlier as (
    select
        first_rows.carrier_id,
        first_rows.service_number,
        first_rows.account_id,
        batches.batch_as_of
    from lines_to_refresh
    inner join first_rows
        on
            lines_to_refresh.carrier_id = first_rows.carrier_id
            and lines_to_refresh.service_number = first_rows.service_number
            and lines_to_refresh.account_id = first_rows.account_id
    inner join batches
        on
            first_rows.carrier_id = batches.carrier_id
            and (
                first_rows.known_from < batches.batch_as_of
                or (first_rows.known_from = batches.batch_as_of and not first_rows.is_batch)
            )
            and (
                lines_to_refresh.was_known_from > batches.batch_as_of
                or lines_to_refresh.was_known_from is null
            )
    where not batches.is_new
),

final as (
    select * from missing_in_new_batches
    union all
    select * from missing_since_known_earlier
)

select * from final
