{{ config(materialized='incremental', incremental_strategy='replace_all') }}

-- Carriers contradict each other where both say something and nothing is common to both.

with

said as not materialized (select * from {{ ref('int_casi_said') }}),

final as (
    select
        one.account_id,
        one.plan_id::text as plan_id,
        one.field,
        one.carrier_id::text as carrier_id,
        other.carrier_id::text as other_carrier_id,
        one.value_text as carrier_value,
        other.value_text as other_carrier_value,
        greatest(one.data_at, other.data_at) as since_at
    from said as one
    inner join said as other
        on
            one.account_id = other.account_id
            and one.plan_id = other.plan_id
            and one.field = other.field
            and one.carrier_id collate "C" < other.carrier_id collate "C"
    where not one.value_keys && other.value_keys
)

select * from final
