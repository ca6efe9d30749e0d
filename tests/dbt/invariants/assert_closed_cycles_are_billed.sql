-- A closed cycle with a day of a plan, a record or a one-time charge is on a bill. A row here would
-- be a cycle that ended for good without being charged, or a bill for a cycle that was not closed.
{{ config(meta={
    'invariant': 'Closed is closed',
    'proves': 'each closed cycle with a plan or a record has its bill, and each bill its cycle',
}) }}

with

cycles as (select * from {{ source('issued', 'cycles') }}),

-- those that another system billed have none of ours
billed_cycles as (
    select
        account_id,
        cycle_start
    from cycles
    where is_billed
),

contents as (
    select
        account_id,
        cycle_start
    from {{ source('issued', 'plan_segments') }}
    -- what was before the first cycle is kept, too
    where segment_from >= cycle_start and segment_from < segment_to
    union
    select
        account_id,
        cycle_start
    from {{ source('issued', 'rated_usage') }}
    union
    select
        account_id,
        cycle_start
    from {{ source('issued', 'adjustments') }}
    where amount is not null
),

with_content as (
    select
        contents.account_id,
        contents.cycle_start
    from contents
    inner join billed_cycles
        on
            contents.account_id = billed_cycles.account_id
            and contents.cycle_start = billed_cycles.cycle_start
),

bills as (select * from {{ ref('bills') }})

select
    coalesce(with_content.account_id, bills.account_id) as account_id,
    coalesce(with_content.cycle_start, bills.cycle_start) as cycle_start,
    bills.bill_id,
    cycles.cycle_end
from with_content
full join bills
    on
        with_content.account_id = bills.account_id
        and with_content.cycle_start = bills.cycle_start
left join cycles
    on
        coalesce(with_content.account_id, bills.account_id) = cycles.account_id
        and coalesce(with_content.cycle_start, bills.cycle_start) = cycles.cycle_start
where
    bills.bill_id is null
    or with_content.account_id is null
    or cycles.cycle_end is distinct from bills.cycle_end
    or cycles.close_id is distinct from bills.close_id
    or bills.bill_id is distinct from {{ bill_id('cycles.account_id', 'cycles.cycle_end') }}
