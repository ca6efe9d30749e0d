-- Exactly one carrier issues the bill and collects what it says.

select
    'not_one_biller' as rule_name,
    'carriers' as seed,
    string_agg(carrier_id, ', ' order by carrier_id collate "C") filter (where is_biller)
        as row_key,
    count(*) filter (where is_biller) || ' carriers are biller, exactly one must be' as detail
from {{ ref('carriers') }}
having count(*) filter (where is_biller) != 1
