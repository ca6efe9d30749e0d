-- A file that a carrier sent is money it expects to see: each of its rows is stored, a repetition,
-- or refused and kept with a reason. A row here would be usage or orders that disappeared while
-- loading.
{{ config(meta={
    'invariant': 'Nothing is lost',
    'proves': 'each row of each file is stored, a repetition, or refused and kept with its reason',
}) }}

with

loads as (select * from {{ source('raw', 'loads') }}),

rejects as (
    select
        load_id,
        count(*) as refused,
        count(*) filter (where least(length(reason_code), length(reason)) > 0) as explained
    from {{ source('raw', 'rejects') }}
    group by load_id
),

stored as (
    select
        load_id,
        'cdrs' as feed,
        count(*) as records
    from {{ source('raw', 'cdrs') }}
    group by load_id
    union all
    select
        load_id,
        'accounts' as feed,
        count(*) as records
    from {{ source('raw', 'accounts') }}
    group by load_id
    union all
    select
        load_id,
        'subscribers' as feed,
        count(*) as records
    from {{ source('raw', 'subscribers') }}
    group by load_id
    union all
    select
        load_id,
        'subscriber_changes' as feed,
        count(*) as records
    from {{ source('raw', 'subscriber_changes') }}
    group by load_id
    union all
    select
        load_id,
        'orders' as feed,
        count(*) as records
    from {{ source('raw', 'orders') }}
    group by load_id
    union all
    select
        load_id,
        'rollover_opening' as feed,
        count(*) as records
    from {{ source('raw', 'rollover_opening') }}
    group by load_id
    union all
    select
        load_id,
        'rollover_adjustments' as feed,
        count(*) as records
    from {{ source('raw', 'rollover_adjustments') }}
    group by load_id
    union all
    select
        load_id,
        'rollover_results' as feed,
        count(*) as records
    from {{ source('raw', 'rollover_results') }}
    group by load_id
)

select
    coalesce(loads.load_id, stored.load_id, rejects.load_id) as load_id,
    loads.rows_read,
    loads.accepted,
    stored.records as stored_records,
    loads.duplicate,
    loads.rejected,
    rejects.refused,
    rejects.explained
from loads
full join stored on loads.load_id = stored.load_id and loads.feed = stored.feed
full join rejects on coalesce(loads.load_id, stored.load_id) = rejects.load_id
where
    loads.rows_read is distinct from loads.accepted + loads.duplicate + loads.rejected
    or loads.accepted is distinct from coalesce(stored.records, 0)
    or loads.rejected is distinct from coalesce(rejects.refused, 0)
    or loads.rejected is distinct from coalesce(rejects.explained, 0)
