"""A database with an outbox and little else, emptied for each test."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tandem import schema
from tests.outbox.support import MART
from tests.support.warehouse import Databases, Warehouse


@pytest.fixture(scope="session")
def with_outbox(
    databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Warehouse]:
    """What `tandem init` makes but the catalog, and a table for the mart of orders to pass on."""
    with databases.warehouse(tmp_path_factory.mktemp("outbox")) as made:
        for _ in range(2):  # it is safe to repeat
            with psycopg.connect(made.url, autocommit=True) as session:
                schema.initialise(session)
        made.execute(MART)
        # it is processes that are killed here, not the server
        made.execute(f"alter database {Databases.IN_USE} set synchronous_commit = off")
        yield made


@pytest.fixture
def outbox(with_outbox: Warehouse) -> Warehouse:
    """The database with an empty outbox."""
    with_outbox.execute(
        "truncate outbox.attempts, outbox.messages, integrity.pass_through_orders,"
        " integrity.order_sync, integrity.int_accounts, integrity.order_instructions,"
        " integrity.bundle_exceptions, raw.orders, raw.loads, control.run_values,"
        " control.build_state cascade"
    )
    with_outbox.execute("insert into control.run_values values (7, '2025-06-20T12:00:00Z')")
    with_outbox.execute("insert into control.build_state values (7, 0)")
    return with_outbox
