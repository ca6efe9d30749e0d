"""Reading for requests: a pool of read-only sessions that heals by itself."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from psycopg import AsyncConnection
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool

from tandem.queries import Row

SESSIONS = 8
WAIT_SECONDS = 4.0  # for a session; after that the answer is 503
STATEMENT_SECONDS = 20
TRUSTED_SECONDS = 0.5  # that a session which was good still is
RolePool = AsyncConnectionPool[AsyncConnection[DictRow]]


class Pool(Protocol):
    """What gives out sessions to read from."""

    def connection(self) -> AbstractAsyncContextManager[AsyncConnection[DictRow]]:
        """One of them, until it is left."""


def make_pool(url: str, role: str, schema: str | None = None) -> RolePool:
    """A pool, still closed.

    Sessions are opened when they are asked for and looked at before they are given out. Attempts
    to open one are given up soon, as the next request begins another: so nothing waits longer
    than it must when the database is back.

    Args:
        url: of the database.
        role: that its sessions work as.
        schema: where they find what they name without one.
    """
    return AsyncConnectionPool(
        url,
        connection_class=AsyncConnection[DictRow],
        kwargs={
            "autocommit": True,
            "row_factory": dict_row,
            "application_name": "tandem serve",
            "connect_timeout": 5,
            "prepare_threshold": 1,
            "options": "-c default_transaction_read_only=on -c timezone=UTC"
            f" -c statement_timeout={STATEMENT_SECONDS}s"
            f" -c role={role}"
            + (f" -c search_path={schema}" if schema else "")
            # queries of one account, many times: to plan them takes longer than to run them
            + " -c plan_cache_mode=force_generic_plan"
            # the queries of one page see the same state
            + " -c default_transaction_isolation=repeatable\\ read",
        },
        min_size=0,
        max_size=SESSIONS,
        max_waiting=SESSIONS * 32,
        timeout=WAIT_SECONDS,
        reconnect_timeout=1.0,
        check=_check,
        open=False,
        name=f"tandem serve {role}",
    )


_looked_at: WeakKeyDictionary[AsyncConnection[DictRow], float] = WeakKeyDictionary()


async def _check(connection: AsyncConnection[DictRow]) -> None:
    """Look whether a session is still good, unless that was seen a moment ago."""
    now = time.monotonic()
    if now - _looked_at.get(connection, 0.0) > TRUSTED_SECONDS:
        await AsyncConnectionPool.check_connection(connection)
        _looked_at[connection] = now


async def fetch(
    connection: AsyncConnection[DictRow],
    statement: str,
    parameters: Sequence[Any] | Mapping[str, Any] = (),
) -> list[Row]:
    """All rows of a query, its parameters by place or by name."""
    cursor = await connection.execute(statement.encode(), parameters or None)
    return await cursor.fetchall()
