{{ config(unlogged=true) }}

-- Voids that came since the last build, those without an account (they wait for their record, or
-- for the line of its number), and those of a number whose lines say otherwise since: what a void
-- took out follows its line as an unbilled record does.

{% set known = adapter.get_relation(target.database, 'rating', 'int_usage_voids')
    if execute and not is_rebuild() else none %}

with

run_values as (select * from {{ ref('run_values') }}),

lines as not materialized (select * from {{ ref('int_lines_to_refresh') }}),

voids as not materialized (
    select * from {{ ref('stg_cdrs__records') }}
    where action = 'void'
),

{% if known is none %}
    final as (
        select * from voids
        where
            {{ within_run('load_id') }}
            and not exists (
                select 1 from lines
                where false
            )
    )
{% else %}
    changed_numbers as (
        select distinct
            carrier_id,
            service_number
        from lines
    ),

    final as (
        select * from voids
        where
            load_id > (select watermark_load_id from run_values)
            and {{ within_run('load_id') }}
        union all
        select voids.*
        from {{ known }} as known
        inner join voids on known.carrier_id = voids.carrier_id and known.cdr_id = voids.cdr_id
        where known.account_id is null
        union all
        select voids.*
        from changed_numbers
        inner join {{ known }} as known
            on
                changed_numbers.carrier_id = known.carrier_id
                and changed_numbers.service_number = known.service_number
                and known.outcome = 'voided'
                and known.account_id is not null
        inner join voids on known.carrier_id = voids.carrier_id and known.cdr_id = voids.cdr_id
    )
{% endif %}

select * from final
