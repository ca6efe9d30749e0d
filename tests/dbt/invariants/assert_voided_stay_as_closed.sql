-- A record that a void took out before its bill is counted with the account and cycle that it was
-- in. A row here would be a control of a closed cycle that says something else than when it was
-- signed off: the number has another owner since, or the close passed the record by.
{{ config(meta={
    'invariant': 'Closed is closed',
    'proves': 'records voided before a close stay with the account and cycle they had then',
}) }}

with

frozen as (select * from {{ source('issued', 'voided_usage') }}),

frontiers as (select * from {{ source('issued', 'account_frontiers') }}),

voided as (
    select * from {{ ref('int_usage_voids') }}
    where outcome = 'voided'
)

select
    frozen.carrier_id,
    frozen.cdr_id,
    frozen.cycle_start,
    frozen.account_id as closed_account_id,
    voided.account_id,
    frontiers.closed_through
from frozen
left join voided on frozen.carrier_id = voided.carrier_id and frozen.cdr_id = voided.cdr_id
left join frontiers on frozen.account_id = frontiers.account_id
where
    voided.account_id is distinct from frozen.account_id
    or voided.started_at is distinct from frozen.started_at
    or frozen.cycle_start >= coalesce(frontiers.closed_through, '-infinity')
union all
select
    voids_open.carrier_id,
    voids_open.cdr_id,
    voids_open.cycle_start,
    null as closed_account_id,
    voids_open.account_id,
    frontiers.closed_through
from {{ ref('int_voids_open') }} as voids_open
inner join frontiers on voids_open.account_id = frontiers.account_id
where voids_open.cycle_start < frontiers.closed_through
