-- Units are given and taken for a reason that an auditor can read. An adjustment whose reason code
-- the catalog does not have is accepted, and counts; here it is reported, until the code is in the
-- catalog. Issued adjustments never change, so add what was meant to adjustment_reasons.csv, with a
-- description.
{{ config(meta={
    'invariant': 'Nothing is lost',
    'proves': 'each adjustment has a reason of the catalog; add what is missing to adjustment_reasons',
}) }}

select
    adjustments.adjustment_id,
    adjustments.account_id,
    adjustments.reason_code
from {{ ref('stg_rollover__adjustments') }} as adjustments
left join {{ ref('adjustment_reasons') }} as reasons
    on adjustments.reason_code = reasons.reason_code
where reasons.reason_code is null
