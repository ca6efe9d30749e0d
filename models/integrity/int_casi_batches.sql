{{ config(materialized='view') }}

-- All files of one carrier and as-of are one batch. One without a single row is a batch, too: it
-- says that the carrier has no lines.

select
    carrier_id,
    as_of as batch_as_of,
    as_of = min(as_of) over (partition by carrier_id) as is_first,
    max(load_id) > (select watermark_load_id from {{ ref('run_values') }}) as is_new
from {{ ref('stg_loads__files') }}
where feed = 'subscribers' and {{ within_run('load_id') }}
group by carrier_id, as_of
