"""What the tests of the outbox share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import md5
from typing import Any

from tandem.database import Connection, connect, exclusive, work_as_owner
from tandem.outbox.configuration import Policy
from tandem.outbox.dispatching import Delivered, Endpoint, dispatch
from tandem.outbox.http_transport import HttpTransport
from tandem.outbox.message import ORDERING
from tandem.outbox.queueing import PASS_THROUGH, Queued, enqueue
from tests.support.warehouse import Warehouse

# columns and types of the marts
MART = """
    set role tandem_engineer;
    create table integrity.pass_through_orders (
        message_id text, to_carrier_id text, from_carrier_id text, order_id text, account_id text,
        action text, plan_id text, sync_status text, effective_on date, requested_at timestamptz,
        awaits_account boolean not null default false
    );
    create table integrity.int_accounts (account_id text, time_zone text);
    create table integrity.order_sync (
        carrier_id text, order_id text, account_id text, counterpart_carrier_id text,
        counterpart_order_id text, counterpart_status text, sync_status text
    );
    create table integrity.order_instructions (
        instruction_id text, instruction text, carrier_id text, order_id text, account_id text,
        other_carrier_id text, exception_id text, opened_at timestamptz, resolved_at timestamptz
    );
    create table integrity.bundle_exceptions (
        exception_id text, exception_type text, account_id text, carrier_id text, order_id text,
        other_carrier_id text, is_open boolean, resolved_at timestamptz
    );
    create table catalog.carriers (carrier_id text);
    insert into catalog.carriers values ('wireless'), ('wireline');
    create table control.run_values (build_id bigint, as_of timestamptz);
    create table control.build_state (build_id bigint, cutoff_load_id bigint);
    insert into control.run_values values (7, '2025-06-20T12:00:00Z');
    insert into control.build_state values (7, 0);
"""
QUICK = Policy(
    first_wait_seconds=0.001,
    longest_wait_seconds=0.01,
    first_pause_seconds=0.0,
    longest_pause_seconds=0.0,
    failures_in_a_row=1_000_000,
)


def key_of(order_id: str, to: str = "wireline") -> str:
    return md5(f"{order_id} {to}".encode(), usedforsecurity=False).hexdigest()


def add_order(
    outbox: Warehouse,
    order_id: str,
    account_id: str = "A1",
    to: str = "wireline",
    requested_at: str = "2025-06-01T10:00:00Z",
    action: str = "subscribe",
    plan_id: str = "SHARE800",
) -> str:
    """A row of the mart; returns its message id."""
    outbox.execute(
        """
        insert into integrity.pass_through_orders
        values (%s, %s, %s, %s, %s, %s, %s, 'missing_counterpart', %s::timestamptz::date, %s)
        """,
        key_of(order_id, to),
        to,
        "wireless" if to == "wireline" else "wireline",
        order_id,
        account_id,
        action,
        plan_id,
        requested_at,
        requested_at,
    )
    return key_of(order_id, to)


def add_orders(outbox: Warehouse, accounts: int, each: int, to: str = "wireline") -> None:
    """Several orders of each of some accounts, a minute apart."""
    outbox.execute(
        """
        insert into integrity.pass_through_orders
        select md5(a || ' ' || n || %s), %s, 'other', a || '-' || n, 'A' || a, 'subscribe',
            'SHARE800', 'missing_counterpart', date '2025-06-01',
            timestamptz '2025-06-01T10:00:00Z' + n * interval '1 minute'
        from generate_series(1, %s) as a cross join generate_series(1, %s) as n
        """,
        to,
        to,
        accounts,
        each,
    )


def queue(outbox: Warehouse) -> Queued:
    with exclusive(outbox.settings, "test") as connection:
        return enqueue(connection, PASS_THROUGH)


@contextmanager
def session(outbox: Warehouse) -> Iterator[Connection]:
    with connect(outbox.settings, "test", autocommit=True) as connection:
        work_as_owner(connection)
        yield connection


def send(
    outbox: Warehouse,
    *urls: tuple[str, str],
    policy: Policy = QUICK,
    attempts: int = 4,
    timeout: float = 5.0,
    also_later: bool = False,
) -> list[Delivered]:
    """Dispatch to the ordering platforms of carriers."""
    endpoints = [
        Endpoint(ORDERING, carrier, HttpTransport(url, timeout, "s3cret"), attempts)
        for carrier, url in urls
    ]
    try:
        with session(outbox) as connection:
            return dispatch(connection, endpoints, policy, also_later=also_later)
    finally:
        for endpoint in endpoints:
            endpoint.transport.close()


def messages(outbox: Warehouse) -> list[dict[str, Any]]:
    return outbox.rows("select * from outbox.messages order by ordered_at, message_id")


def message(outbox: Warehouse, message_id: str) -> dict[str, Any]:
    (row,) = outbox.rows("select * from outbox.messages where message_id = %s", message_id)
    return row


def outcomes(outbox: Warehouse, message_id: str) -> list[str | None]:
    """What came of each attempt, in order."""
    rows = outbox.rows(
        "select attempt, outcome from outbox.attempts where message_id = %s order by attempt",
        message_id,
    )
    assert [row["attempt"] for row in rows] == list(range(1, len(rows) + 1))
    return [row["outcome"] for row in rows]


def states(outbox: Warehouse) -> Sequence[tuple[str, int]]:
    rows = outbox.rows(
        "select state, count(*) as n from outbox.messages group by state order by state"
    )
    return [(row["state"], row["n"]) for row in rows]
