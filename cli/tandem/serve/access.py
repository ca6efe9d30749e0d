"""Sessions of the database for whoever is let in: under their role, for the rows they may see.

What a role may read is decided in the database: views in a schema per audience show the rows of the
session's account, of the role's carrier, or all (``macros/show_to.sql``). The views have the same
names for all of them, so that one query serves every audience.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from psycopg import AsyncConnection, errors
from psycopg.rows import DictRow

from tandem.schema import PORTAL, SUPPORT, carrier_role
from tandem.serve.reading import Pool, make_pool
from tandem.tokens import Role, Subject

Session = AsyncConnection[DictRow]


class UnknownCarrierError(Exception):
    """Somebody of a carrier that the catalog does not have."""


class Access:
    """Pools of sessions, one per database role, opened when somebody first needs it."""

    def __init__(self, url: str) -> None:
        """Give a way to the database; it need not be up."""
        self._url = url
        self._pools: dict[str, Pool] = {}
        self._opening = asyncio.Lock()
        self._stack = AsyncExitStack()

    async def close(self) -> None:
        """Close all sessions."""
        await self._stack.aclose()

    @asynccontextmanager
    async def session(self, subject: Subject) -> AsyncIterator[Session]:
        """A session that sees what somebody may see, in one transaction that only reads.

        All of its queries see the same state of the warehouse.
        """
        pool = await self._pool(subject)
        async with pool.connection() as session, session.transaction():
            await session.execute(
                "select set_config('tandem.account_id', %s, true)", (subject.account_id or "",)
            )
            yield session

    async def _pool(self, subject: Subject) -> Pool:
        role, schema = _audience(subject)
        pool = self._pools.get(role)
        if pool is None:
            await self._require(role, subject)  # may take long: not with the lock
            async with self._opening:
                pool = self._pools.get(role)
                if pool is None:
                    pool = await self._stack.enter_async_context(make_pool(self._url, role, schema))
                    self._pools[role] = pool
        return pool

    async def _require(self, role: str, subject: Subject) -> None:
        """Refuse what would keep a pool from ever getting a session.

        Raises:
            UnknownCarrierError: there is no role for the carrier.
            InvalidSchemaName: the warehouse has not been set up.
        """
        async with await AsyncConnection.connect(self._url, connect_timeout=5) as session:
            cursor = await session.execute("select from pg_roles where rolname = %s", (role,))
            if await cursor.fetchone() is None:
                if subject.carrier_id is not None:
                    raise UnknownCarrierError(f"{subject.carrier_id} is no carrier of the catalog")
                raise errors.InvalidSchemaName(f"there is no role {role}")


def _audience(subject: Subject) -> tuple[str, str]:
    """Database role and schema."""
    if subject.role is Role.SUBSCRIBER:
        return PORTAL, "portal"
    if subject.role is Role.SUPPORT:
        return SUPPORT, "support"
    if not subject.subject.isidentifier():  # it becomes part of an option of the session
        raise UnknownCarrierError("that is no carrier's id")
    return carrier_role(subject.subject), "carrier"
