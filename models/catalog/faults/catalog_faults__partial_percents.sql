-- Percents replace usage as the basis when every term of an agreement has one: some alone would
-- mean nothing.

select
    'partial_percents' as rule_name,
    'settlement_terms' as seed,
    agreement_id as row_key,
    'remainder_percent is given for '
    || string_agg(carrier_id, ', ' order by carrier_id collate "C")
    filter (where remainder_percent is not null)
    || ', but not for '
    || string_agg(carrier_id, ', ' order by carrier_id collate "C")
    filter (where remainder_percent is null) as detail
from {{ ref('settlement_terms') }}
group by agreement_id
having count(remainder_percent) between 1 and count(*) - 1
