{{ config(materialized='ephemeral') }}

-- The records that this run rates: what is new, what was suspended, and what stands under an
-- account whose inputs changed; in a rebuild, everything that is not billed. Voids take theirs out.

{% set usage = adapter.get_relation(target.database, 'rating', 'int_usage_open')
    if execute and not is_rebuild() else none %}
{% set suspended = adapter.get_relation(target.database, 'rating', 'int_usage_suspended')
    if execute and not is_rebuild() else none %}

with

run_values as (select * from {{ ref('run_values') }}),

cdrs as not materialized (select * from {{ ref('stg_cdrs__records') }}),

dirty_accounts as not materialized (select * from {{ ref('int_dirty_accounts') }}),

billed as not materialized (select * from {{ source('issued', 'rated_usage') }}),

voids as (
    select
        carrier_id,
        cdr_id
    from cdrs
    where action = 'void' and {{ within_run('load_id') }}
),

{% if usage is none or suspended is none %}
    candidates as (
        select cdrs.*
        from cdrs
        where
            cdrs.action = 'new'
            and {{ within_run('cdrs.load_id') }}
            and not exists (
                select 1
                from billed
                where
                    billed.carrier_id = cdrs.carrier_id
                    and billed.cdr_id = cdrs.cdr_id
                    and not billed.is_reversal
            )
            and not exists (
                select 1 from dirty_accounts
                where false
            )
    ),
{% else %}
    candidates as (
        select cdrs.*
        from cdrs
        where
            cdrs.action = 'new'
            and cdrs.load_id > (select watermark_load_id from run_values)
            and {{ within_run('cdrs.load_id') }}
        union all
        select cdrs.*
        from {{ suspended }} as suspended
        inner join cdrs
            on
                suspended.carrier_id = cdrs.carrier_id
                and suspended.cdr_id = cdrs.cdr_id
                and cdrs.action = 'new'
        union all
        select cdrs.*
        from dirty_accounts
        inner join {{ usage }} as usage on dirty_accounts.account_id = usage.account_id
        inner join cdrs
            on
                usage.carrier_id = cdrs.carrier_id
                and usage.cdr_id = cdrs.cdr_id
                and cdrs.action = 'new'
        -- billed by a close since: no longer ours
        where
            not exists (
                select 1
                from billed
                where
                    billed.account_id = usage.account_id
                    and billed.started_at = usage.started_at
                    and billed.carrier_id = usage.carrier_id
                    and billed.cdr_id = usage.cdr_id
            )
    ),
{% endif %}

final as (
    select candidates.*
    from candidates
    where
        not exists (
            select 1
            from voids
            where voids.carrier_id = candidates.carrier_id and voids.cdr_id = candidates.cdr_id
        )
)

select * from final
