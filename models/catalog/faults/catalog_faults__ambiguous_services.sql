-- Of the rows that match a call the lowest priority applies: of two with the same it would be
-- either.

with

plan_services as not materialized (
    select
        *,
        row_number() over (
            order by plan_id, priority, carrier_id, service, call_type, direction
        ) as place
    from {{ ref('plan_services') }}
),

final as (
    select
        'ambiguous_services' as rule_name,
        'plan_services' as seed,
        {{ catalog_row('plan_services') }} as row_key,
        concat_ws(
            ' ',
            'row', rivals.carrier_id, rivals.service, rivals.call_type, rivals.direction,
            'has the same priority and can match the same call'
        ) as detail
    from plan_services
    inner join plan_services as rivals
        on
            plan_services.plan_id = rivals.plan_id
            and plan_services.priority = rivals.priority
            and plan_services.place < rivals.place
            {%- for column in ['carrier_id', 'service', 'call_type', 'direction'] %}
                and (
                    '*' in (plan_services.{{ column }}, rivals.{{ column }})
                    or plan_services.{{ column }} = rivals.{{ column }}
                )
            {%- endfor %}
)

select * from final
