-- A carrier that has brought records keeps its row: its lines, orders and calls stand on it.

with

carriers as not materialized (select * from {{ ref('carriers') }}),

loads as not materialized (select * from {{ source('raw', 'loads') }}),

final as (
    select
        'carriers_in_use' as rule_name,
        'carriers' as seed,
        loads.carrier_id as row_key,
        'the row is missing, but loads have brought ' || sum(loads.accepted)
        || ' records of it' as detail
    from loads
    left join carriers on loads.carrier_id = carriers.carrier_id
    where loads.accepted > 0 and loads.carrier_id is not null and carriers.carrier_id is null
    group by loads.carrier_id
)

select * from final
