"""Connections and the one lock.

Whatever changes data (a load, a build, a close) holds one advisory lock of the database for as
long as it works, in a session of its own. A plain ``dbt build`` takes no lock: it refuses to start
while the lock is held, and commands refuse while such a session is at work.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from tandem.errors import Busy, Refused, Unreachable
from tandem.server import EmbeddedServer
from tandem.settings import Settings

LOCK_KEY = 7_263_361_001  # "tandem" on a telephone's keys would not fit; any constant will do
APPLICATION = "tandem"
DBT_APPLICATION = "tandem dbt"  # dbt's sessions when this package runs it
PLAIN_DBT_APPLICATION = "dbt"
OWNER = "tandem_owner"  # the role that owns and writes raw, issued and outbox tables
OLDEST_VERSION = 16
LOCK_WAIT_SECONDS = 600.0

Connection = psycopg.Connection[tuple[Any, ...]]


def database_url(settings: Settings, *, start: bool = True) -> str:
    """URL of the database; starts the embedded server if that is it and ``start``."""
    if settings.database_url is not None:
        return settings.database_url
    server = EmbeddedServer(settings.home)
    if start:
        server.up()
    return server.url()


def connect(settings: Settings, purpose: str = "", *, autocommit: bool = False) -> Connection:
    """Open a session.

    Args:
        settings: which database.
        purpose: shown to others as ``tandem <purpose>``.
        autocommit: whether each statement is a transaction of its own.

    Raises:
        Refused: it cannot be reached, or is too old.
    """
    url = database_url(settings)
    name = f"{APPLICATION} {purpose}".strip()
    try:
        connection = psycopg.connect(
            url, application_name=name, autocommit=autocommit, connect_timeout=10
        )
    except psycopg.ProgrammingError as error:
        # libpq's own words would quote the URL, and with it the password
        raise Refused(
            "The database cannot be reached: TANDEM_DATABASE_URL is no URL of PostgreSQL"
            " (postgresql://user:password@host:port/database)."
        ) from error
    except psycopg.Error as error:
        detail = str(error).strip().splitlines()
        raise Unreachable(
            f"The database cannot be reached: {detail[-1] if detail else error}."
        ) from error
    major = connection.info.server_version // 10_000
    if major < OLDEST_VERSION:
        connection.close()
        raise Refused(
            f"The database is PostgreSQL {major}; Tandem needs {OLDEST_VERSION} or newer."
        )
    with connection.transaction():
        connection.execute("set timezone to 'UTC'")
    return connection


@contextmanager
def exclusive(
    settings: Settings,
    purpose: str,
    on_wait: Callable[[str], None] | None = None,
    wait_seconds: float | None = None,
) -> Iterator[Connection]:
    """Hold the lock while the block runs; yields the session that holds it.

    The session works as the role that owns raw and issued tables, once there is one.

    Args:
        settings: which database.
        purpose: the command, told to others who wait.
        on_wait: told once, in a sentence, who holds the lock, before waiting for it.
        wait_seconds: for the lock; by default ``TANDEM_LOCK_WAIT`` (default 600).

    Raises:
        Busy: the lock did not become free in that time, or a plain dbt run is at work.
        Refused: the database cannot be reached, or is too old.
    """
    with connect(settings, purpose, autocommit=True) as connection:
        _take_lock(connection, on_wait, wait_seconds)
        try:
            _end_orphans(connection)
            _refuse_beside_dbt(connection)
            work_as_owner(connection)
            yield connection
        finally:
            if not connection.broken:
                connection.execute("select pg_advisory_unlock(%s)", (LOCK_KEY,))


def work_as_owner(connection: Connection) -> None:
    """Go on as the role that owns what commands write, once there is one."""
    if _has_role(connection, OWNER):
        connection.execute(f"set role {OWNER}")


def _has_role(connection: Connection, role: str) -> bool:
    row = connection.execute(
        """
        select 1 from pg_roles
        where rolname = %s and pg_has_role(current_user, oid, 'member')
            and exists (select from pg_namespace where nspname = 'raw')
        """,
        (role,),
    ).fetchone()
    return row is not None


def _take_lock(
    connection: Connection, on_wait: Callable[[str], None] | None, wait_seconds: float | None
) -> None:
    limit = wait_seconds
    if limit is None:
        limit = float(os.environ.get("TANDEM_LOCK_WAIT", LOCK_WAIT_SECONDS))
    deadline = time.monotonic() + limit
    told = False
    while True:
        row = connection.execute("select pg_try_advisory_lock(%s)", (LOCK_KEY,)).fetchone()
        if row is not None and row[0]:
            return
        holder = _holder(connection)
        if time.monotonic() >= deadline:
            raise Busy(f"{holder} is at work on this database; try again when it is done.")
        if on_wait is not None and not told:
            on_wait(f"{holder} is at work on this database; waiting for it.")
            told = True
        time.sleep(0.2)


def _holder(connection: Connection) -> str:
    row = connection.execute(
        """
        select a.application_name, a.pid, to_char(a.backend_start at time zone 'UTC', 'HH24:MI:SS')
        from pg_locks as l
        inner join pg_stat_activity as a on a.pid = l.pid
        where l.locktype = 'advisory' and l.granted
            and l.database = (select oid from pg_database where datname = current_database())
            and (l.classid::bigint << 32) | l.objid::bigint = %s
        """,
        (LOCK_KEY,),
    ).fetchone()
    if row is None:
        return "Another command"
    return f"'{row[0]}' (database session {row[1]}, since {row[2]} UTC)"


def _end_orphans(connection: Connection) -> None:
    """End dbt sessions that a killed command left behind: we hold the lock, so none is at work."""
    connection.execute(
        """
        select pg_terminate_backend(pid, 5000) from pg_stat_activity
        where datname = current_database() and application_name = %s and pid <> pg_backend_pid()
        """,
        (DBT_APPLICATION,),
    )


def _refuse_beside_dbt(connection: Connection) -> None:
    row = connection.execute(
        """
        select pid from pg_stat_activity
        where datname = current_database() and application_name = %s limit 1
        """,
        (PLAIN_DBT_APPLICATION,),
    ).fetchone()
    if row is not None:
        raise Busy(
            f"A dbt run (database session {row[0]}) is at work on this database; try again when it"
            " is done."
        )
