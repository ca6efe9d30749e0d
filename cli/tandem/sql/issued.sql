-- What was issued: closed cycles and everything that was settled with them. Rows are only ever
-- added, by `tandem close`, in one transaction a close; dbt reads them and cannot write them.

create table if not exists issued.closes (
    close_id integer primary key,
    close_through date not null,
    bill_cycle_day smallint,
    as_of timestamptz not null,
    cutoff_load_id bigint not null,
    catalog_hash text not null,
    started_at timestamptz not null,
    accounts integer not null,
    cycles integer not null
);
comment on table issued.closes is 'One row per close';
comment on column issued.closes.cutoff_load_id is 'The last load that the close includes';

-- how far each account is closed; the one table of this schema whose rows move on
create table if not exists issued.account_frontiers (
    account_id text collate "C" primary key,
    close_id integer not null,
    first_cycle_start date not null,
    closed_through date not null,
    closed_through_at timestamptz not null
);
create index if not exists account_frontiers_by_close on issued.account_frontiers (close_id);

create table if not exists issued.cycles (
    account_id text collate "C" not null,
    cycle_start date not null,
    cycle_end date not null,
    cycle_start_at timestamptz not null,
    cycle_end_at timestamptz not null,
    days_in_cycle smallint not null,
    time_zone text collate "C" not null,
    is_billed boolean not null,
    close_id integer not null,
    primary key (account_id, cycle_start)
);

create table if not exists issued.plan_segments (
    account_id text collate "C" not null,
    cycle_start date not null,
    plan_id text collate "C" not null,
    segment_from date not null,
    segment_to date not null,
    carrier_ids text[] not null,
    close_id integer not null,
    primary key (account_id, cycle_start, plan_id, segment_from)
);

create table if not exists issued.counted_orders (
    account_id text collate "C" not null,
    carrier_id text collate "C" not null,
    order_id text collate "C" not null,
    counted_from date not null,
    counted_requested_at timestamptz not null,
    counterparts text[] not null,
    close_id integer not null,
    primary key (account_id, carrier_id, order_id, close_id)
);
comment on table issued.counted_orders is
'One row per order and the close at which it first counted with these counterparts';

-- the terms under which records were rated, by content: a new catalog adds rows, changes none
create table if not exists issued.usage_terms (
    terms_id bigint primary key,
    plan_id text collate "C" not null,
    carrier_id text collate "C" not null,
    rating_platform_id text collate "C" not null,
    service text collate "C" not null,
    call_type text collate "C" not null,
    direction text collate "C" not null,
    treatment text collate "C" not null,
    pool_id text collate "C",
    tariff_id text collate "C",
    unit_type text collate "C" not null,
    base_units_per_unit bigint not null,
    category text collate "C" not null,
    rule_id text collate "C",
    unit_factor numeric,
    is_limited boolean not null,
    minimum_quantity bigint,
    increment bigint,
    overage_rate numeric
);

create table if not exists issued.rated_usage (
    account_id text collate "C" not null,
    started_at timestamptz not null,
    carrier_id text collate "C" not null,
    cdr_id text collate "C" not null,
    is_reversal boolean not null,
    is_late boolean not null,
    cycle_start date not null,
    cycle_end date not null,
    terms_id bigint not null,
    load_id bigint not null,
    close_id integer not null,
    service_number text collate "C" not null,
    other_number text collate "C",
    quantity bigint not null,
    billable_quantity bigint not null,
    no_charge_quantity bigint not null,
    plan_quantity bigint not null,
    rollover_quantity bigint not null,
    overage_quantity bigint not null,
    metered_quantity bigint not null,
    pool_offset bigint,
    rate numeric,
    charge_amount numeric(18, 6) not null,
    no_charge_reason text collate "C",
    primary key (account_id, started_at, carrier_id, cdr_id, is_reversal)
);
comment on column issued.rated_usage.pool_offset is
'Base units drawn on the pool in the cycle before this record';

-- a table that came later: what was voided before the closes that a database already has is frozen
-- as it was last told, in the first cycle that a close could have ended with it
do $$
begin
    if to_regclass('issued.voided_usage') is null then
        create table issued.voided_usage (
            account_id text collate "C" not null,
            started_at timestamptz not null,
            carrier_id text collate "C" not null,
            cdr_id text collate "C" not null,
            cycle_start date not null,
            close_id integer not null,
            primary key (account_id, started_at, carrier_id, cdr_id)
        );
        if exists (
            select 1
            from pg_catalog.pg_tables
            where schemaname = 'rating' and tablename = 'int_usage_voids'
        ) then
            insert into issued.voided_usage
            select distinct on (v.account_id, v.started_at, v.carrier_id, v.cdr_id)
                v.account_id, v.started_at, v.carrier_id, v.cdr_id, y.cycle_start, y.close_id
            from rating.int_usage_voids as v
            inner join issued.cycles as y
                on v.account_id = y.account_id and v.started_at < y.cycle_end_at
            inner join issued.closes as c
                on y.close_id = c.close_id
                and greatest(v.void_load_id, v.original_load_id) <= c.cutoff_load_id
            where v.outcome = 'voided'
            order by
                v.account_id, v.started_at, v.carrier_id, v.cdr_id, y.cycle_start;
        end if;
    end if;
end $$;
comment on table issued.voided_usage is
'One row per record that a void took out before its bill, and the closed cycle that it was in';

create table if not exists issued.pool_cycles (
    account_id text collate "C" not null,
    pool_id text collate "C" not null,
    cycle_start date not null,
    cycle_end date not null,
    close_id integer not null,
    deciding_plan_id text collate "C",
    pool_name text not null,
    unit_type text collate "C" not null,
    base_units_per_unit bigint not null,
    has_rollover boolean not null,
    is_rollover_first boolean not null,
    rollover_status text not null,
    became_customer_at date,
    ended_at date,
    retention_cycles_left integer,
    allowance_quantity bigint not null,
    demand_quantity bigint not null,
    plan_used_quantity bigint not null,
    rollover_used_quantity bigint not null,
    overage_quantity bigint not null,
    opening_quantity bigint not null,
    taken_over_quantity bigint not null,
    adjusted_quantity bigint not null,
    accumulated_quantity bigint not null,
    expired_quantity bigint not null,
    capped_quantity bigint not null,
    archived_quantity bigint not null,
    closing_quantity bigint not null,
    expiring_next_quantity bigint not null,
    plan_from bigint not null,
    plan_to bigint not null,
    rollover_from bigint not null,
    rollover_to bigint not null,
    primary key (account_id, pool_id, cycle_start)
);

create table if not exists issued.bucket_cycles (
    account_id text collate "C" not null,
    bucket_id text collate "C" not null,
    cycle_start date not null,
    cycle_end date not null,
    close_id integer not null,
    pool_id text collate "C" not null,
    source text collate "C" not null,
    earned_cycle_start date not null,
    available_from date not null,
    expires_on date not null,
    cycles_left integer not null,
    earned_quantity bigint not null,
    deferred_amount numeric(18, 2) not null,
    opening_quantity bigint not null,
    given_quantity bigint not null,
    accumulated_quantity bigint not null,
    used_quantity bigint not null,
    debited_quantity bigint not null,
    expired_quantity bigint not null,
    archived_quantity bigint not null,
    remaining_quantity bigint not null,
    status text collate "C" not null,
    range_from bigint,
    range_to bigint,
    primary key (account_id, bucket_id, cycle_start)
);
create index if not exists bucket_cycles_by_cycle on issued.bucket_cycles (account_id, cycle_end);


-- what became of adjustments, when the cycle in which they counted was closed
create table if not exists issued.adjustments (
    account_id text collate "C" not null,
    adjustment_id text collate "C" not null,
    pool_id text collate "C" not null,
    action text collate "C" not null,
    cycle_start date not null,
    cycle_end date not null,
    close_id integer not null,
    plan_id text collate "C",
    bucket_id text collate "C",
    base_units_per_unit bigint not null,
    quantity bigint not null,
    applied_quantity bigint not null,
    charged_quantity bigint not null,
    rate numeric,
    amount numeric(18, 2),
    exception_type text collate "C",
    primary key (account_id, adjustment_id)
);
create index if not exists adjustments_by_bucket on issued.adjustments (account_id, bucket_id);
comment on column issued.adjustments.bucket_id is
'The bucket that a credit made, or the plan bucket that a resale or extension is about';
comment on column issued.adjustments.charged_quantity is
'Base units that the bill line of a resale or extension is over';

-- what became of buckets of a system that was replaced
create table if not exists issued.openings (
    account_id text collate "C" not null,
    bucket_id text collate "C" not null,
    pool_id text collate "C" not null,
    cycle_start date not null,
    close_id integer not null,
    base_units_per_unit bigint not null,
    quantity bigint not null,
    deferred_amount numeric(18, 2) not null,
    exception_type text collate "C",
    primary key (account_id, bucket_id)
);

-- what another billing system reported of cycles that it billed, and what the buckets made of it
create table if not exists issued.reports (
    account_id text collate "C" not null,
    pool_id text collate "C" not null,
    cycle_start date not null,
    cycle_end date not null,
    close_id integer not null,
    load_id bigint not null,
    request_id text collate "C",
    base_units_per_unit bigint not null,
    reported_rollover_used_quantity bigint not null,
    rollover_used_quantity bigint not null,
    reported_accumulated_quantity bigint not null,
    accumulated_quantity bigint not null,
    expected_accumulated_quantity bigint not null,
    reported_expired_quantity bigint not null,
    expired_quantity bigint not null,
    primary key (account_id, pool_id, cycle_start)
);

-- requests that were frozen: what was said then, and the last load that it includes
create table if not exists issued.frozen_requests (
    account_id text collate "C" not null,
    pool_id text collate "C" not null,
    cycle_start date not null,
    request_id text collate "C" not null,
    base_units_per_unit bigint not null,
    balance_quantity bigint not null,
    expiring_quantity bigint not null,
    adjusted_quantity bigint not null,
    cutoff_load_id bigint not null,
    frozen_at timestamptz not null,
    frozen_by text not null,
    primary key (account_id, pool_id, cycle_start, request_id)
);

create table if not exists issued.bills (
    account_id text collate "C" not null,
    bill_id text collate "C" not null,
    cycle_start date not null,
    cycle_end date not null,
    close_id integer not null,
    biller_id text collate "C" not null,
    currency text not null,
    plan_fee_amount numeric(18, 2) not null,
    usage_amount numeric(18, 2) not null,
    one_time_amount numeric(18, 2) not null,
    tax_amount numeric(18, 2) not null,
    total_amount numeric(18, 2) not null,
    issued_at timestamptz not null,
    holder_name text,
    address_line1 text,
    address_line2 text,
    city text,
    region text,
    postal_code text,
    country text,
    email text,
    time_zone text not null,
    tax_jurisdiction_id text not null,
    primary key (account_id, bill_id),
    constraint bills_total_of_sections check (
        total_amount = plan_fee_amount + usage_amount + one_time_amount + tax_amount
    )
);
create index if not exists bills_by_close on issued.bills (close_id);

create table if not exists issued.bill_lines (
    account_id text collate "C" not null,
    bill_id text collate "C" not null,
    line_number integer not null,
    section text collate "C" not null,
    plan_id text collate "C",
    carrier_id text collate "C",
    service text collate "C",
    call_type text collate "C",
    treatment text collate "C",
    tax_code text collate "C",
    jurisdiction_id text collate "C",
    description text not null,
    quantity_units numeric(20, 6),
    unit_type text collate "C",
    rate numeric,
    amount numeric(18, 2) not null,
    close_id integer not null,
    primary key (account_id, bill_id, line_number)
);

create table if not exists issued.settlement_lines (
    account_id text collate "C" not null,
    bill_id text collate "C" not null,
    cycle_start date not null,
    cycle_end date not null,
    agreement_id text collate "C" not null,
    carrier_id text collate "C" not null,
    fixed_amount numeric(18, 2) not null,
    usage_weight numeric not null,
    remainder_amount numeric(18, 2) not null,
    usage_amount numeric(18, 2) not null,
    total_amount numeric(18, 2) not null,
    close_id integer not null,
    primary key (account_id, bill_id, agreement_id, carrier_id)
);

create table if not exists issued.settlement_statements (
    close_id integer not null,
    cycle_end_through date not null,
    carrier_id text collate "C" not null,
    bills integer not null,
    fixed_amount numeric(18, 2) not null,
    remainder_amount numeric(18, 2) not null,
    usage_amount numeric(18, 2) not null,
    total_amount numeric(18, 2) not null,
    collected_by text collate "C" not null,
    net_payable_amount numeric(18, 2) not null,
    primary key (close_id, carrier_id)
);

create table if not exists issued.journal (
    account_id text collate "C" not null,
    entry_id text collate "C" not null,
    cycle_start date not null,
    bucket_id text collate "C",
    bill_id text collate "C",
    event text collate "C" not null,
    debit_account text collate "C" not null,
    credit_account text collate "C" not null,
    amount numeric(18, 2) not null,
    close_id integer not null,
    primary key (account_id, entry_id)
);

-- names as they stood at a close, for bills that are rendered later
create table if not exists issued.names (
    close_id integer not null,
    kind text collate "C" not null,
    id text collate "C" not null,
    name text not null,
    detail text,
    primary key (close_id, kind, id)
);

create table if not exists issued.usage_totals (
    close_id integer not null,
    carrier_id text collate "C" not null,
    cycle_start date not null,
    records bigint not null,
    reversals bigint not null,
    quantity numeric not null,
    billable_quantity numeric not null,
    charge_amount numeric(18, 6) not null,
    reversed_amount numeric(18, 6) not null,
    primary key (close_id, carrier_id, cycle_start)
);

create table if not exists issued.money_totals (
    close_id integer primary key,
    bills integer not null,
    bill_amount numeric(18, 2) not null,
    line_amount numeric(18, 2) not null,
    settlement_amount numeric(18, 2) not null,
    tax_amount numeric(18, 2) not null,
    receivable_amount numeric(18, 2) not null,
    constraint close_balances check (
        bill_amount = line_amount
        and bill_amount = settlement_amount + tax_amount
        and bill_amount = receivable_amount
    )
);

-- columns that came later; rows that were issued before say what held then
alter table issued.cycles
add column if not exists is_billed boolean not null default true;
alter table issued.pool_cycles
add column if not exists taken_over_quantity bigint not null default 0;
alter table issued.bucket_cycles
add column if not exists deferred_amount numeric(18, 2) not null default 0,
add column if not exists given_quantity bigint not null default 0;
comment on column issued.cycles.is_billed is
'False where another billing system billed the cycle, and reported it';
comment on column issued.bucket_cycles.given_quantity is
'What a credit or a resale put into the bucket in the cycle';
