-- One row per jurisdiction and each jurisdiction above it, itself included.
-- depends_on: {{ ref('catalog_faults') }}

with recursive

jurisdictions as not materialized (select * from {{ ref('tax_jurisdictions') }}),

chains as (
    select
        jurisdiction_id,
        jurisdiction_id as taxing_jurisdiction_id
    from jurisdictions
    union
    select
        chains.jurisdiction_id,
        jurisdictions.parent_jurisdiction_id as taxing_jurisdiction_id
    from chains
    inner join jurisdictions on chains.taxing_jurisdiction_id = jurisdictions.jurisdiction_id
    where jurisdictions.parent_jurisdiction_id is not null
),

final as (
    select
        chains.jurisdiction_id,
        chains.taxing_jurisdiction_id,
        jurisdictions.level,
        case jurisdictions.level when 'local' then 1 when 'state' then 2 else 3 end as level_rank
    from chains
    inner join jurisdictions on chains.taxing_jurisdiction_id = jurisdictions.jurisdiction_id
)

select * from final
