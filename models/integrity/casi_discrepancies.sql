{{ config(materialized='view') }}

-- Rule "CASI": a batch is compared with what CASI had as of it, by data time. What a row of a line
-- says otherwise than CASI had it is what is new in the line's history; the first row of all is a
-- line that CASI did not have. A carrier's first batch raises nothing; which one is the first
-- may change with a batch that comes late, so it is left out here and not where things are stored.

with

batches as (
    select
        carrier_id,
        batch_as_of
    from {{ ref('int_casi_batches') }}
    where not is_first
),

history as not materialized (select * from {{ ref('int_casi_history') }}),

missing as (select * from {{ ref('int_casi_missing') }}),

news_of_batches as (
    select history.*
    from batches
    inner join history
        on
            batches.carrier_id = history.carrier_id
            and batches.batch_as_of = history.known_from
    where history.is_batch
),

mismatches as (
    select
        news.carrier_id,
        news.known_from as batch_as_of,
        news.account_id,
        news.service_number,
        'field_mismatch' as discrepancy_type,
        compared.field,
        compared.casi_value,
        compared.batch_value
    from news_of_batches as news
    inner join history as casi
        on
            news.carrier_id = casi.carrier_id
            and news.service_number = casi.service_number
            and news.account_id = casi.account_id
            and news.place = casi.place + 1
    cross join
        lateral (
            values
            ('plan_id', casi.plan_id::text, news.plan_id::text),
            ('status', casi.status, news.status),
            (
                'activated_at',
                {{ instant_text('casi.activated_at') }},
                {{ instant_text('news.activated_at') }}
            ),
            (
                'deactivated_at',
                {{ instant_text('casi.deactivated_at') }},
                {{ instant_text('news.deactivated_at') }}
            ),
            ('subscriber_name', casi.subscriber_name, news.subscriber_name),
            ('email', casi.email, news.email)
        ) as compared (field, casi_value, batch_value)
    where compared.casi_value is distinct from compared.batch_value
),

unknown_lines as (
    select
        carrier_id,
        known_from as batch_as_of,
        account_id,
        service_number,
        'missing_in_casi' as discrepancy_type,
        null::text as field,
        null::text as casi_value,
        null::text as batch_value
    from news_of_batches
    where place = 1
),

missing_lines as (
    select
        missing.carrier_id,
        missing.batch_as_of,
        missing.account_id,
        missing.service_number,
        'missing_in_batch' as discrepancy_type,
        null::text as field,
        null::text as casi_value,
        null::text as batch_value
    from batches
    inner join missing
        on
            batches.carrier_id = missing.carrier_id
            and batches.batch_as_of = missing.batch_as_of
),

final as (
    select * from mismatches
    union all
    select * from unknown_lines
    union all
    select * from missing_lines
)

select * from final
