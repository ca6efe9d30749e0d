-- What a command asks of the dbt run that it starts; no row outside of one.
create table if not exists control.run_requests (
    request_id integer primary key default 1 check (request_id = 1),
    run_at timestamptz not null,
    as_of timestamptz,
    close_through date,
    close_bill_cycle_day smallint
);
