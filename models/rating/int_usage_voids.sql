{{ config(
    materialized='incremental',
    incremental_strategy='replace_units',
    indexes=[
        {'columns': ['carrier_id', 'cdr_id'], 'unique': true},
        {'columns': ['account_id']},
        {'columns': ['carrier_id', 'service_number']},
    ],
    meta={
        'follows_rebuild': true,
        'units': 'int_voids_to_decide',
        'stale': 'stored.carrier_id = unit.carrier_id and stored.cdr_id = unit.cdr_id',
    },
) }}

-- Rule "void": a void of a record in an open cycle takes it out, one of an unknown record waits for
-- it, one of a billed record is reversed in the first open cycle. What it took out is whose the
-- line says it is, until a close freezes that.

with

voids as (select * from {{ ref('int_voids_to_decide') }}),

cdrs as (
    select * from {{ ref('stg_cdrs__records') }}
    where action = 'new' and {{ within_run('load_id') }}
),

casi_rows as (select * from {{ ref('int_casi_rows') }}),

served_lines as (select * from {{ ref('int_served_lines') }}),

billed as (
    select * from {{ source('issued', 'rated_usage') }}
    where not is_reversal
),

frozen as (select * from {{ source('issued', 'voided_usage') }}),

originals as (
    select
        voids.carrier_id,
        voids.cdr_id,
        voids.load_id as void_load_id,
        cdrs.load_id as original_load_id,
        cdrs.cdr_id is not null as is_known,
        coalesce(cdrs.service_number, voids.service_number) as service_number,
        coalesce(cdrs.service, voids.service) as service,
        coalesce(cdrs.quantity, voids.quantity) as quantity,
        coalesce(cdrs.started_at, voids.started_at) as started_at
    from voids
    left join cdrs on voids.carrier_id = cdrs.carrier_id and voids.cdr_id = cdrs.cdr_id
),

-- what closes said of a record is found by the accounts that its number has ever belonged to
once_served as (
    select distinct
        originals.carrier_id,
        originals.cdr_id,
        casi_rows.account_id
    from originals
    inner join casi_rows
        on
            originals.carrier_id = casi_rows.carrier_id
            and originals.service_number = casi_rows.service_number
    where originals.is_known
),

reversed as (
    select
        originals.carrier_id,
        originals.cdr_id,
        billed.account_id
    from originals
    inner join once_served
        on
            originals.carrier_id = once_served.carrier_id
            and originals.cdr_id = once_served.cdr_id
    inner join billed
        on
            once_served.account_id = billed.account_id
            and originals.started_at = billed.started_at
            and originals.carrier_id = billed.carrier_id
            and originals.cdr_id = billed.cdr_id
),

taken_out as (
    select
        originals.carrier_id,
        originals.cdr_id,
        frozen.account_id
    from originals
    inner join once_served
        on
            originals.carrier_id = once_served.carrier_id
            and originals.cdr_id = once_served.cdr_id
    inner join frozen
        on
            once_served.account_id = frozen.account_id
            and originals.started_at = frozen.started_at
            and originals.carrier_id = frozen.carrier_id
            and originals.cdr_id = frozen.cdr_id
),

final as (
    select
        originals.carrier_id,
        originals.cdr_id,
        case
            when originals.is_known
                then coalesce(reversed.account_id, taken_out.account_id, served_lines.account_id)
        end as account_id,
        originals.service_number,
        originals.service,
        case
            when not originals.is_known then 'waiting'
            when reversed.account_id is not null then 'reversed'
            else 'voided'
        end as outcome,
        originals.quantity,
        originals.void_load_id,
        originals.original_load_id,
        originals.started_at
    from originals
    left join reversed
        on originals.carrier_id = reversed.carrier_id and originals.cdr_id = reversed.cdr_id
    left join taken_out
        on originals.carrier_id = taken_out.carrier_id and originals.cdr_id = taken_out.cdr_id
    left join served_lines
        on
            originals.carrier_id = served_lines.carrier_id
            and originals.service_number = served_lines.service_number
            and originals.started_at >= served_lines.served_from
            and originals.started_at < served_lines.served_to
)

select * from final
