-- Of the no-charge rules whose conditions hold the first by priority applies, alone: two that can
-- hold for the same call do not have the same one.

with

no_charge_rules as not materialized (select * from {{ ref('no_charge_rules') }}),

rate_periods as not materialized (
    select
        rate_period_id,
        iso_weekday,
        {{ clock_time('start_time') }} as start_clock,
        {{ clock_time('end_time') }} as end_clock
    from {{ ref('rate_periods') }}
),

final as (
    select
        'ambiguous_no_charge_rules' as rule_name,
        'no_charge_rules' as seed,
        {{ catalog_row('no_charge_rules') }} as row_key,
        'rule '
        || rivals.rule_id
        || ' has the same priority and can hold for the same call' as detail
    from no_charge_rules
    inner join no_charge_rules as rivals
        on
            no_charge_rules.plan_id = rivals.plan_id
            and no_charge_rules.priority = rivals.priority
            and no_charge_rules.rule_id < rivals.rule_id
            {%- for column in ['carrier_id', 'service'] %}
                and (
                    coalesce(no_charge_rules.{{ column }}, '*') = '*'
                    or coalesce(rivals.{{ column }}, '*') = '*'
                    or no_charge_rules.{{ column }} = rivals.{{ column }}
                )
            {%- endfor %}
    where
        -- two periods may have nothing in common, such as nights and weekends
        no_charge_rules.rule != 'rate_period'
        or rivals.rule != 'rate_period'
        or exists (
            select 1
            from rate_periods
            inner join rate_periods as other_periods
                on rate_periods.iso_weekday = other_periods.iso_weekday
            where
                rate_periods.rate_period_id = no_charge_rules.rate_period_id
                and other_periods.rate_period_id = rivals.rate_period_id
                and rate_periods.start_clock < other_periods.end_clock
                and other_periods.start_clock < rate_periods.end_clock
        )
)

select * from final
