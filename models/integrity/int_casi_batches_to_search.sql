{{ config(unlogged=true) }}

-- Batches of which files have come since the last build.

select
    carrier_id,
    batch_as_of
from {{ ref('int_casi_batches') }}
where is_new
