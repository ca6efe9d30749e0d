"""Files: the matrix for a carrier, and the archive."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from psycopg import sql

from tandem import exporting
from tandem.database import Connection
from tandem.errors import Refused
from tandem.queries import fetch

# A row is a carrier's business if the account ever had a plan of that carrier with the pool. No
# figure depends on who asks: carriers that share an account are told the same of it.
_OF_CARRIER = """
    select matrix.*
    from rollover.rollover_matrix as matrix
    where (matrix.account_id, matrix.pool_id) in (
        select effective.account_id, pools.pool_id
        from integrity.effective_plans as effective
        inner join catalog.int_plan_carriers as carriers using (plan_id)
        inner join catalog.plan_pools as pools using (plan_id)
        where carriers.carrier_id = {carrier_id}
    )
"""
# in units as they were when it was archived
_ARCHIVED = """
    select archive.account_id, archive.pool_id, archive.bucket_id, archive.archived_on,
        closed.unit_type,
        (archive.quantity / closed.base_units_per_unit::numeric)::numeric(20, 6) as archived_units,
        archive.quantity
    from rollover.rollover_archive as archive
    left join issued.pool_cycles as closed
        on closed.account_id = archive.account_id and closed.pool_id = archive.pool_id
            and closed.cycle_end = archive.archived_on
"""


@dataclass(frozen=True)
class Written:
    """What a file holds.

    Attributes:
        file: where it is.
        rows: how many.
        accounts: how many.
        units: their sum by unit type, where there is one.
    """

    file: Path
    rows: int
    accounts: int
    units: dict[str, Decimal]


def report(
    connection: Connection,
    carrier_id: str,
    out: Path,
    format_name: str | None = None,
    on_rows: Callable[[str, int, int], None] | None = None,
) -> Written:
    """Write the rollover matrix of the accounts that a carrier shares.

    Raises:
        Refused: no such carrier or format, or the file cannot be written.
    """
    chosen = exporting.format_of(out, format_name)
    carriers = [
        row["carrier_id"]
        for row in fetch(connection, "select carrier_id from catalog.carriers order by carrier_id")
    ]
    if carrier_id not in carriers:
        raise Refused(
            f"{carrier_id} is no carrier of the catalog; there are {', '.join(carriers)}."
        )
    query = sql.SQL(_OF_CARRIER).format(carrier_id=sql.Literal(carrier_id))
    with exporting.gathered(connection, query) as table:
        accounts = _accounts(connection, table)
        order = ("account_id", "pool_id", "cycle_start")
        rows = exporting.write_table(
            connection, table, out, chosen, order_by=order, on_rows=on_rows
        )
    return Written(out, rows, accounts, {})


def unload_archive(
    connection: Connection,
    out: Path,
    format_name: str | None = None,
    on_rows: Callable[[str, int, int], None] | None = None,
) -> Written:
    """Write the balances that were archived; they stay in the archive.

    Raises:
        Refused: no such format, or the file cannot be written.
    """
    chosen = exporting.format_of(out, format_name)
    with exporting.gathered(connection, sql.SQL(_ARCHIVED)) as table:
        accounts = _accounts(connection, table)
        sums = fetch(
            connection,
            "select unit_type, sum(archived_units) as units from pg_temp.gathered"
            " group by unit_type order by unit_type",
        )
        order = ("account_id", "pool_id", "bucket_id")
        rows = exporting.write_table(
            connection, table, out, chosen, order_by=order, on_rows=on_rows
        )
    return Written(out, rows, accounts, {row["unit_type"]: row["units"] for row in sums})


def _accounts(connection: Connection, table: exporting.Table) -> int:
    statement = sql.SQL("select count(distinct account_id) as accounts from {}.{}").format(
        *map(sql.Identifier, table)
    )
    (row,) = fetch(connection, statement.as_string(connection))
    return int(row["accounts"])
