{{ config(materialized='incremental', incremental_strategy='replace_all') }}

-- Nothing is built on a catalog with a fault.
-- depends_on: {{ ref('catalog_faults') }}

{%- set seeds = [
    'carriers', 'unit_types', 'services', 'carrier_services', 'plans', 'plan_pools',
    'plan_services', 'no_charge_rules', 'rate_periods', 'tariffs', 'tax_jurisdictions',
    'tax_rates', 'settlement_agreements', 'settlement_terms',
] %}
{%- set build_state = adapter.get_relation(target.database, 'control', 'build_state')
    if execute else none %}

{#- a table that was dropped by hand is made anew together with all the others -#}
{%- set missing = [] %}
{%- if execute %}
    {%- for node in graph.nodes.values() if node.config.meta.get('follows_rebuild', false) %}
        {%- if adapter.get_relation(target.database, node.schema, node.alias) is none %}
            {%- do missing.append(node.name) %}
        {%- endif %}
    {%- endfor %}
{%- endif %}

with

{% if build_state is not none %}
    last_build as not materialized (select * from {{ build_state }}),
{% else %}
    last_build as not materialized (
        select
            null::bigint as build_id,
            null::bigint as cutoff_load_id,
            null::text as catalog_hash
        where false
    ),
{% endif %}

{% if is_incremental() %}
    last_start as (select build_id from {{ this }}),
{% else %}
    last_start as (
        select null::bigint as build_id
        where false
    ),
{% endif %}

-- what a command asks of this run; nothing does when dbt is run plainly
request as (
    select *
    from {{ source('control', 'run_requests') }}
    where current_setting('application_name') = 'tandem dbt'
),

loads as (
    select
        max(load_id) as cutoff_load_id,
        max(latest_at) as latest_at
    from {{ source('raw', 'loads') }}
),

digest as (
    select {{ catalog_hash(seeds) }} as catalog_hash
),

decided as (
    select
        greatest(last_build.build_id, last_start.build_id, 0) + 1 as build_id,
        coalesce(loads.cutoff_load_id, 0) as cutoff_load_id,
        coalesce(last_build.cutoff_load_id, 0) as last_cutoff_load_id,
        request.close_bill_cycle_day,
        digest.catalog_hash,
        (
            {{ flags.FULL_REFRESH or missing | length > 0 }}
            or last_build.build_id is null
            or last_start.build_id is distinct from last_build.build_id
            or last_build.catalog_hash is distinct from digest.catalog_hash
        ) as is_rebuild,
        request.close_through is not null as is_close,
        request.close_through,
        coalesce(
            {% if var('as_of', none) is not none -%}
                '{{ var('as_of') }}'::timestamptz,
            {% endif -%}
            request.as_of,
            loads.latest_at,
            '1970-01-01 00:00:00+00'::timestamptz
        ) as as_of,
        coalesce(request.run_at, '{{ run_started_at }}'::timestamptz) as run_at
    from loads
    cross join digest
    left join last_build on true
    left join last_start on true
    left join request on true
),

final as (
    select
        build_id,
        cutoff_load_id,
        -- loads after this one are new to the run: in a rebuild all are
        case when is_rebuild then 0 else last_cutoff_load_id end as watermark_load_id,
        close_bill_cycle_day,
        catalog_hash,
        is_rebuild,
        is_close,
        close_through,
        as_of,
        run_at
    from decided
)

select * from final
