-- Amounts of all plans are added up, per bill and per carrier: they are in one currency.

select
    'mixed_currencies' as rule_name,
    'plans' as seed,
    string_agg(distinct currency, ', ') as row_key,
    'all plans of a catalog must be in one currency' as detail
from {{ ref('plans') }}
having count(distinct currency) > 1
