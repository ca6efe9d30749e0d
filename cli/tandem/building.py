"""A build: the dbt run that brings every model up to what is loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime

from tandem.database import Connection
from tandem.dbt import DbtRun, run_dbt
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
        Refused: a model or test failed.
    """
    arguments = ["build"]
    if full_refresh:
        arguments.append("--full-refresh")
    if select:
        arguments += ["--select", *select]
    else:
        # unit tests prove the code, not the data; audits are for `tandem check`
        arguments += ["--exclude-resource-type", "unit_test", "--exclude", AUDIT_TAG]
    refresh_statistics(connection)
    with requested(connection, request or RunRequest()):
        return run_dbt(settings, arguments, on_node)


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


def seed(settings: Settings) -> DbtRun:
    """Load the catalog. The caller holds the lock."""
    return run_dbt(settings, ["seed"])
