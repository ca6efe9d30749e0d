{{ config(materialized='view') }}

-- Records that a void took out before their bill, and every void. Each says which load brought
-- the other of the two.

with

voids as not materialized (select * from {{ ref('int_usage_voids') }}),

unioned as (
    select
        carrier_id,
        cdr_id,
        'new' as action,
        account_id,
        original_load_id as load_id,
        void_load_id as voided_load_id
    from voids
    where outcome = 'voided'
    union all
    select
        carrier_id,
        cdr_id,
        'void' as action,
        account_id,
        void_load_id as load_id,
        original_load_id as voided_load_id
    from voids
),

final as (
    select
        carrier_id,
        cdr_id,
        action,
        account_id,
        load_id,
        voided_load_id
    from unioned
)

select * from final
