-- The chain of jurisdictions that tax an account ends.

with recursive

jurisdictions as not materialized (
    select
        jurisdiction_id,
        parent_jurisdiction_id
    from {{ ref('tax_jurisdictions') }}
    where parent_jurisdiction_id is not null
),

ancestors as (
    select
        jurisdiction_id,
        parent_jurisdiction_id as ancestor_id
    from jurisdictions
    union
    select
        ancestors.jurisdiction_id,
        jurisdictions.parent_jurisdiction_id as ancestor_id
    from ancestors
    inner join jurisdictions on ancestors.ancestor_id = jurisdictions.jurisdiction_id
),

final as (
    select
        'jurisdiction_cycles' as rule_name,
        'tax_jurisdictions' as seed,
        jurisdiction_id as row_key,
        'it is above itself' as detail
    from ancestors
    where jurisdiction_id = ancestor_id
)

select * from final
