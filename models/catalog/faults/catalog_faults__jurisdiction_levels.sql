-- Above a local jurisdiction is a state or the federation, above a state the federation, above that
-- nothing.

{%- set rank_of = "array_position(array['local', 'state', 'federal'], %s.level)" %}

with

tax_jurisdictions as not materialized (select * from {{ ref('tax_jurisdictions') }}),

cycles as (select * from {{ ref('catalog_faults__jurisdiction_cycles') }}),

final as (
    select
        'jurisdiction_levels' as rule_name,
        'tax_jurisdictions' as seed,
        {{ catalog_row('tax_jurisdictions') }} as row_key,
        'it is ' || tax_jurisdictions.level || ', and its parent '
        || tax_jurisdictions.parent_jurisdiction_id || ' is ' || parents.level as detail
    from tax_jurisdictions
    inner join tax_jurisdictions as parents
        on tax_jurisdictions.parent_jurisdiction_id = parents.jurisdiction_id
    where
        {{ rank_of % 'tax_jurisdictions' }} >= {{ rank_of % 'parents' }}
        -- some level of a cycle is always wrong; one fault says it
        and not exists (
            select 1
            from cycles
            where cycles.row_key = tax_jurisdictions.jurisdiction_id
        )
)

select * from final
