{{ config(materialized='view') }}

-- What somebody asked for or reported of rollover units and the buckets contradict. Nothing of it
-- is corrected silently: the buckets stay as they are, and this says so.

with

history as (
    select * from {{ ref('adjustment_history') }}
    where exception_type is not null
),

issued_openings as not materialized (select * from {{ source('issued', 'openings') }}),

open_openings as (select * from {{ ref('int_openings_open') }}),

staged_openings as not materialized (select * from {{ ref('stg_rollover__openings') }}),

issued_reports as not materialized (select * from {{ source('issued', 'reports') }}),

open_reports as not materialized (select * from {{ ref('int_reports') }}),

results as not materialized (select * from {{ ref('stg_rollover__results') }}),

frozen_requests as not materialized (select * from {{ source('issued', 'frozen_requests') }}),

openings as (
    select
        account_id,
        pool_id,
        bucket_id,
        base_units_per_unit,
        quantity,
        cycle_start,
        exception_type
    from issued_openings
    union all
    select
        account_id,
        pool_id,
        bucket_id,
        base_units_per_unit,
        quantity,
        cycle_start,
        exception_type
    from open_openings
    where
        not exists (
            select 1
            from issued_openings
            where
                issued_openings.account_id = open_openings.account_id
                and issued_openings.bucket_id = open_openings.bucket_id
        )
),

compared as (
    select
        *,
        'report_overdrawn' as exception_type,
        rollover_used_quantity as expected_quantity,
        reported_rollover_used_quantity as found_quantity
    from issued_reports
    where reported_rollover_used_quantity > rollover_used_quantity
    union all
    select
        *,
        'report_expired' as exception_type,
        expired_quantity as expected_quantity,
        reported_expired_quantity as found_quantity
    from issued_reports
    where reported_expired_quantity != expired_quantity
    union all
    select
        *,
        'report_accumulated' as exception_type,
        expected_accumulated_quantity as expected_quantity,
        reported_accumulated_quantity as found_quantity
    from issued_reports
    where reported_accumulated_quantity != expected_accumulated_quantity
),

known_reports as (
    select
        account_id,
        pool_id,
        cycle_start
    from issued_reports
    union
    select
        account_id,
        pool_id,
        cycle_start
    from open_reports
),

misnamed as (
    select results.*
    from known_reports
    inner join results
        on
            known_reports.account_id = results.account_id
            and known_reports.pool_id = results.pool_id
            and known_reports.cycle_start = results.cycle_start
    where
        results.request_id is not null
        and not exists (
            select 1
            from frozen_requests
            where
                frozen_requests.account_id = results.account_id
                and frozen_requests.cycle_start = results.cycle_start
                and frozen_requests.request_id = results.request_id
        )
),

unioned as (
    select
        exception_type,
        account_id,
        pool_id,
        cycle_start,
        adjustment_id as subject,
        applied_quantity as expected_units,
        quantity as found_units,
        adjusted_at as opened_at
    from history
    union all
    select
        openings.exception_type,
        openings.account_id,
        openings.pool_id,
        openings.cycle_start,
        openings.bucket_id as subject,
        0 as expected_units,
        {{ in_units('openings.quantity', 'openings.base_units_per_unit') }} as found_units,
        staged_openings.as_of as opened_at
    from openings
    inner join staged_openings
        on
            openings.account_id = staged_openings.account_id
            and openings.pool_id = staged_openings.pool_id
            and openings.bucket_id = staged_openings.account_id || '-' || staged_openings.pool_id
            || '-' || to_char(staged_openings.earned_cycle_start, 'YYYYMMDD') || '-plan'
    where openings.exception_type is not null
    union all
    select
        compared.exception_type,
        compared.account_id,
        compared.pool_id,
        compared.cycle_start,
        compared.account_id || '-' || compared.pool_id || '-'
        || to_char(compared.cycle_start, 'YYYYMMDD') as subject,
        {{ in_units('compared.expected_quantity', 'compared.base_units_per_unit') }}
            as expected_units,
        {{ in_units('compared.found_quantity', 'compared.base_units_per_unit') }} as found_units,
        results.reported_at as opened_at
    from compared
    inner join results
        on
            compared.account_id = results.account_id
            and compared.pool_id = results.pool_id
            and compared.cycle_start = results.cycle_start
    union all
    select
        'report_unknown_cycle' as exception_type,
        account_id,
        pool_id,
        cycle_start,
        account_id || '-' || pool_id || '-' || to_char(cycle_start, 'YYYYMMDD') as subject,
        null as expected_units,
        null as found_units,
        reported_at as opened_at
    from open_reports
    where not is_of_calendar
    union all
    select
        'report_unknown_request' as exception_type,
        account_id,
        pool_id,
        cycle_start,
        account_id || '-' || pool_id || '-' || to_char(cycle_start, 'YYYYMMDD') as subject,
        null as expected_units,
        null as found_units,
        reported_at as opened_at
    from misnamed
    union all
    -- of an account or pool that is not known, or billed by us; out of turn; without the others
    select
        'report_waits' as exception_type,
        account_id,
        pool_id,
        cycle_start,
        account_id || '-' || pool_id || '-' || to_char(cycle_start, 'YYYYMMDD') as subject,
        null as expected_units,
        null as found_units,
        reported_at as opened_at
    from results
    where
        not exists (
            select 1
            from issued_reports
            where
                issued_reports.account_id = results.account_id
                and issued_reports.pool_id = results.pool_id
                and issued_reports.cycle_start = results.cycle_start
        )
        and not exists (
            select 1
            from open_reports
            where
                open_reports.account_id = results.account_id
                and open_reports.pool_id = results.pool_id
                and open_reports.cycle_start = results.cycle_start
                and not open_reports.is_of_calendar
        )
    union all
    -- of an account or pool that is not known, or a part of a base unit
    select
        'opening_waits' as exception_type,
        account_id,
        pool_id,
        null as cycle_start,
        account_id || '-' || pool_id || '-' || to_char(earned_cycle_start, 'YYYYMMDD') || '-plan'
            as subject,
        null as expected_units,
        quantity_units as found_units,
        as_of as opened_at
    from staged_openings
    where
        not exists (
            select 1
            from openings
            where
                openings.account_id = staged_openings.account_id
                and openings.bucket_id = staged_openings.account_id || '-'
                || staged_openings.pool_id || '-'
                || to_char(staged_openings.earned_cycle_start, 'YYYYMMDD') || '-plan'
        )
),

final as (
    select
        md5(exception_type || '|' || account_id || '|' || pool_id || '|' || subject)
            as exception_id,
        exception_type,
        account_id,
        pool_id,
        cycle_start,
        subject,
        expected_units::numeric(20, 6) as expected_units,
        found_units::numeric(20, 6) as found_units,
        opened_at
    from unioned
)

select * from final
