-- Units are good from the cycle after they were earned until they expire. A row here would be a
-- call paid with units that had expired, or did not exist yet: revenue lost, or a rule broken in
-- the subscriber's favour.
{{ config(meta={
    'invariant': 'Units are conserved',
    'proves': 'no bucket is drawn before it is available or after it expires',
}) }}

with

cycles as (
    select
        account_id,
        cycle_start,
        cycle_end
    from {{ source('issued', 'cycles') }}
    union
    select
        account_id,
        cycle_start,
        cycle_end
    from {{ ref('int_open_cycles') }}
),

draws as (
    select distinct
        account_id,
        bucket_id,
        cycle_start
    from {{ ref('usage_funding') }}
    where source = 'rollover'
)

select
    draws.account_id,
    draws.bucket_id,
    draws.cycle_start,
    buckets.available_from,
    buckets.expires_on
from draws
inner join {{ ref('rollover_buckets') }} as buckets
    on draws.account_id = buckets.account_id and draws.bucket_id = buckets.bucket_id
left join cycles
    on draws.account_id = cycles.account_id and draws.cycle_start = cycles.cycle_start
where
    cycles.cycle_end is null
    or draws.cycle_start < buckets.available_from
    or cycles.cycle_end > buckets.expires_on
