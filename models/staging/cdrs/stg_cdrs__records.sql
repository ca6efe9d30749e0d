select
    carrier_id,
    cdr_id,
    action,
    case direction when 'originated' then calling_number else called_number end as service_number,
    case direction when 'originated' then called_number else calling_number end as other_number,
    direction,
    service,
    call_type,
    other_party_type,
    other_party_carrier_id,
    quantity,
    load_id,
    started_at
from {{ source('raw', 'cdrs') }}
