-- What came in: append-only, one row per accepted record, with the load and row it came from.
-- Ids and codes are compared in byte order, whatever the collation of the database.

create table if not exists raw.loads (
    load_id bigint primary key,
    feed text not null,
    carrier_id text collate "C",
    as_of timestamptz,
    file_name text not null,
    sha256 text not null,
    bytes bigint not null,
    rows_read bigint not null,
    accepted bigint not null,
    duplicate bigint not null,
    rejected bigint not null,
    latest_at timestamptz,
    loaded_at timestamptz not null,
    loaded_by text not null,
    constraint loads_account_for_every_row check (rows_read = accepted + duplicate + rejected)
);
comment on column raw.loads.latest_at is
'Latest started_at, changed_at, requested_at, adjusted_at or as-of among the accepted rows';

create table if not exists raw.rejects (
    load_id bigint not null references raw.loads deferrable initially deferred,
    row_number bigint not null,
    reason_code text not null,
    reason text not null,
    raw_text text,
    primary key (load_id, row_number)
);

create table if not exists raw.cdrs (
    started_at timestamptz not null,
    quantity bigint not null,
    load_id bigint not null,
    row_number bigint not null,
    carrier_id text collate "C" not null,
    cdr_id text collate "C" not null,
    action text collate "C" not null,
    direction text collate "C" not null,
    service text collate "C" not null,
    call_type text collate "C" not null,
    calling_number text collate "C",
    called_number text collate "C",
    other_party_type text collate "C",
    other_party_carrier_id text collate "C",
    primary key (carrier_id, cdr_id, action)
);
create index if not exists cdrs_by_load on raw.cdrs using brin (load_id) with (pages_per_range = 16);
create index if not exists cdrs_voids on raw.cdrs (load_id) where action = 'void';

create table if not exists raw.accounts (
    load_id bigint not null,
    row_number bigint not null,
    account_id text collate "C" not null,
    holder_name text,
    address_line1 text,
    address_line2 text,
    city text,
    region text,
    postal_code text,
    country text,
    email text,
    bill_cycle_day smallint not null,
    time_zone text collate "C" not null,
    tax_jurisdiction_id text collate "C" not null,
    opened_on date not null,
    closed_on date,
    billing_system text collate "C" not null,
    primary key (load_id, row_number)
);
create index if not exists accounts_by_account on raw.accounts (account_id);

create table if not exists raw.subscribers (
    load_id bigint not null,
    row_number bigint not null,
    carrier_id text collate "C" not null,
    batch_as_of timestamptz not null,
    account_id text collate "C" not null,
    service_number text collate "C" not null,
    plan_id text collate "C",
    status text collate "C" not null,
    activated_at timestamptz not null,
    deactivated_at timestamptz,
    subscriber_name text,
    email text,
    primary key (load_id, row_number)
);
create index if not exists subscribers_by_line
on raw.subscribers (carrier_id, service_number, account_id);

create table if not exists raw.subscriber_changes (
    load_id bigint not null,
    row_number bigint not null,
    carrier_id text collate "C" not null,
    change_id text collate "C" not null,
    changed_at timestamptz not null,
    account_id text collate "C" not null,
    service_number text collate "C" not null,
    plan_id text collate "C",
    status text collate "C" not null,
    activated_at timestamptz not null,
    deactivated_at timestamptz,
    subscriber_name text,
    email text,
    primary key (carrier_id, change_id)
);
create index if not exists subscriber_changes_by_line
on raw.subscriber_changes (carrier_id, service_number, account_id);
create index if not exists subscriber_changes_by_load on raw.subscriber_changes (load_id);

-- one row per order and status it took
create table if not exists raw.orders (
    load_id bigint not null,
    row_number bigint not null,
    carrier_id text collate "C" not null,
    order_id text collate "C" not null,
    account_id text collate "C" not null,
    action text collate "C" not null,
    plan_id text collate "C",
    service_number text collate "C",
    requested_at timestamptz not null,
    effective_on date not null,
    status text collate "C" not null,
    status_at timestamptz not null,
    counterpart_order_id text collate "C",
    primary key (carrier_id, order_id, status)
);
create index if not exists orders_by_account on raw.orders (account_id);
create index if not exists orders_by_load on raw.orders (load_id);
create index if not exists orders_by_order on raw.orders (order_id);

-- quantities of the three feeds of rollover are in units, as they came
create table if not exists raw.rollover_adjustments (
    load_id bigint not null,
    row_number bigint not null,
    adjustment_id text collate "C" not null primary key,
    account_id text collate "C" not null,
    pool_id text collate "C" not null,
    action text collate "C" not null,
    quantity numeric not null,
    reason_code text collate "C" not null,
    adjusted_at timestamptz not null,
    adjusted_by text collate "C" not null,
    bucket_cycle_start date,
    extend_cycles integer,
    note text
);
create index if not exists rollover_adjustments_by_account on raw.rollover_adjustments (account_id);

create table if not exists raw.rollover_opening (
    load_id bigint not null,
    row_number bigint not null,
    account_id text collate "C" not null,
    pool_id text collate "C" not null,
    earned_cycle_start date not null,
    expires_on date not null,
    quantity numeric not null,
    deferred_amount numeric not null,
    as_of timestamptz not null,
    primary key (account_id, pool_id, earned_cycle_start)
);

create table if not exists raw.rollover_results (
    load_id bigint not null,
    row_number bigint not null,
    account_id text collate "C" not null,
    pool_id text collate "C" not null,
    cycle_start date not null,
    cycle_end date not null,
    allowance numeric not null,
    plan_used numeric not null,
    overage numeric not null,
    rollover_used numeric not null,
    accumulated numeric not null,
    expired numeric not null,
    reported_at timestamptz not null,
    plan_fee numeric,
    request_id text collate "C",
    primary key (account_id, pool_id, cycle_start)
);

-- columns that came later
alter table raw.accounts
add column if not exists billing_system text collate "C" not null default 'tandem';
