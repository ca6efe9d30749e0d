-- The percents of an agreement are the whole remainder.

select
    'wrong_percents' as rule_name,
    'settlement_terms' as seed,
    agreement_id as row_key,
    'its remainder_percent sum to ' || sum(remainder_percent) || ', not to 100' as detail
from {{ ref('settlement_terms') }}
group by agreement_id
having count(remainder_percent) = count(*) and sum(remainder_percent) != 100
