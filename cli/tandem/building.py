"""A build: the dbt run that brings every model up to what is loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime

from tandem import catalog
from tandem.database import Connection
from tandem.dbt import DbtRun, RunFailed, run_dbt
from tandem.errors import Refused
from tandem.schema import require_roles
from tandem.settings import Settings

# Tests that read all there is: they prove over the whole history what every build proves of its
# own part.
AUDIT_TAG = "tag:audit"


@dataclass(frozen=True)
class RunRequest:
    """What a command asks of the dbt run that it starts.

    Attributes:
        as_of: where the warehouse stands; None: at the latest instant in the records.
        close_through: close cycles that end on or before this date.
        close_bill_cycle_day: only those of accounts with this bill cycle day.
    """

    as_of: datetime | None = None
    close_through: date | None = None
    close_bill_cycle_day: int | None = None


@contextmanager
def requested(connection: Connection, request: RunRequest) -> Iterator[None]:
    """Leave the request where dbt finds it while the block runs."""
    with connection.transaction():
        connection.execute("delete from control.run_requests")
        connection.execute(
            """
            insert into control.run_requests (run_at, as_of, close_through, close_bill_cycle_day)
            values (now(), %s, %s, %s)
            """,
            (request.as_of, request.close_through, request.close_bill_cycle_day),
        )
    try:
        yield
    finally:
        if not connection.broken:
            connection.execute("delete from control.run_requests")


def build(
    settings: Settings,
    connection: Connection,
    *,
    request: RunRequest | None = None,
    full_refresh: bool = False,
    select: Sequence[str] = (),
    on_node: Callable[[str, int, int], None] | None = None,
) -> DbtRun:
    """Build the models and run the tests that guard them. The caller holds the lock.

    Args:
        settings: project and database.
        connection: the session that holds the lock.
        request: what is asked of the run.
        full_refresh: make everything anew from the raw records.
        select: only these nodes, in dbt's words; all if empty.
        on_node: told as nodes are done.

    Raises:
        Refused: the database is not set up for this version; or a model or test failed: of a broken
            catalog the sentence names the faults, and what was built before is as it was.
    """
    require_roles(connection)
    arguments = ["build"]
    if full_refresh:
        arguments.append("--full-refresh")
    if select:
        arguments += ["--select", *select]
    else:
        # unit tests prove the code, not the data; audits are for `tandem check`; the snapshots of
        # the catalog are taken afterwards, if there is anything new
        arguments += [
            "--exclude-resource-type",
            "unit_test",
            "--exclude-resource-type",
            "snapshot",
            "--exclude",
            AUDIT_TAG,
        ]
    refresh_statistics(connection)
    with requested(connection, request or RunRequest()):
        run = _run(settings, connection, arguments, on_node)
    if not select:
        _keep_history(settings, connection)
    return run


def _run(
    settings: Settings,
    connection: Connection,
    arguments: Sequence[str],
    on_node: Callable[[str, int, int], None] | None = None,
) -> DbtRun:
    """Run dbt; a failure that a broken catalog caused is told in words of the catalog."""
    try:
        return run_dbt(settings, arguments, on_node)
    except RunFailed as failure:
        reason = catalog.why_refused(connection, failure.run, settings.project_dir / "seeds")
        if reason is None:
            raise
        raise Refused(reason) from failure


def _keep_history(settings: Settings, connection: Connection) -> None:
    """Keep the versions of the catalog that was just built on.

    The catalog changes a few times a year: to ask whether it did takes milliseconds, to snapshot it
    takes seconds of every night. What is asked are the tables themselves, so that after a run that
    was killed in between the next one makes up for it.
    """
    if catalog.history_is_behind(connection):
        run_dbt(settings, ["snapshot"])


def refresh_statistics(connection: Connection) -> None:
    """Let the planner know the raw and issued tables that have grown by more than a tenth.

    Autovacuum would do so too, but later than the statement that follows.
    """
    grown = connection.execute(
        """
        select format('%I.%I', schemaname, relname) from pg_stat_user_tables
        where schemaname in ('raw', 'issued')
            and n_mod_since_analyze > 100 + 0.1 * greatest(n_live_tup, 0)
        """
    ).fetchall()
    for (table,) in grown:
        connection.execute(f"analyze {table}")


def seed(settings: Settings, connection: Connection) -> DbtRun:
    """Load the catalog, look for faults in it and keep its versions. The caller holds the lock.

    Raises:
        Refused: the catalog cannot be read or has faults; the sentence names them.
    """
    return _run(
        settings,
        connection,
        [
            "build",
            "--select",
            "resource_type:seed",
            "resource_type:snapshot",
            catalog.FAULTS,
            "--exclude",
            AUDIT_TAG,
            # nor tests that ask other models too: those may not be there yet
            "--indirect-selection",
            "cautious",
        ],
    )
