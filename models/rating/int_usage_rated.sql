{{ config(unlogged=true, sql_header='set local enable_mergejoin = off;') }}

-- Rules "Which account, which plan" and "Rating one record": everything about a record that does
-- not depend on the records before it. A record without an account, a plan or a rate has a
-- suspense_reason instead.
--
-- Records meet tables that are small beside them: looked up in hash tables or indexes, not sorted.

with

batch as (select * from {{ ref('int_usage_batch') }}),

served_lines as (select * from {{ ref('int_served_lines') }}),

calendar as (select * from {{ ref('int_account_calendar') }}),

classes as (select * from {{ ref('int_usage_classes') }}),

terms_by_slot as (select * from {{ ref('int_usage_terms_by_slot') }}),

known_numbers as (select * from {{ ref('int_known_numbers') }}),

carriers as (select * from {{ ref('carriers') }}),

tariffs as not materialized (select * from {{ ref('int_tariffs') }}),

frozen_cycles as (select * from {{ source('issued', 'cycles') }}),

frozen_segments as not materialized (
    select
        segments.account_id,
        carriers_of_plan.carrier_id,
        segments.plan_id,
        segments.segment_from,
        segments.segment_to
    from {{ source('issued', 'plan_segments') }} as segments
    cross join unnest(segments.carrier_ids) as carriers_of_plan (carrier_id)
),

plan_segments as (
    select
        segments.account_id,
        plan_carriers.carrier_id,
        segments.plan_id,
        segments.effective_from,
        coalesce(segments.effective_to, 'infinity') as effective_to
    from {{ ref('int_plan_segments') }} as segments
    inner join {{ ref('int_plan_carriers') }} as plan_carriers
        on segments.plan_id = plan_carriers.plan_id
),

located as (
    select
        batch.*,
        served_lines.account_id,
        calendar.time_zone,
        calendar.bill_cycle_day,
        calendar.first_cycle_start,
        calendar.is_billed_elsewhere,
        calendar.closed_through,
        calendar.first_open_start,
        calendar.first_open_end,
        calendar.first_open_start_at,
        -- null for the many that are not late: among the closed cycles they find nothing, at no
        -- cost (and so with the plans of closed dates below)
        case
            when batch.started_at < calendar.first_open_start_at then calendar.account_id
        end as account_id_if_late
    from batch
    left join served_lines
        on
            batch.carrier_id = served_lines.carrier_id
            and batch.service_number = served_lines.service_number
            and batch.started_at >= served_lines.served_from
            and batch.started_at < served_lines.served_to
    left join calendar on served_lines.account_id = calendar.account_id
    {{ keep_apart() }}
),

dated as (
    select
        located.*,
        -- late usage is dated in the zone in which its own cycle was closed
        located.started_at at time zone coalesce(frozen_cycles.time_zone, located.time_zone)
            as local_at,
        -- a cycle that another system billed is billed, whoever bills the account now
        located.is_billed_elsewhere or not coalesce(frozen_cycles.is_billed, true)
            as is_of_other_system
    from located
    left join frozen_cycles
        on
            located.account_id_if_late = frozen_cycles.account_id
            and located.started_at >= frozen_cycles.cycle_start_at
            and located.started_at < frozen_cycles.cycle_end_at
    {{ keep_apart() }}
),

-- a record belongs to the cycle that contains its start or, once that is closed, to the first
-- open one
placed as (
    select
        *,
        local_at::date as local_date,
        case when local_at::date < closed_through then account_id end as account_id_if_billed,
        started_at < first_open_start_at as is_late,
        case
            when started_at < first_open_start_at or local_at::date < first_open_end
                then first_open_start
            else {{ cycle_start_of('local_at::date', 'bill_cycle_day') }}
        end as cycle_start
    from dated
    {{ keep_apart() }}
),

planned as (
    select
        placed.*,
        -- late usage has the plan that its own date had when it was closed
        coalesce(frozen_segments.plan_id, plan_segments.plan_id) as plan_id,
        -- days since a Monday
        (((placed.local_date - date '2001-01-01') % 7) + 7) % 7 + 1 as iso_weekday
    from placed
    left join plan_segments
        on
            placed.account_id = plan_segments.account_id
            and placed.carrier_id = plan_segments.carrier_id
            and placed.local_date >= plan_segments.effective_from
            and placed.local_date < plan_segments.effective_to
    left join frozen_segments
        on
            placed.account_id_if_billed = frozen_segments.account_id
            and placed.carrier_id = frozen_segments.carrier_id
            and placed.local_date >= frozen_segments.segment_from
            and placed.local_date < frozen_segments.segment_to
    {{ keep_apart() }}
),

classified as (
    select
        planned.*,
        classes.class_id,
        classes.treatment,
        classes.pool_id,
        classes.tariff_id,
        classes.minimum_quantity,
        classes.increment,
        case
            when classes.treatment = 'pool' and planned.service = 'voice'
                then planned.other_number
        end as other_number_to_know,
        planned.iso_weekday * 1000 + width_bucket(
            planned.local_at::time,
            (select array_agg(distinct stretch_from) from {{ ref('int_week_slots') }})
        ) as week_slot
    from planned
    left join classes
        on
            planned.plan_id = classes.plan_id
            and planned.carrier_id = classes.carrier_id
            and planned.service = classes.service
            and planned.call_type = classes.call_type
            and planned.direction = classes.direction
    {{ keep_apart() }}
),

with_other_party as (
    select
        classified.*,
        case
            when classified.quantity = 0 then 'no_duration'
            when
                coalesce(
                    classified.other_party_type = 'mobile',
                    known_numbers.wireless_periods @> classified.started_at,
                    false
                )
                then
                    case
                        when
                            coalesce(
                                classified.other_party_carrier_id in (
                                    select carriers.carrier_id from carriers
                                ),
                                known_numbers.periods @> classified.started_at,
                                false
                            )
                            then 'mobile_on_net'
                        else 'mobile'
                    end
            else 'other'
        end as other_party
    from classified
    left join known_numbers on classified.other_number_to_know = known_numbers.service_number
),

-- Rule "metered": the longest prefix of the other number among the rows valid on the local date
priced as (
    select
        with_other_party.*,
        terms_by_slot.terms_id,
        terms_by_slot.rule_id,
        terms_by_slot.unit_factor,
        terms_by_slot.is_limited,
        case
            when with_other_party.treatment = 'metered'
                then (
                    select tariffs.tariff_row_id
                    from tariffs
                    where
                        tariffs.tariff_id = with_other_party.tariff_id
                        and tariffs.destination_prefix = any(
                            {{ prefixes_of('with_other_party.other_number') }}
                        )
                        and tariffs.valid_from <= with_other_party.local_date
                        and coalesce(tariffs.valid_to, 'infinity') > with_other_party.local_date
                    order by tariffs.prefix_length desc
                    limit 1
                )
        end as tariff_row_id
    from with_other_party
    left join terms_by_slot
        on
            with_other_party.class_id = terms_by_slot.class_id
            and with_other_party.other_party = terms_by_slot.other_party
            and with_other_party.week_slot = terms_by_slot.week_slot
    {{ keep_apart() }}
),

with_tariff as (
    select
        priced.*,
        tariffs.rate as tariff_rate,
        tariffs.connection_fee,
        tariffs.base_units_per_unit,
        tariffs.minimum_quantity as tariff_minimum_quantity,
        tariffs.increment as tariff_increment
    from priced
    left join tariffs on priced.tariff_row_id = tariffs.tariff_row_id
),

measured as (
    select
        *,
        case
            when quantity = 0 then 0
            when treatment = 'metered'
                then
                    {{ billable_quantity(
                        'quantity', 'tariff_minimum_quantity', 'tariff_increment'
                    ) }}
            when unit_factor not in (0, 1)
                then
                    {{ round_half_up(
                        billable_quantity('quantity', 'minimum_quantity', 'increment')
                        ~ ' * unit_factor',
                        0
                    ) }}
            else {{ billable_quantity('quantity', 'minimum_quantity', 'increment') }}
        end::bigint as billable_quantity,
        case
            when account_id is null then 'unknown_line'
            when time_zone is null then 'unknown_account'
            when is_of_other_system then 'external_billing'
            when local_date < first_cycle_start then 'before_billing'
            when plan_id is null then 'no_plan'
            when class_id is null then 'no_tariff'
            when treatment = 'metered' and quantity > 0 and tariff_rate is null then 'no_rate'
        end as suspense_reason
    from with_tariff
    {{ keep_apart() }}
),

final as (
    select
        account_id,
        started_at,
        carrier_id,
        cdr_id,
        is_late,
        cycle_start,
        suspense_reason,
        terms_id,
        load_id,
        service,
        service_number,
        other_number,
        treatment,
        pool_id,
        case when is_limited then plan_id || '/' || rule_id end as limited_rule,
        quantity,
        billable_quantity,
        case
            when treatment = 'free' then billable_quantity
            when treatment = 'pool' and unit_factor = 0 and not is_limited then billable_quantity
            else 0
        end as no_charge_quantity,
        tariff_rate as rate,
        case
            when treatment = 'metered' and quantity > 0
                then
                    {{ round_half_up(
                        'connection_fee + billable_quantity * tariff_rate / base_units_per_unit', 6
                    ) }}
            else 0
        end::numeric(18, 6) as charge_amount
    from measured
)

select * from final
