-- Who paid for a record (the plan, which bucket, the subscriber) adds up to the record. A row here
-- would be overage charged for minutes that a bucket had paid for, or a bucket emptied by no call.
{{ config(meta={
    'invariant': 'Units are conserved',
    'proves': 'the sources of each record add up to its quantities; rollover names its bucket',
}) }}

with

funded as (
    select
        carrier_id,
        cdr_id,
        min(account_id) as account_id,
        coalesce(sum(quantity) filter (where source = 'plan'), 0) as plan_quantity,
        coalesce(sum(quantity) filter (where source = 'rollover'), 0) as rollover_quantity,
        coalesce(sum(quantity) filter (where source = 'overage'), 0) as overage_quantity,
        bool_and(
            quantity > 0
            and (source = 'rollover') = (bucket_id is not null)
            and source in ('plan', 'rollover', 'overage')
        ) as is_well_formed
    from {{ ref('usage_funding') }}
    group by carrier_id, cdr_id
),

rated as (
    select *
    from {{ ref('rated_usage') }}
    where not is_reversal and treatment = 'pool' and billable_quantity > no_charge_quantity
)

select
    coalesce(rated.carrier_id, funded.carrier_id) as carrier_id,
    coalesce(rated.cdr_id, funded.cdr_id) as cdr_id,
    rated.plan_quantity,
    funded.plan_quantity as funded_by_plan,
    rated.rollover_quantity,
    funded.rollover_quantity as funded_by_rollover,
    rated.overage_quantity,
    funded.overage_quantity as funded_by_overage
from rated
full join funded
    on rated.carrier_id = funded.carrier_id and rated.cdr_id = funded.cdr_id
where
    rated.account_id is distinct from funded.account_id
    or rated.plan_quantity is distinct from funded.plan_quantity
    or rated.rollover_quantity is distinct from funded.rollover_quantity
    or rated.overage_quantity is distinct from funded.overage_quantity
    or funded.is_well_formed is distinct from true
