{{ config(materialized='view') }}

-- A record draws from the buckets whose ranges its own place on the axis of the pool overlaps.

with

issued as not materialized (
    select
        usage.*,
        terms.pool_id
    from {{ source('issued', 'rated_usage') }} as usage
    inner join {{ source('issued', 'usage_terms') }} as terms on usage.terms_id = terms.terms_id
    where terms.treatment = 'pool' and usage.billable_quantity > usage.no_charge_quantity
),

issued_buckets as not materialized (
    select * from {{ source('issued', 'bucket_cycles') }}
    where range_from is not null
),

open_usage as not materialized (
    select
        usage.*,
        terms.pool_id
    from {{ ref('int_usage_open_funded') }} as usage
    inner join {{ ref('int_usage_terms') }} as terms on usage.terms_id = terms.terms_id
    where terms.treatment = 'pool' and usage.billable_quantity > usage.no_charge_quantity
),

frontiers as not materialized (select * from {{ source('issued', 'account_frontiers') }}),

open_buckets as not materialized (
    select buckets.*
    from {{ ref('int_bucket_cycles') }} as buckets
    left join frontiers on buckets.account_id = frontiers.account_id
    where
        buckets.range_from is not null
        and buckets.frontier = coalesce(frontiers.closed_through, '-infinity')
        and buckets.cycle_start >= coalesce(frontiers.closed_through, '-infinity')
),

from_buckets as (
    select
        issued.carrier_id,
        issued.cdr_id,
        issued.account_id,
        issued.cycle_start,
        issued.pool_id,
        'rollover' as source,
        buckets.bucket_id,
        {{ range_overlap(
            'issued.pool_offset',
            '(issued.billable_quantity - issued.no_charge_quantity)',
            'buckets.range_from',
            'buckets.range_to'
        ) }} as quantity
    from issued
    inner join issued_buckets as buckets
        on
            issued.account_id = buckets.account_id
            and issued.pool_id = buckets.pool_id
            and issued.cycle_start = buckets.cycle_start
    where issued.rollover_quantity > 0
    union all
    select
        open_usage.carrier_id,
        open_usage.cdr_id,
        open_usage.account_id,
        open_usage.cycle_start,
        open_usage.pool_id,
        'rollover' as source,
        buckets.bucket_id,
        {{ range_overlap(
            'open_usage.pool_offset',
            '(open_usage.billable_quantity - open_usage.no_charge_quantity)',
            'buckets.range_from',
            'buckets.range_to'
        ) }} as quantity
    from open_usage
    inner join open_buckets as buckets
        on
            open_usage.account_id = buckets.account_id
            and open_usage.pool_id = buckets.pool_id
            and open_usage.cycle_start = buckets.cycle_start
    where open_usage.rollover_quantity > 0
),

unioned as (
    {%- for usage in ['issued', 'open_usage'] %}
        {%- for source in ['plan', 'overage'] %}
            select
                carrier_id,
                cdr_id,
                account_id,
                cycle_start,
                pool_id,
                '{{ source }}' as source,
                null as bucket_id,
                {{ source }}_quantity as quantity
            from {{ usage }}
            where {{ source }}_quantity > 0
            union all
        {%- endfor %}
    {%- endfor %}
    select * from from_buckets
    where quantity > 0
),

final as (
    select
        carrier_id,
        cdr_id,
        account_id,
        cycle_start,
        pool_id,
        source,
        bucket_id,
        quantity::bigint as quantity
    from unioned
)

select * from final
