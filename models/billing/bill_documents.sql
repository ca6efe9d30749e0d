{{ config(materialized='view') }}

-- Everything that a bill shows, as one JSON document, from what was issued alone: names stand as
-- they stood at the close, so a bill rendered later is the same bill. Amounts and units are
-- texts, never floats.

with

bills as (select * from {{ source('issued', 'bills') }}),

lines as not materialized (select * from {{ source('issued', 'bill_lines') }}),

names as not materialized (select * from {{ source('issued', 'names') }}),

segments as not materialized (select * from {{ source('issued', 'plan_segments') }}),

pools as (select * from {{ source('issued', 'pool_cycles') }}),

buckets as (select * from {{ source('issued', 'bucket_cycles') }}),

usage as not materialized (select * from {{ source('issued', 'rated_usage') }}),

terms as not materialized (select * from {{ source('issued', 'usage_terms') }}),

cycles as (select * from {{ source('issued', 'cycles') }}),

adjustments as not materialized (select * from {{ source('issued', 'adjustments') }}),

openings as not materialized (select * from {{ source('issued', 'openings') }}),

final as (
    select
        bills.bill_id,
        bills.account_id,
        bills.cycle_start,
        bills.cycle_end,
        bills.close_id,
        jsonb_build_object(
            'bill_id', bills.bill_id,
            'account_id', bills.account_id,
            'cycle_start', bills.cycle_start,
            'cycle_end', bills.cycle_end,
            'issued_at', to_char(
                bills.issued_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"+00:00"'
            ),
            'close_id', bills.close_id,
            'currency', bills.currency,
            'time_zone', bills.time_zone,
            'biller', jsonb_build_object(
                'carrier_id', bills.biller_id,
                'carrier_name', (
                    select names.name
                    from names
                    where
                        names.close_id = bills.close_id
                        and names.kind = 'carrier'
                        and names.id = bills.biller_id
                )
            ),
            'carriers', (
                select
                    jsonb_agg(
                        jsonb_build_object(
                            'carrier_id', names.id,
                            'carrier_name', names.name,
                            'service_kind', names.detail
                        )
                        order by names.id collate "C"
                    )
                from names
                where
                    names.close_id = bills.close_id
                    and names.kind = 'carrier'
                    and (
                        names.id = bills.biller_id
                        or exists (
                            select 1
                            from lines
                            where
                                lines.account_id = bills.account_id
                                and lines.bill_id = bills.bill_id
                                and lines.carrier_id = names.id
                        )
                        or exists (
                            select 1
                            from segments
                            where
                                segments.account_id = bills.account_id
                                and segments.cycle_start = bills.cycle_start
                                and names.id = any(segments.carrier_ids)
                        )
                    )
            ),
            'holder', jsonb_build_object(
                'holder_name', bills.holder_name,
                'address_line1', bills.address_line1,
                'address_line2', bills.address_line2,
                'city', bills.city,
                'region', bills.region,
                'postal_code', bills.postal_code,
                'country', bills.country,
                'email', bills.email
            ),
            'totals', jsonb_build_object(
                'plan_fee_amount', bills.plan_fee_amount::text,
                'usage_amount', bills.usage_amount::text,
                'one_time_amount', bills.one_time_amount::text,
                'tax_amount', bills.tax_amount::text,
                'total_amount', bills.total_amount::text
            ),
            'plans', coalesce(plans_of_bill.plans, '[]'),
            'lines', coalesce(lines_of_bill.lines, '[]'),
            'pools', coalesce(pools_of_bill.pools, '[]'),
            'usage_by_line', coalesce(usage_of_bill.usage_by_line, '[]'),
            'calls', coalesce(calls_of_bill.calls, '[]')
        ) as document
    from bills
    left join lateral (
        select
            jsonb_agg(
                jsonb_build_object(
                    'plan_id', segments.plan_id,
                    'plan_name', names.name,
                    'effective_from', segments.segment_from,
                    'effective_to', segments.segment_to
                )
                order by segments.segment_from, segments.plan_id collate "C"
            ) as plans
        from segments
        inner join names
            on
                bills.close_id = names.close_id
                and names.kind = 'plan'
                and segments.plan_id = names.id
        where
            segments.account_id = bills.account_id
            and segments.cycle_start = bills.cycle_start
            and segments.segment_from >= bills.cycle_start
    ) as plans_of_bill on true
    left join lateral (
        select
            jsonb_agg(
                jsonb_build_object(
                    'line_number', lines.line_number,
                    'section', lines.section,
                    'plan_id', lines.plan_id,
                    'plan_name', plan_names.name,
                    'carrier_id', lines.carrier_id,
                    'carrier_name', carrier_names.name,
                    'service', lines.service,
                    'call_type', lines.call_type,
                    'treatment', lines.treatment,
                    'description', lines.description,
                    'quantity_units', lines.quantity_units::text,
                    'unit_type', lines.unit_type,
                    'rate', lines.rate::text,
                    'amount', lines.amount::text
                )
                order by lines.line_number
            ) as lines
        from lines
        left join names as plan_names
            on
                bills.close_id = plan_names.close_id
                and plan_names.kind = 'plan'
                and lines.plan_id = plan_names.id
        left join names as carrier_names
            on
                bills.close_id = carrier_names.close_id
                and carrier_names.kind = 'carrier'
                and lines.carrier_id = carrier_names.id
        where lines.account_id = bills.account_id and lines.bill_id = bills.bill_id
    ) as lines_of_bill on true
    left join lateral (
        select
            jsonb_agg(
                jsonb_build_object(
                    'pool_id', pools.pool_id,
                    'pool_name', pools.pool_name,
                    'unit_type', pools.unit_type,
                    'allowance_units', {{ units_text('pools.allowance_quantity') }},
                    'plan_used_units', {{ units_text('pools.plan_used_quantity') }},
                    'rollover_used_units', {{ units_text('pools.rollover_used_quantity') }},
                    'overage_units', {{ units_text('pools.overage_quantity') }},
                    'no_charge_units', {{ units_text('coalesce(free.no_charge_quantity, 0)') }},
                    'rollover', case
                        when pools.rollover_status != 'none'
                            then jsonb_build_object(
                                'opening_balance', {{ units_text('pools.opening_quantity') }},
                                'taken_over_units', {{ units_text('pools.taken_over_quantity') }},
                                'adjusted_units', {{ units_text('pools.adjusted_quantity') }},
                                'used_units', {{ units_text('pools.rollover_used_quantity') }},
                                'accumulated_units',
                                {{ units_text('pools.accumulated_quantity') }},
                                'expired_units', {{ units_text('pools.expired_quantity') }},
                                'capped_units', {{ units_text('pools.capped_quantity') }},
                                'archived_units', {{ units_text('pools.archived_quantity') }},
                                'closing_balance', {{ units_text('pools.closing_quantity') }},
                                'expiring_next_units',
                                {{ units_text('pools.expiring_next_quantity') }}
                            )
                    end,
                    'buckets', coalesce(buckets_of_pool.buckets, '[]')
                )
                order by pools.pool_id collate "C"
            ) as pools
        from pools
        left join lateral (
            select sum(usage.no_charge_quantity) as no_charge_quantity
            from usage
            inner join terms on usage.terms_id = terms.terms_id
            where
                usage.account_id = bills.account_id
                and usage.cycle_start = bills.cycle_start
                and terms.pool_id = pools.pool_id
        ) as free on true
        left join lateral (
            select
                jsonb_agg(
                    jsonb_build_object(
                        'bucket_id', buckets.bucket_id,
                        'source', buckets.source,
                        'earned_cycle_start', buckets.earned_cycle_start,
                        'is_taken_over', exists (
                            select 1
                            from openings
                            where
                                openings.account_id = bills.account_id
                                and openings.bucket_id = buckets.bucket_id
                                and openings.exception_type is null
                        ),
                        'is_extended', exists (
                            select 1
                            from adjustments
                            where
                                adjustments.account_id = bills.account_id
                                and adjustments.bucket_id = buckets.bucket_id
                                and adjustments.cycle_start = buckets.cycle_start
                                and adjustments.action = 'extension'
                                and adjustments.applied_quantity > 0
                        ),
                        'use_by', buckets.expires_on - 1,
                        'cycles_left', buckets.cycles_left,
                        'opening_units', {{ units_text('buckets.opening_quantity') }},
                        'given_units', {{ units_text('buckets.given_quantity') }},
                        'accumulated_units', {{ units_text('buckets.accumulated_quantity') }},
                        'used_units', {{ units_text('buckets.used_quantity') }},
                        'debited_units', {{ units_text('buckets.debited_quantity') }},
                        'expired_units', {{ units_text('buckets.expired_quantity') }},
                        'archived_units', {{ units_text('buckets.archived_quantity') }},
                        'remaining_units', {{ units_text('buckets.remaining_quantity') }},
                        'status', buckets.status
                    )
                    -- in which they are drawn
                    order by
                        buckets.available_from,
                        case buckets.source when 'plan' then 1 when 'adjustment' then 2 else 3 end,
                        buckets.bucket_id collate "C"
                ) as buckets
            from buckets
            where
                buckets.account_id = bills.account_id
                and buckets.cycle_end = bills.cycle_end
                and buckets.pool_id = pools.pool_id
        ) as buckets_of_pool on true
        where
            pools.account_id = bills.account_id
            and pools.cycle_start = bills.cycle_start
            and (
                pools.allowance_quantity > 0
                or pools.demand_quantity > 0
                or pools.rollover_status != 'none'
                or free.no_charge_quantity > 0
            )
    ) as pools_of_bill on true
    left join lateral (
        select
            jsonb_agg(
                jsonb_build_object(
                    'service_number', grouped.service_number,
                    'carrier_id', grouped.carrier_id,
                    'carrier_name', names.name,
                    'service', grouped.service,
                    'unit_type', grouped.unit_type,
                    'records', grouped.records,
                    'used_units', grouped.used_units,
                    'no_charge_units', grouped.no_charge_units,
                    'plan_units', grouped.plan_units,
                    'rollover_units', grouped.rollover_units,
                    'overage_units', grouped.overage_units,
                    'metered_units', grouped.metered_units,
                    'charge_amount', grouped.charge_amount
                )
                order by
                    grouped.service_number collate "C",
                    grouped.carrier_id collate "C",
                    grouped.service collate "C"
            ) as usage_by_line
        from (
            select
                usage.service_number,
                usage.carrier_id,
                terms.service,
                terms.unit_type,
                count(*) as records,
                {{ units_text('sum(usage.quantity)', 'terms.base_units_per_unit') }} as used_units,
                {{ units_text('sum(usage.no_charge_quantity)', 'terms.base_units_per_unit') }}
                    as no_charge_units,
                {{ units_text('sum(usage.plan_quantity)', 'terms.base_units_per_unit') }}
                    as plan_units,
                {{ units_text('sum(usage.rollover_quantity)', 'terms.base_units_per_unit') }}
                    as rollover_units,
                {{ units_text('sum(usage.overage_quantity)', 'terms.base_units_per_unit') }}
                    as overage_units,
                {{ units_text('sum(usage.metered_quantity)', 'terms.base_units_per_unit') }}
                    as metered_units,
                sum(usage.charge_amount)::text as charge_amount
            from usage
            inner join terms on usage.terms_id = terms.terms_id
            where
                usage.account_id = bills.account_id
                and usage.cycle_start = bills.cycle_start
                and not usage.is_reversal
            group by
                usage.service_number,
                usage.carrier_id,
                terms.service,
                terms.unit_type,
                terms.base_units_per_unit
        ) as grouped
        inner join names
            on
                bills.close_id = names.close_id
                and names.kind = 'carrier'
                and grouped.carrier_id = names.id
    ) as usage_of_bill on true
    left join lateral ( -- noqa: ST05
        select
            jsonb_agg(
                jsonb_build_object(
                    'service_number', dated.service_number,
                    'carrier_id', dated.carrier_id,
                    'local_date', dated.local_at::date,
                    'local_time', to_char(dated.local_at, 'HH24:MI:SS'),
                    'other_number', dated.other_number,
                    'direction', dated.direction,
                    'service', dated.service,
                    'call_type', dated.call_type,
                    'unit_type', dated.unit_type,
                    'used_units', {{ units_text('dated.quantity', 'dated.base_units_per_unit') }},
                    'billable_units',
                    {{ units_text('dated.billable_quantity', 'dated.base_units_per_unit') }},
                    'funding', nullif(
                        concat_ws(
                            '+',
                            case when dated.plan_quantity > 0 then 'plan' end,
                            case when dated.rollover_quantity > 0 then 'rollover' end,
                            case when dated.overage_quantity > 0 then 'overage' end
                        ),
                        ''
                    ),
                    'category', dated.category,
                    'no_charge_reason', dated.no_charge_reason,
                    'charge_amount', dated.charge_amount::text,
                    'is_late', dated.is_late,
                    'is_reversal', dated.is_reversal
                )
                order by
                    dated.service_number collate "C",
                    dated.started_at,
                    dated.carrier_id collate "C",
                    dated.cdr_id collate "C",
                    dated.is_reversal
            ) as calls
        from (
            select
                usage.*,
                terms.direction,
                terms.service,
                terms.call_type,
                terms.unit_type,
                terms.base_units_per_unit,
                terms.category,
                -- a record of an earlier cycle is dated in the zone in which that was closed
                usage.started_at at time zone coalesce(
                    (
                        select cycles.time_zone
                        from cycles
                        where
                            (usage.is_late or usage.is_reversal)
                            and cycles.account_id = bills.account_id
                            and cycles.cycle_start_at <= usage.started_at
                            and cycles.cycle_end_at > usage.started_at
                        limit 1
                    ),
                    bills.time_zone
                ) as local_at
            from usage
            inner join terms on usage.terms_id = terms.terms_id
            where usage.account_id = bills.account_id and usage.cycle_start = bills.cycle_start
        ) as dated
    ) as calls_of_bill on true
)

select * from final
