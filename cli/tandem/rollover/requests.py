"""What a billing system asks before a bill, and the answer kept for it.

A frozen answer has an id and a cut-off, the last load that it knows of. Adjustments that are loaded
later count in the next cycle, so that the balance that was told stays true until the bill is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from psycopg import sql

from tandem import exporting
from tandem.database import Connection
from tandem.errors import Refused
from tandem.processes import user_name
from tandem.queries import Row, fetch

ORDER = ("account_id", "pool_id")
FIGURES = ("balance_units", "expiring_units", "adjusted_since_last_cycle_units")

_OPEN = """
    select account_id, pool_id, unit_type, cycle_start, balance_units, expiring_units,
        adjusted_since_last_cycle_units
    from rollover.rollover_requests
    where {wanted}
"""
_FROZEN = """
    select account_id, pool_id, requests.unit_type, cycle_start,
        (frozen.balance_quantity / frozen.base_units_per_unit::numeric)::numeric(20, 6)
            as balance_units,
        (frozen.expiring_quantity / frozen.base_units_per_unit::numeric)::numeric(20, 6)
            as expiring_units,
        (frozen.adjusted_quantity / frozen.base_units_per_unit::numeric)::numeric(20, 6)
            as adjusted_since_last_cycle_units,
        frozen.request_id, frozen.cutoff_load_id, frozen.frozen_at, frozen.frozen_by
    from issued.frozen_requests as frozen
    inner join rollover.rollover_requests as requests
        using (account_id, pool_id, cycle_start)
    where frozen.request_id = {request_id} and {wanted}
"""


def question(accounts: Sequence[str] = (), request_id: str | None = None) -> sql.Composed:
    """The query for the figures of some accounts, or of all.

    Args:
        accounts: which; all if empty.
        request_id: those that were frozen under this id; None: as they stand.
    """
    wanted = (
        sql.SQL("account_id = any({}::text[])").format(sql.Literal(list(accounts)))
        if accounts
        else sql.SQL("true")
    )
    if request_id is None:
        return sql.SQL(_OPEN).format(wanted=wanted)
    return sql.SQL(_FROZEN).format(wanted=wanted, request_id=sql.Literal(request_id))


@dataclass(frozen=True)
class Frozen:
    """What was frozen.

    Attributes:
        request_id: under which id.
        rows: how many figures of an account and pool were added.
        kept: how many stood under this id already.
        cutoff_load_id: the last load that those added know of.
    """

    request_id: str
    rows: int
    kept: int
    cutoff_load_id: int | None


@dataclass(frozen=True)
class Told:
    """An answer.

    Attributes:
        rows: figures in order of account and pool; none where they went to a file.
        total: how many there are.
        frozen: what was frozen, if that was asked for.
    """

    rows: list[Row]
    total: int
    frozen: Frozen | None


def tell(
    connection: Connection,
    accounts: Sequence[str] = (),
    freeze_as: str | None = None,
    *,
    out: Path | None = None,
    limit: int | None = None,
) -> Told:
    """The figures of some accounts, or of all; frozen before, where that is asked for.

    Args:
        connection: to read from; it holds the lock if something is to be frozen.
        accounts: which; all if empty.
        freeze_as: the id under which to keep the figures.
        out: a file for all rows.
        limit: at most so many rows are returned.

    Raises:
        Refused: no such account or format, or what ``freeze`` refuses; nothing was changed.
    """
    chosen = None if out is None else exporting.format_of(out)
    _refuse_unknown(connection, accounts)
    with connection.transaction():
        frozen = None if freeze_as is None else freeze(connection, accounts, freeze_as)
        asked = question(accounts, freeze_as)
        with exporting.gathered(connection, asked) as table:
            if out is not None and chosen is not None:
                total = exporting.write_table(connection, table, out, chosen, order_by=ORDER)
                return Told([], total, frozen)
            (counted,) = fetch(connection, "select count(*) as rows from pg_temp.gathered")
            rows = fetch(
                connection,
                """
                select * from pg_temp.gathered
                order by account_id collate "C", pool_id collate "C" limit %s
                """,
                (limit,),
            )
            return Told(rows, counted["rows"], frozen)


def _refuse_unknown(connection: Connection, accounts: Sequence[str]) -> None:
    unknown = fetch(
        connection,
        """
        select distinct account_id from unnest(%s::text[]) as asked (account_id)
        where account_id not in (select account_id from integrity.int_accounts)
        order by account_id
        """,
        (list(accounts),),
    )
    if unknown:
        names = ", ".join(row["account_id"] for row in unknown)
        raise Refused(f"There is no account {names}.")


def freeze(connection: Connection, accounts: Sequence[str], request_id: str) -> Frozen:
    """Keep the figures of some accounts, or of all, under an id. The caller holds the lock.

    What was frozen under the id for the same cycle stays as it is.

    Raises:
        Refused: the id is taken for another cycle, or the last build is behind the loads; nothing
            was changed.
    """
    with connection.transaction():
        asked = question(accounts)
        other = _fetch_one(
            connection,
            """
            select count(distinct account_id) as accounts, min(account_id) as account_id,
                min(frozen.cycle_start) as cycle_start
            from issued.frozen_requests as frozen inner join ({asked}) as asked using (account_id)
            where frozen.request_id = {request_id} and frozen.cycle_start <> asked.cycle_start
            """,
            asked,
            request_id,
        )
        if other["accounts"]:
            more = f" and {other['accounts'] - 1} more" if other["accounts"] > 1 else ""
            raise Refused(
                f"The request {request_id} was frozen for another cycle of {other['account_id']}"
                f"{more} (from {other['cycle_start']}); take another id."
            )
        kept = _fetch_one(
            connection,
            """
            select count(*) as asked, count(frozen.request_id) as kept
            from ({asked}) as rows
            left join issued.frozen_requests as frozen
                on frozen.account_id = rows.account_id and frozen.pool_id = rows.pool_id
                    and frozen.cycle_start = rows.cycle_start
                    and frozen.request_id = {request_id}
            """,
            asked,
            request_id,
        )
        if kept["kept"] == kept["asked"]:
            return Frozen(request_id, 0, kept["kept"], None)
        cutoff = _cutoff(connection)
        statement = sql.SQL(
            """
            insert into issued.frozen_requests (
                account_id, pool_id, cycle_start, request_id, base_units_per_unit,
                balance_quantity, expiring_quantity, adjusted_quantity, cutoff_load_id, frozen_at,
                frozen_by
            )
            select account_id, pool_id, cycle_start, {request_id}, base_units_per_unit,
                round(balance_units * base_units_per_unit)::bigint,
                round(expiring_units * base_units_per_unit)::bigint,
                round(adjusted_since_last_cycle_units * base_units_per_unit)::bigint,
                {cutoff}, now(), {user}
            from ({asked}) as asked inner join catalog.unit_types using (unit_type)
            on conflict do nothing
            """
        ).format(
            asked=asked,
            request_id=sql.Literal(request_id),
            cutoff=sql.Literal(cutoff),
            user=sql.Literal(user_name()),
        )
        rows = connection.execute(statement).rowcount
        return Frozen(request_id, rows, kept["kept"], cutoff)


def _fetch_one(connection: Connection, statement: str, asked: sql.Composed, request_id: str) -> Row:
    composed = sql.SQL(statement).format(asked=asked, request_id=sql.Literal(request_id))
    return fetch(connection, composed.as_string(connection))[0]


def _cutoff(connection: Connection) -> int:
    """The last load that the last build included, if there is none after it."""
    built = fetch(
        connection,
        """
        select state.cutoff_load_id,
            state.build_id = started.build_id
            and state.cutoff_load_id >= (select coalesce(max(load_id), 0) from raw.loads)
                as is_current
        from control.build_state as state cross join control.run_values as started
        """,
    )
    if not built or not built[0]["is_current"]:
        raise Refused(
            "The last build does not know of everything that was loaded; run 'tandem build' first."
        )
    return int(built[0]["cutoff_load_id"])
