select
    load_id,
    feed,
    carrier_id,
    file_name,
    sha256,
    loaded_by,
    bytes,
    rows_read,
    accepted,
    duplicate,
    rejected,
    as_of,
    latest_at,
    loaded_at
from {{ source('raw', 'loads') }}
