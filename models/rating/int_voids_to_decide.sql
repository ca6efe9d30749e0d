{{ config(unlogged=true) }}

-- Voids that came since the last build, and those without an account: they wait for their record,
-- or for the line of its number.

{% set known = adapter.get_relation(target.database, 'rating', 'int_usage_voids')
    if execute and not is_rebuild() else none %}

with

run_values as (select * from {{ ref('run_values') }}),

voids as not materialized (
    select * from {{ ref('stg_cdrs__records') }}
    where action = 'void'
),

{% if known is none %}
    final as (
        select * from voids
        where {{ within_run('load_id') }}
    )
{% else %}
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
    )
{% endif %}

select * from final
