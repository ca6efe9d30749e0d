{{ config(materialized='incremental', incremental_strategy='replace_all',
    indexes=[{'columns': ['carrier_id', 'service_number']}]) }}

-- Rule "Line": if several lines of a carrier and number match, the one activated last, then the
-- smaller account. Each line keeps what no line before it in that order covers, so that at any
-- instant one line at most is left.

with

periods as (
    select
        carrier_id,
        service_number,
        account_id,
        activated_at,
        coalesce(deactivated_at, 'infinity') as deactivated_at
    from {{ ref('int_line_periods') }}
    where deactivated_at > activated_at or deactivated_at is null
),

counted as (
    select
        *,
        count(*) over (partition by carrier_id, service_number) as periods_of_number
    from periods
),

contested as (
    select
        carrier_id,
        service_number,
        account_id,
        unnest(
            tstzmultirange(tstzrange(activated_at, deactivated_at))
            - coalesce(
                range_agg(tstzrange(activated_at, deactivated_at)) over (
                    partition by carrier_id, service_number
                    order by activated_at desc, account_id collate "C" asc, deactivated_at desc
                    rows between unbounded preceding and 1 preceding
                ),
                '{}'
            )
        ) as period
    from counted
    where periods_of_number > 1
),

final as (
    select
        carrier_id,
        service_number,
        account_id,
        activated_at as served_from,
        deactivated_at as served_to
    from counted
    where periods_of_number = 1
    union all
    select
        carrier_id,
        service_number,
        account_id,
        lower(period) as served_from,
        upper(period) as served_to
    from contested
)

select * from final
