"""Sessions of the database for whoever is let in: under their role, for the rows they may see.

What a role may read is decided in the database: views in a schema per audience show the rows of the
session's account, of the role's carrier, or all (``macros/show_to.sql``). The views have the same
names for all of them, so that one query serves every audience.

What the server asks in nobody else's name (orders and records that no build has seen, eligibility,
the names of carriers) it asks as a role of its own, which reads the columns that this takes
(``macros/let_server_read.sql``, ``schema.py``). What it writes takes another way: see ``writing``.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from psycopg import AsyncConnection, errors
from psycopg.rows import DictRow
from psycopg_pool import PoolTimeout

from tandem.schema import PORTAL, SERVER, SUPPORT, carrier_role
from tandem.serve.reading import RolePool, make_pool
from tandem.tokens import Role, Subject

Session = AsyncConnection[DictRow]


class UnknownCarrierError(Exception):
    """Somebody of a carrier that the catalog does not have."""


class OwnSessions:
    """Gives out sessions of the server's own role."""

    def __init__(self, url: str) -> None:
        """Give a way to the database; it need not be up."""
        self._url = url
        self._pool = make_pool(url, SERVER)

    async def __aenter__(self) -> OwnSessions:
        """Begin to give them out."""
        await self._pool.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close all of them."""
        await self._pool.close()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Session]:
        """A session.

        Raises:
            PoolTimeout: the database is away.
            InvalidSchemaName: the warehouse has not been set up, or not by this version.
            InsufficientPrivilege: the login may not become the server's role.
        """
        try:
            async with self._pool.connection() as session:
                yield session
        except PoolTimeout:
            await _require(self._url, SERVER)
            raise


class Access:
    """Pools of sessions, one per database role, opened when somebody first needs it."""

    def __init__(self, url: str) -> None:
        """Give a way to the database; it need not be up."""
        self._url = url
        self._pools: dict[str, RolePool] = {}
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
        async with pool.connection() as session:  # which ends what is begun here
            async with session.pipeline():  # both go to the database at once
                await session.execute("begin")
                await session.execute(
                    "select set_config('tandem.account_id', %s, true)", (subject.account_id or "",)
                )
            yield session

    async def _pool(self, subject: Subject) -> RolePool:
        role, schema = _audience(subject)
        pool = self._pools.get(role)
        if pool is None:
            try:
                await _require(self._url, role)  # may take long: not with the lock
            except errors.InvalidSchemaName:
                if subject.carrier_id is None:
                    raise
                raise UnknownCarrierError(
                    f"{subject.carrier_id} is no carrier of the catalog"
                ) from None
            async with self._opening:
                pool = self._pools.get(role)
                if pool is None:
                    pool = await self._stack.enter_async_context(make_pool(self._url, role, schema))
                    self._pools[role] = pool
        return pool


async def _require(url: str, role: str) -> None:
    """Refuse what would keep a pool from ever getting a session.

    Raises:
        InvalidSchemaName: there is no such role.
        InsufficientPrivilege: the login may not become it.
    """
    async with await AsyncConnection.connect(url, connect_timeout=5) as session:
        cursor = await session.execute(
            "select pg_has_role(current_user, oid, 'set') from pg_roles where rolname = %s", (role,)
        )
        found = await cursor.fetchone()
    if found is None:
        raise errors.InvalidSchemaName(f"there is no role {role}")
    if not found[0]:
        raise errors.InsufficientPrivilege(f"the login may not become {role}")


def _audience(subject: Subject) -> tuple[str, str]:
    """Database role and schema."""
    if subject.role is Role.SUBSCRIBER:
        return PORTAL, "portal"
    if subject.role is Role.SUPPORT:
        return SUPPORT, "support"
    if not subject.subject.isidentifier():  # it becomes part of an option of the session
        raise UnknownCarrierError("that is no carrier's id")
    return carrier_role(subject.subject), "carrier"
