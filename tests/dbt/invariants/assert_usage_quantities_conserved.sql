-- What a record bills is what is free, paid from the plan, from rollover units, as overage or
-- metered. A row here would be units billed twice or given away.
{{ config(meta={
    'invariant': 'Units are conserved',
    'proves': 'every record bills exactly what is free, from the plan, rollover, overage or metered',
}) }}

select
    carrier_id,
    cdr_id,
    is_reversal
from {{ ref('rated_usage') }}
where
    billable_quantity is distinct from (
        no_charge_quantity
        + plan_quantity
        + rollover_quantity
        + overage_quantity
        + metered_quantity
    )
    or least(
        no_charge_quantity,
        plan_quantity,
        rollover_quantity,
        overage_quantity,
        metered_quantity
    ) < 0
