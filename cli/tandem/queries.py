"""Reading: rows of marts for commands to show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from psycopg import sql
from psycopg.rows import dict_row

from tandem.database import Connection
from tandem.errors import Refused

Row = dict[str, Any]


def fetch(
    connection: Connection,
    statement: str,
    parameters: Sequence[Any] | Mapping[str, Any] = (),
) -> list[Row]:
    """All rows of a query, its parameters by place or by name."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(statement.encode(), parameters or None).fetchall()


def loads(connection: Connection, limit: int | None = None) -> list[Row]:
    """The manifest, the latest loads last."""
    return fetch(
        connection,
        """
        select * from (
            select load_id, feed, carrier_id, as_of, file_name, rows_read, accepted, duplicate,
                rejected, loaded_at, loaded_by
            from raw.loads order by load_id desc limit %s
        ) as latest
        order by load_id
        """,
        (limit,),
    )


def rejects(
    connection: Connection, load_id: int | None = None, limit: int | None = None
) -> list[Row]:
    """Rows that could not be used, in order of load and row."""
    if load_id is not None:
        known = fetch(connection, "select 1 from raw.loads where load_id = %s", (load_id,))
        if not known:
            raise Refused(f"There is no load {load_id}.")
    return fetch(
        connection,
        """
        select r.load_id, l.feed, l.carrier_id, l.file_name, r.row_number, r.reason_code, r.reason,
            r.raw_text
        from raw.rejects as r inner join raw.loads as l using (load_id)
        where %s::bigint is null or r.load_id = %s
        order by r.load_id, r.row_number limit %s
        """,
        (load_id, load_id, limit),
    )


def count_rejects(connection: Connection, load_id: int | None = None) -> int:
    """How many rows could not be used."""
    (row,) = fetch(
        connection,
        "select count(*) as rows from raw.rejects where %s::bigint is null or load_id = %s",
        (load_id, load_id),
    )
    return int(row["rows"])


def reject_counts(connection: Connection) -> list[Row]:
    """How many rows were rejected, by feed and reason."""
    return fetch(
        connection,
        """
        select l.feed, r.reason_code, count(*) as rows, min(r.reason) as example
        from raw.rejects as r inner join raw.loads as l using (load_id)
        group by l.feed, r.reason_code order by l.feed, rows desc, r.reason_code
        """,
    )


def instructive_bill(connection: Connection) -> str:
    """Id of a bill worth a look: one paid from plan, rollover and overage; else the dearest.

    Raises:
        Refused: there is no bill.
    """
    rows = fetch(
        connection,
        """
        select b.bill_id from issued.bills as b
        left join issued.pool_cycles as p
            on p.account_id = b.account_id and p.cycle_start = b.cycle_start
                and p.rollover_used_quantity > 0 and p.overage_quantity > 0
        order by p.account_id is null, b.total_amount desc, b.bill_id limit 1
        """,
    )
    if not rows:
        raise Refused("There is no bill.")
    return str(rows[0]["bill_id"])


def suspense(connection: Connection) -> list[Row]:
    """Suspended records by carrier and reason."""
    return fetch(
        connection,
        """
        select carrier_id, reason, count(*) as records, min(started_at) as first_started_at,
            max(started_at) as last_started_at, min(suspended_since) as waiting_since
        from rating.suspended_usage
        group by carrier_id, reason order by carrier_id, records desc, reason
        """,
    )


def suspended_records(connection: Connection, limit: int | None = None) -> list[Row]:
    """Suspended records one by one, the oldest first."""
    return fetch(
        connection,
        """
        select carrier_id, cdr_id, account_id, service_number, started_at, service, quantity,
            reason,
            suspended_since, load_id
        from rating.suspended_usage order by started_at, carrier_id, cdr_id limit %s
        """,
        (limit,),
    )


def count_suspended(connection: Connection) -> int:
    """How many records are suspended."""
    (row,) = fetch(connection, "select count(*) as records from rating.suspended_usage")
    return int(row["records"])


def count_loads(connection: Connection) -> int:
    """How many files have been loaded."""
    (row,) = fetch(connection, "select count(*) as loads from raw.loads")
    return int(row["loads"])


def settlement(
    connection: Connection, close_id: int | None = None, carrier_id: str | None = None
) -> list[Row]:
    """Settlement statements, by close and carrier.

    Raises:
        Refused: no such close or carrier.
    """
    _refuse_unknown_close(connection, close_id)
    refuse_unknown_carrier(connection, carrier_id)
    return fetch(
        connection,
        """
        select close_id, cycle_end_through, carrier_id, bills, fixed_amount, remainder_amount,
            usage_amount, total_amount, collected_by, net_payable_amount
        from settlement.settlement_statements
        where (%s::integer is null or close_id = %s) and (%s::text is null or carrier_id = %s)
        order by close_id, carrier_id
        """,
        (close_id, close_id, carrier_id, carrier_id),
    )


def trial_balance(connection: Connection, close_id: int | None = None) -> list[Row]:
    """Debits and credits by account of the journal, with a line of their sums.

    Args:
        connection: to read from.
        close_id: of this close; None: of all closes together.

    Raises:
        Refused: no such close.
    """
    _refuse_unknown_close(connection, close_id)
    return fetch(
        connection,
        """
        select coalesce(journal_account, 'in all') as journal_account,
            sum(debit_amount) as debit_amount, sum(credit_amount) as credit_amount,
            sum(balance_amount) as balance_amount
        from accounting.trial_balance
        where %s::integer is null or close_id = %s
        group by rollup (journal_account)
        having count(*) > 0
        order by journal_account is null, trial_balance.journal_account
        """,
        (close_id, close_id),
    )


def deferred_roll_forward(connection: Connection, close_id: int | None = None) -> list[Row]:
    """Deferred revenue from close to close."""
    return fetch(
        connection,
        """
        select close_id, close_through, opening_amount, deferred_amount, recognised_amount,
            breakage_amount, closing_amount
        from accounting.deferred_revenue_roll_forward
        where %s::integer is null or close_id = %s
        order by close_id
        """,
        (close_id, close_id),
    )


def journal_entries(close_id: int | None = None) -> sql.Composed:
    """The query for the entries of a close, or of all."""
    return sql.SQL(
        "select close_id, entry_id, account_id, cycle_start, bucket_id, bill_id, event,"
        " debit_account, credit_account, amount from accounting.journal where {}"
    ).format(
        sql.SQL("true")
        if close_id is None
        else sql.SQL("close_id = {}").format(sql.Literal(close_id))
    )


def refuse_unknown_carrier(connection: Connection, carrier_id: str | None) -> None:
    """Refuse the id of no carrier; None is any.

    Raises:
        Refused: it is none of the catalog's.
    """
    if carrier_id is not None and not fetch(
        connection, "select 1 from catalog.carriers where carrier_id = %s", (carrier_id,)
    ):
        raise Refused(f"{carrier_id} is no carrier of the catalog.")


def _refuse_unknown_close(connection: Connection, close_id: int | None) -> None:
    if close_id is not None and not fetch(
        connection, "select 1 from issued.closes where close_id = %s", (close_id,)
    ):
        raise Refused(f"There is no close {close_id}.")


def unbilled_summary(connection: Connection, account_id: str) -> list[Row]:
    """What an account used and has left, by open cycle and pool.

    Raises:
        Refused: no such account.
    """
    _refuse_unknown_account(connection, account_id)
    return fetch(
        connection,
        """
        select * from unbilled.unbilled_summary where account_id = %s
        order by cycle_start, pool_id = 'none', pool_id
        """,
        (account_id,),
    )


def unbilled_detail(connection: Connection, account_id: str) -> list[Row]:
    """The unbilled records of an account, in order of time."""
    _refuse_unknown_account(connection, account_id)
    return fetch(
        connection,
        """
        select local_date, local_time, carrier_id, service_number, other_number, service,
            duration_units, unit_type, category, no_charge_reason, source, charge_amount, cdr_id
        from unbilled.unbilled_detail where account_id = %s
        order by local_date, local_time, carrier_id, cdr_id
        """,
        (account_id,),
    )


def _refuse_unknown_account(connection: Connection, account_id: str) -> None:
    if not fetch(
        connection, "select 1 from integrity.int_accounts where account_id = %s", (account_id,)
    ):
        raise Refused(f"There is no account {account_id}.")
