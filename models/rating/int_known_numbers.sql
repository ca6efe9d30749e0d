{{ config(
    materialized='incremental',
    incremental_strategy='replace_keys',
    unique_key='service_number',
    indexes=[{'columns': ['service_number'], 'unique': true}],
    meta={'follows_rebuild': true},
) }}

-- When a number is a line of any carrier of ours, and when of a wireless one: what rating must
-- know of the other party. A row is written when its periods change, so `changed_in_build` tells
-- whose calls must be rated again.

with

periods as (
    select
        periods.service_number,
        carriers.service_kind = 'wireless' as is_wireless,
        tstzrange(periods.activated_at, coalesce(periods.deactivated_at, 'infinity')) as period
    from {{ ref('int_line_periods') }} as periods
    inner join {{ ref('carriers') }} as carriers on periods.carrier_id = carriers.carrier_id
    where periods.deactivated_at > periods.activated_at or periods.deactivated_at is null
),

present as (
    select
        service_number,
        range_agg(period) as periods,
        coalesce(range_agg(period) filter (where is_wireless), '{}') as wireless_periods
    from periods
    group by service_number
),

run_values as not materialized (select * from {{ ref('run_values') }}),

{% if not is_rebuild() %}
    final as (
        select
            coalesce(present.service_number, known.service_number) as service_number,
            coalesce(present.periods, '{}') as periods,
            coalesce(present.wireless_periods, '{}') as wireless_periods,
            run_values.build_id as changed_in_build
        from present
        full join {{ this }} as known on present.service_number = known.service_number
        cross join run_values
        where
            known.periods is distinct from coalesce(present.periods, '{}')
            or known.wireless_periods is distinct from coalesce(present.wireless_periods, '{}')
    )
{% else %}
    final as (
        select
            present.service_number,
            present.periods,
            present.wireless_periods,
            run_values.build_id as changed_in_build
        from present
        cross join run_values
    )
{% endif %}

select * from final
