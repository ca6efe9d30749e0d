{{ config(unlogged=true, indexes=[{'columns': ['account_id', 'bill_id']}]) }}

-- Section "Settlement": the revenue of each bill before tax, to the cent, among the carriers of the
-- agreements of its plans.

with

agreements as not materialized (select * from {{ ref('int_closing_agreements') }}),

terms as (select * from {{ ref('settlement_terms') }}),

plan_carriers as (select * from {{ ref('int_plan_carriers') }}),

segments as (
    select * from {{ ref('int_cycle_plan_segments') }}
    where is_billing
),

charges as not materialized (select * from {{ ref('int_closing_charges') }}),

usage_totals as (select * from {{ ref('int_closing_usage_totals') }}),

-- carriers that take part, per plan: of a general agreement only those of the plan
plan_terms as (
    select
        agreements.plan_id,
        agreements.cycle_end,
        agreements.agreement_id,
        agreements.usage_basis,
        agreements.basis_unit_type,
        agreements.usage_share,
        terms.carrier_id,
        terms.fixed_fee,
        terms.remainder_percent
    from agreements
    inner join terms on agreements.agreement_id = terms.agreement_id
    where
        not agreements.is_general
        or exists (
            select 1
            from plan_carriers
            where
                plan_carriers.plan_id = agreements.plan_id
                and plan_carriers.carrier_id = terms.carrier_id
        )
),

billed_plans as (
    select distinct
        account_id,
        cycle_start,
        cycle_end,
        plan_id
    from charges
    where plan_id is not null
),

shares as (
    select
        billed_plans.account_id,
        billed_plans.cycle_start,
        billed_plans.cycle_end,
        plan_terms.agreement_id,
        plan_terms.usage_basis,
        plan_terms.basis_unit_type,
        plan_terms.usage_share,
        plan_terms.carrier_id,
        plan_terms.fixed_fee,
        plan_terms.remainder_percent
    from billed_plans
    inner join plan_terms
        on
            billed_plans.plan_id = plan_terms.plan_id
            and billed_plans.cycle_end = plan_terms.cycle_end
    group by
        billed_plans.account_id,
        billed_plans.cycle_start,
        billed_plans.cycle_end,
        plan_terms.agreement_id,
        plan_terms.usage_basis,
        plan_terms.basis_unit_type,
        plan_terms.usage_share,
        plan_terms.carrier_id,
        plan_terms.fixed_fee,
        plan_terms.remainder_percent
),

fixed_fees as (
    select
        segments.account_id,
        segments.cycle_start,
        plan_terms.agreement_id,
        plan_terms.carrier_id,
        sum(
            {{ round_half_up('plan_terms.fixed_fee * segments.days / segments.days_in_cycle', 2) }}
        ) as fixed_fee_amount
    from segments
    inner join plan_terms
        on segments.plan_id = plan_terms.plan_id and segments.cycle_end = plan_terms.cycle_end
    group by
        segments.account_id,
        segments.cycle_start,
        plan_terms.agreement_id,
        plan_terms.carrier_id
),

revenues as (
    select
        charges.account_id,
        charges.cycle_start,
        charges.cycle_end,
        agreements.agreement_id,
        charges.carrier_id,
        sum(charges.amount) filter (where charges.charge_category = 'plan_fee') as plan_fee_amount,
        sum(charges.amount) filter (where charges.charge_category = 'usage') as usage_amount,
        sum(charges.amount) filter (where charges.charge_category = 'one_time') as one_time_amount
    from charges
    inner join agreements
        on charges.plan_id = agreements.plan_id and charges.cycle_end = agreements.cycle_end
    group by
        charges.account_id,
        charges.cycle_start,
        charges.cycle_end,
        agreements.agreement_id,
        charges.carrier_id
),

pooled_usage as (
    select
        usage_totals.account_id,
        usage_totals.cycle_start,
        agreements.agreement_id,
        usage_totals.carrier_id,
        sum(
            usage_totals.billable_quantity
            - case
                when agreements.usage_basis = 'all' then 0 else usage_totals.no_charge_quantity
            end
        ) as weight
    from usage_totals
    inner join agreements
        on
            usage_totals.plan_id = agreements.plan_id
            and usage_totals.cycle_end = agreements.cycle_end
            and usage_totals.unit_type = agreements.basis_unit_type
    where usage_totals.treatment = 'pool'
    group by
        usage_totals.account_id,
        usage_totals.cycle_start,
        agreements.agreement_id,
        usage_totals.carrier_id
),

taking_part as (
    select
        shares.account_id,
        shares.cycle_start,
        shares.cycle_end,
        shares.agreement_id,
        shares.carrier_id,
        shares.usage_share,
        shares.fixed_fee,
        coalesce(fixed_fees.fixed_fee_amount, 0) as fixed_fee_amount,
        coalesce(shares.remainder_percent, pooled_usage.weight, 0)::numeric as usage_weight,
        coalesce(revenues.usage_amount, 0) as own_usage_amount
    from shares
    left join fixed_fees
        on
            shares.account_id = fixed_fees.account_id
            and shares.cycle_start = fixed_fees.cycle_start
            and shares.agreement_id = fixed_fees.agreement_id
            and shares.carrier_id = fixed_fees.carrier_id
    left join pooled_usage
        on
            shares.account_id = pooled_usage.account_id
            and shares.cycle_start = pooled_usage.cycle_start
            and shares.agreement_id = pooled_usage.agreement_id
            and shares.carrier_id = pooled_usage.carrier_id
    left join revenues
        on
            shares.account_id = revenues.account_id
            and shares.cycle_start = revenues.cycle_start
            and shares.agreement_id = revenues.agreement_id
            and shares.carrier_id = revenues.carrier_id
),

agreement_revenues as (
    select
        account_id,
        cycle_start,
        agreement_id,
        coalesce(sum(plan_fee_amount), 0) as plan_fee_amount,
        coalesce(sum(one_time_amount), 0) as one_time_amount
    from revenues
    group by account_id, cycle_start, agreement_id
),

weighed as (
    select
        taking_part.*,
        agreement_revenues.plan_fee_amount,
        agreement_revenues.one_time_amount,
        sum(taking_part.fixed_fee_amount) over of_agreement as fixed_fees_amount,
        sum(
            case
                when taking_part.usage_share = 'pooled' then taking_part.own_usage_amount else 0
            end
        ) over of_agreement as pooled_usage_amount,
        -- all weights 0: by the fixed fees of the agreement; those 0 too: equally
        case
            when sum(taking_part.usage_weight) over of_agreement > 0 then taking_part.usage_weight
            when sum(taking_part.fixed_fee) over of_agreement > 0 then taking_part.fixed_fee
            else 1
        end as weight
    from taking_part
    inner join agreement_revenues
        on
            taking_part.account_id = agreement_revenues.account_id
            and taking_part.cycle_start = agreement_revenues.cycle_start
            and taking_part.agreement_id = agreement_revenues.agreement_id
    window of_agreement as (
        partition by taking_part.account_id, taking_part.cycle_start, taking_part.agreement_id
    )
),

-- the plan fee alone is compared with the fixed fees
divided as (
    select
        *,
        plan_fee_amount >= fixed_fees_amount as covers_fixed_fees,
        100 * plan_fee_amount as plan_fee_cents,
        100 * (
            greatest(plan_fee_amount - fixed_fees_amount, 0) + pooled_usage_amount + one_time_amount
        ) as remainder_cents,
        greatest(fixed_fees_amount, 0.01) as total_fixed_fee_amount,
        sum(weight) over (partition by account_id, cycle_start, agreement_id) as total_weight
    from weighed
),

floored as (
    select
        *,
        {{ floor_share('plan_fee_cents', 'fixed_fee_amount', 'total_fixed_fee_amount') }}
            as fixed_share,
        {{ cut_off('plan_fee_cents', 'fixed_fee_amount', 'total_fixed_fee_amount') }}
            as fixed_cut_off,
        {{ floor_share('remainder_cents', 'weight', 'total_weight') }} as remainder_share,
        {{ cut_off('remainder_cents', 'weight', 'total_weight') }} as remainder_cut_off
    from divided
),

apportioned as (
    select
        account_id,
        cycle_start,
        cycle_end,
        agreement_id,
        carrier_id,
        usage_weight,
        case
            when covers_fixed_fees then fixed_fee_amount
            else
                (
                    {{ with_missing_cents(
                        'plan_fee_cents', 'fixed_share', 'fixed_cut_off',
                        'account_id, cycle_start, agreement_id'
                    ) }}
                ) / 100
        end as fixed_amount,
        (
            {{ with_missing_cents(
                'remainder_cents', 'remainder_share', 'remainder_cut_off',
                'account_id, cycle_start, agreement_id'
            ) }}
        ) / 100 as remainder_amount,
        case when usage_share = 'pooled' then 0 else own_usage_amount end as usage_amount
    from floored
),

-- a carrier outside the terms keeps its usage revenue
outside as (
    select
        revenues.account_id,
        revenues.cycle_start,
        revenues.cycle_end,
        revenues.agreement_id,
        revenues.carrier_id,
        0 as usage_weight,
        0 as fixed_amount,
        0 as remainder_amount,
        coalesce(revenues.usage_amount, 0) as usage_amount
    from revenues
    where
        revenues.carrier_id is not null
        and not exists (
            select 1
            from taking_part
            where
                taking_part.account_id = revenues.account_id
                and taking_part.cycle_start = revenues.cycle_start
                and taking_part.agreement_id = revenues.agreement_id
                and taking_part.carrier_id = revenues.carrier_id
        )
),

unioned as (
    select * from apportioned
    union all
    select * from outside
),

final as (
    select
        account_id,
        {{ bill_id('account_id', 'cycle_end') }} as bill_id,
        cycle_start,
        cycle_end,
        agreement_id,
        carrier_id,
        fixed_amount::numeric(18, 2) as fixed_amount,
        usage_weight::numeric as usage_weight,
        remainder_amount::numeric(18, 2) as remainder_amount,
        usage_amount::numeric(18, 2) as usage_amount,
        (fixed_amount + remainder_amount + usage_amount)::numeric(18, 2) as total_amount
    from unioned
)

select * from final
