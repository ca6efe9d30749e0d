{{ config(unlogged=true) }}

-- Voids that came since the last build, and those that still wait for their record.

{% set known = adapter.get_relation(target.database, 'rating', 'int_usage_voids')
    if execute and not is_rebuild() else none %}

with

run_values as (select * from {{ ref('run_values') }}),

voids as (
    select * from {{ ref('stg_cdrs__records') }}
    where action = 'void'
),

final as (
    select voids.*
    from voids
    {% if known is not none %}
        where
            voids.load_id > (select watermark_load_id from run_values)
            or exists (
                select 1
                from {{ known }} as known
                where
                    known.carrier_id = voids.carrier_id
                    and known.cdr_id = voids.cdr_id
                    and known.outcome = 'waiting'
            )
    {% endif %}
)

select * from final
