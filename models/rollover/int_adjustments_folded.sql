{{ config(
    materialized='incremental',
    incremental_strategy='replace_all',
    indexes=[{'columns': ['account_id', 'adjustment_id', 'is_after_close'], 'unique': true}],
) }}

-- What becomes of each adjustment that no close has counted: how much of it is applied, what it
-- costs, and whether it asked for more than there was.

with

fold as (
    select * from {{ ref('int_rollover_fold') }}
    where adjustment_id is not null
),

adjustments as (select * from {{ ref('int_adjustments_open') }}),

inputs as (select * from {{ ref('int_pool_cycle_inputs') }}),

cycles as (select * from {{ ref('int_open_cycles') }}),

charged as (
    select
        fold.*,
        inputs.pool_name,
        inputs.unit_type,
        inputs.deciding_plan_id,
        inputs.cycle_end,
        adjustments.action,
        adjustments.base_units_per_unit,
        adjustments.quantity,
        adjustments.extend_cycles,
        adjustments.bucket_cycle_start,
        adjustments.adjusted_at,
        fold.is_after_close and cycles.is_closing as is_closing,
        fold.is_after_close and cycles.is_billing as is_billing,
        case
            when fold.applied_quantity = 0 then null
            when adjustments.action = 'resale' then inputs.resale_rate
            when adjustments.action = 'extension' then inputs.extension_rate
        end as rate,
        case
            when adjustments.action = 'extension' then adjustments.extend_cycles else 1
        end as times
    from fold
    inner join adjustments
        on
            fold.account_id = adjustments.account_id
            and fold.adjustment_id = adjustments.adjustment_id
    inner join inputs
        on
            fold.account_id = inputs.account_id
            and fold.pool_id = inputs.pool_id
            and fold.cycle_start = inputs.cycle_start
    inner join cycles
        on fold.account_id = cycles.account_id and fold.cycle_start = cycles.cycle_start
),

final as (
    select
        account_id,
        adjustment_id,
        pool_id,
        pool_name,
        unit_type,
        action,
        deciding_plan_id as plan_id,
        bucket_id,
        base_units_per_unit,
        quantity,
        applied_quantity,
        charged_quantity,
        extend_cycles,
        rate,
        ({{ round_half_up(
            'charged_quantity * rate * times / base_units_per_unit', 2
        ) }})::numeric(18, 2) as amount,
        case when status = 'over_resale' then status end as exception_type,
        is_after_close,
        is_closing,
        is_billing,
        cycle_start,
        cycle_end,
        frontier,
        bucket_cycle_start,
        adjusted_at
    from charged
)

select * from final
