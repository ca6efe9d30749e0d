-- A pool means the same in every plan that has it: its rollover units go from plan to plan.

select
    'pools_of_two_units' as rule_name,
    'plan_pools' as seed,
    'pool ' || pool_id as row_key,
    'plans count it in ' || string_agg(distinct unit_type, ' and in ') as detail
from {{ ref('plan_pools') }}
group by pool_id
having count(distinct unit_type) > 1
