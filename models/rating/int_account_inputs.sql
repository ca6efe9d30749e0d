{{ config(
    materialized='incremental',
    incremental_strategy='replace_keys',
    unique_key='account_id',
    indexes=[{'columns': ['account_id'], 'unique': true}],
    meta={'follows_rebuild': true},
) }}

-- Rated once per state of its inputs: a digest of what the rating of an account's records depends
-- on. A row is written when the digest changes, so `changed_in_build` tells which accounts'
-- unbilled records must be rated again.

with

calendar as (select * from {{ ref('int_account_calendar') }}),

lines as (
    select
        account_id,
        md5(
            string_agg(
                concat_ws(' ', carrier_id, service_number, served_from, served_to),
                ';' order by carrier_id, service_number, served_from
            )
        ) as digest
    from {{ ref('int_served_lines') }}
    group by account_id
),

plan_segments as (
    select
        account_id,
        string_agg(
            concat_ws(' ', plan_id, effective_from, coalesce(effective_to, 'infinity')),
            ';' order by plan_id, effective_from
        ) as digest
    from {{ ref('int_plan_segments') }}
    group by account_id
),

run_values as (select * from {{ ref('run_values') }}),

digests as (
    select
        calendar.account_id,
        md5(
            concat_ws(
                '|',
                calendar.time_zone,
                calendar.bill_cycle_day,
                calendar.first_cycle_start,
                case when calendar.is_billed_elsewhere then 'billed elsewhere' end,
                plan_segments.digest,
                lines.digest
            )
        ) as inputs_digest
    from calendar
    left join plan_segments on calendar.account_id = plan_segments.account_id
    left join lines on calendar.account_id = lines.account_id
),

final as (
    select
        digests.account_id,
        digests.inputs_digest,
        run_values.build_id as changed_in_build
    from digests
    cross join run_values
    {% if not is_rebuild() %}
        left join {{ this }} as known on digests.account_id = known.account_id
        where known.inputs_digest is distinct from digests.inputs_digest
    {% endif %}
)

select * from final
