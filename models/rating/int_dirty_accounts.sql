{{ config(unlogged=true) }}

-- Accounts whose unbilled records are all rated again: something that their rating depends on has
-- changed since the last build. Empty in a rebuild, which rates everything again.

-- depends_on: {{ ref('int_voids_to_decide') }}

{% set usage = adapter.get_relation(target.database, 'rating', 'int_usage_open')
    if execute and not is_rebuild() else none %}

with

run_values as not materialized (select * from {{ ref('run_values') }}),

inputs as not materialized (select * from {{ ref('int_account_inputs') }}),

known_numbers as not materialized (select * from {{ ref('int_known_numbers') }}),

voids as not materialized (select * from {{ ref('int_usage_voids') }}),

casi_rows as not materialized (select * from {{ ref('int_casi_rows') }}),

terms as not materialized (select * from {{ ref('int_usage_terms') }}),

rules as not materialized (select * from {{ ref('no_charge_rules') }}),

{% if usage is none %}
    final as (
        select
            inputs.account_id,
            null::text as cause
        from inputs
        cross join run_values
        cross join known_numbers
        cross join voids
        cross join casi_rows
        cross join terms
        cross join rules
        where false
    )
{% else %}
    usage as not materialized (select * from {{ usage }}),

    with_new_inputs as not materialized (
        select inputs.account_id
        from inputs
        inner join run_values on inputs.changed_in_build = run_values.build_id
    ),

    new_voids as not materialized (
        select voids.*
        from voids
        inner join {{ ref('int_voids_to_decide') }} as decided
            on voids.carrier_id = decided.carrier_id and voids.cdr_id = decided.cdr_id
        where voids.outcome = 'voided'
    ),

    with_voided_usage as (
        select usage.account_id
        from new_voids
        inner join casi_rows
            on
                new_voids.carrier_id = casi_rows.carrier_id
                and new_voids.service_number = casi_rows.service_number
        inner join usage
            on
                casi_rows.account_id = usage.account_id
                and new_voids.started_at = usage.started_at
                and new_voids.carrier_id = usage.carrier_id
                and new_voids.cdr_id = usage.cdr_id
    ),

    changed_numbers as (
        select known_numbers.service_number
        from known_numbers
        inner join run_values on known_numbers.changed_in_build = run_values.build_id
    ),

    terms_by_other_party as (
        select terms.terms_id
        from terms
        where
            terms.treatment = 'pool'
            and exists (
                select 1
                from rules
                where rules.plan_id = terms.plan_id and rules.rule = 'mobile_to_mobile'
            )
    ),

    with_new_other_party as (
        select usage.account_id
        from usage
        inner join changed_numbers on usage.other_number = changed_numbers.service_number
        inner join terms_by_other_party on usage.terms_id = terms_by_other_party.terms_id
        -- on most nights there are none, and the month's usage need not be read
        where exists (select 1 from changed_numbers as any_number) -- noqa: AL05
    ),

    unioned as (
        select
            account_id,
            'inputs' as cause
        from with_new_inputs
        union all
        select
            account_id,
            'void' as cause
        from with_voided_usage
        union all
        select
            account_id,
            'other party' as cause
        from with_new_other_party
    ),

    final as (
        select
            account_id,
            min(cause) as cause
        from unioned
        group by account_id
    )
{% endif %}

select * from final
