-- The control that finance signs off says what happened to every record. A row here would be a
-- control that balances on paper while calls are missing from it.
{{ config(meta={
    'invariant': 'Nothing is lost',
    'proves': 'usage control balances, and counts and prices what rated usage holds',
}) }}

with

control as (
    select
        carrier_id,
        sum(accepted) as accepted,
        sum(rated) as rated,
        sum(suspended) as suspended,
        sum(voided) as voided,
        sum(charge_amount) as charge_amount,
        sum(reversed_amount) as reversed_amount,
        bool_and(
            accepted is not distinct from rated + suspended + voided
        ) as is_balanced
    from {{ ref('usage_control') }}
    group by carrier_id
),

-- loads after the last build are accepted and nothing else yet
not_built as (
    select
        carrier_id,
        sum(accepted) as accepted
    from {{ source('raw', 'loads') }}
    where
        feed = 'cdrs'
        and load_id > (select max(built.cutoff_load_id) from {{ ref('build_state') }} as built)
    group by carrier_id
),

stored as (
    select
        carrier_id,
        count(*) as accepted
    from {{ source('raw', 'cdrs') }}
    group by carrier_id
),

rated as (
    select
        carrier_id,
        count(*) filter (where not is_reversal) as rated,
        coalesce(sum(charge_amount) filter (where not is_reversal), 0) as charge_amount,
        coalesce(sum(charge_amount) filter (where is_reversal), 0) as reversed_amount
    from {{ ref('rated_usage') }}
    group by carrier_id
)

select
    coalesce(control.carrier_id, stored.carrier_id, rated.carrier_id) as carrier_id,
    control.accepted as accepted_in_control,
    stored.accepted,
    control.rated as rated_in_control,
    rated.rated,
    control.charge_amount as charge_amount_in_control,
    rated.charge_amount
from control
full join stored on control.carrier_id = stored.carrier_id
full join rated on coalesce(control.carrier_id, stored.carrier_id) = rated.carrier_id
left join not_built on control.carrier_id = not_built.carrier_id
where
    control.accepted is distinct from coalesce(stored.accepted, 0)
    or control.rated is distinct from coalesce(rated.rated, 0)
    or control.charge_amount is distinct from coalesce(rated.charge_amount, 0)
    or control.reversed_amount is distinct from coalesce(rated.reversed_amount, 0)
    or (not_built.accepted is null and control.is_balanced is distinct from true)
    or control.accepted is distinct from (
        control.rated + control.suspended + control.voided + coalesce(not_built.accepted, 0)
    )
