-- Every accepted record is rated, suspended or voided, carrier by carrier. A row here would be
-- usage that is billed to nobody, or twice.
--
-- Counts as usage_control does, but of the tables themselves: a pass over the unbilled records
-- costs a small part of what it takes to price them. What was billed comes from the totals of each
-- close. A record counts as rated only if its terms and its cycle are known; without them it would
-- be on no bill.

with

run_values as (select * from {{ ref('run_values') }}),

loads as (
    select
        loads.carrier_id,
        sum(loads.accepted) as accepted
    from {{ source('raw', 'loads') }} as loads
    cross join run_values
    where loads.feed = 'cdrs' and loads.load_id <= run_values.cutoff_load_id
    group by loads.carrier_id
),

frontiers as (select * from {{ source('issued', 'account_frontiers') }}),

unbilled as (
    select
        unbilled_usage.carrier_id,
        unbilled_usage.terms_id,
        count(*) as records
    from {{ ref('int_usage_open') }} as unbilled_usage
    left join frontiers on unbilled_usage.account_id = frontiers.account_id
    where
        frontiers.closed_through is null
        or unbilled_usage.cycle_start >= frontiers.closed_through
    group by unbilled_usage.carrier_id, unbilled_usage.terms_id
),

outcomes as (
    select
        carrier_id,
        records
    from {{ source('issued', 'usage_totals') }}
    union all
    select
        unbilled.carrier_id,
        unbilled.records
    from unbilled
    inner join {{ ref('int_usage_terms') }} as terms on unbilled.terms_id = terms.terms_id
    union all
    select
        carrier_id,
        count(*) as records
    from {{ ref('int_usage_suspended') }}
    group by carrier_id
    union all
    select
        carrier_id,
        -- the void and, where it took one out, the record
        count(*) + count(*) filter (where outcome = 'voided') as records
    from {{ ref('int_usage_voids') }}
    group by carrier_id
),

counted as (
    select
        carrier_id,
        sum(records) as records
    from outcomes
    group by carrier_id
),

cycles_with_records as (
    select
        account_id,
        cycle_start
    from {{ ref('int_meter_totals') }}
    where meter = 'records'
),

unbalanced as (
    select
        coalesce(loads.carrier_id, counted.carrier_id) as carrier_id,
        loads.accepted,
        counted.records as found,
        null as account_id,
        null::date as cycle_start
    from loads
    full join counted on loads.carrier_id = counted.carrier_id
    where coalesce(loads.accepted, 0) is distinct from coalesce(counted.records, 0)
),

without_cycle as (
    select
        null as carrier_id,
        null::numeric as accepted,
        null::numeric as found,
        cycles_with_records.account_id,
        cycles_with_records.cycle_start
    from cycles_with_records
    left join {{ ref('int_open_cycles') }} as cycles
        on
            cycles_with_records.account_id = cycles.account_id
            and cycles_with_records.cycle_start = cycles.cycle_start
    left join frontiers on cycles_with_records.account_id = frontiers.account_id
    where
        cycles.account_id is null
        and cycles_with_records.cycle_start >= coalesce(frontiers.closed_through, '-infinity')
)

select
    carrier_id,
    accepted,
    found,
    account_id,
    cycle_start
from unbalanced
union all
select
    carrier_id,
    accepted,
    found,
    account_id,
    cycle_start
from without_cycle
