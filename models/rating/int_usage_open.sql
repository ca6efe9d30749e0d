{{ config(
    materialized='incremental',
    incremental_strategy='replace_units',
    indexes=[
        {'columns': ['account_id', 'started_at', 'carrier_id', 'cdr_id'], 'unique': true},
    ],
    meta={
        'follows_rebuild': true,
        'units': 'int_touched_accounts',
        'stale': 'stored.account_id = unit.account_id and ('
            ~ 'stored.started_at >= unit.recharge_from'
            ~ ' or stored.cycle_start < unit.first_open_start)',
    },
) }}

-- depends_on: {{ ref('int_touched_accounts') }}

select
    account_id,
    started_at,
    carrier_id,
    cdr_id,
    is_late,
    cycle_start,
    terms_id,
    load_id,
    service_number,
    other_number,
    quantity,
    billable_quantity,
    no_charge_quantity,
    pool_offset,
    rate,
    charge_amount
from {{ ref('int_usage_charged') }}
