-- No more of a plan's fee is deferred than there is of it, over all of its pools.

select
    'deferred_over_fee' as rule_name,
    'plan_pools' as seed,
    plan_id as row_key,
    'its deferral_fee_share sum to ' || sum(deferral_fee_share) || ', which is over 1' as detail
from {{ ref('plan_pools') }}
where has_rollover
group by plan_id
having sum(deferral_fee_share) > 1
