"""Reading: the rollover of one account."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from tandem.database import Connection
from tandem.errors import Refused
from tandem.queries import Row, fetch

# Base units are those with which the account's last closed cycle was worked out; before any, the
# catalog's.
_BUCKETS = """
    select
        buckets.*,
        buckets.expires_on - 1 as use_by,
        units.unit_type,
        (buckets.earned_quantity / units.base)::numeric(20, 6) as earned_units,
        (buckets.used_quantity / units.base)::numeric(20, 6) as used_units,
        (buckets.debited_quantity / units.base)::numeric(20, 6) as debited_units,
        (buckets.expired_quantity / units.base)::numeric(20, 6) as expired_units,
        (buckets.remaining_quantity / units.base)::numeric(20, 6) as remaining_units
    from rollover.rollover_buckets as buckets
    cross join lateral (
        select * from (
            select 1 as place, cycle_start, unit_type, base_units_per_unit::numeric as base
            from issued.pool_cycles as closed
            where closed.account_id = buckets.account_id and closed.pool_id = buckets.pool_id
            union all
            select 2, null::date, unit_type, base_units_per_unit
            from catalog.plan_pools inner join catalog.unit_types using (unit_type)
            where pool_id = buckets.pool_id
        ) as known
        order by place asc, cycle_start desc
        limit 1
    ) as units
    where buckets.account_id = %s
    order by buckets.pool_id, buckets.available_from,
        array_position(array['plan', 'adjustment', 'resale'], buckets.source),
        buckets.bucket_id collate "C"
"""


@dataclass(frozen=True)
class Position:
    """The rollover of an account.

    Attributes:
        account: its id, holder's name and time zone.
        pools: id and name of each pool that the other two tell of.
        matrix: rows of ``rollover.rollover_matrix``, in order of pool and cycle.
        buckets: rows of ``rollover.rollover_buckets`` with figures in units, in the order in which
            they are drawn.
    """

    account: Row
    pools: dict[str, str]
    matrix: list[Row]
    buckets: list[Row]


def position(connection: Connection, account_id: str) -> Position:
    """The rollover of an account: its last 12 closed and all open cycles, and every bucket.

    Raises:
        Refused: no such account.
    """
    account = find_account(connection, account_id)
    if account is None:
        raise Refused(f"There is no account {account_id}.")
    matrix = fetch(
        connection,
        """
        select * from rollover.rollover_matrix where account_id = %s
        order by pool_id collate "C", cycle_start
        """,
        (account_id,),
    )
    buckets = fetch(connection, _BUCKETS, (account_id,))
    names = fetch(
        connection, "select pool_id, min(pool_name) as name from catalog.plan_pools group by 1"
    )
    named = {row["pool_id"]: row["name"] for row in names}
    ids = sorted({row["pool_id"] for row in (*matrix, *buckets)})
    return Position(account, {pool: named.get(pool) or pool for pool in ids}, matrix, buckets)


def find_account(connection: Connection, account_id: str) -> Row | None:
    """Id, holder's name and time zone of an account that has been built."""
    rows = fetch(
        connection,
        """
        select account_id, holder_name, time_zone
        from integrity.int_accounts where account_id = %s
        """,
        (account_id,),
    )
    return rows[0] if rows else None


@dataclass(frozen=True)
class History:
    """Adjustments of an account.

    Attributes:
        time_zone: in which ``local_time`` of a row is told.
        total: how many the account has, whatever their date.
        rows: of ``rollover.adjustment_history``, the oldest first.
    """

    time_zone: str
    total: int
    rows: list[Row]


def history(
    connection: Connection, account_id: str, first: date | None = None, last: date | None = None
) -> History:
    """The adjustments of an account between two local dates, both included.

    Raises:
        Refused: no such account, and no adjustment for one.
    """
    account = find_account(connection, account_id)
    parameters: list[Any] = [account["time_zone"] if account else "UTC", account_id]
    rows = fetch(
        connection,
        """
        select *, adjusted_at at time zone %s as local_time
        from rollover.adjustment_history where account_id = %s
        order by adjusted_at, adjustment_id collate "C"
        """,
        parameters,
    )
    if account is None and not rows:
        raise Refused(f"There is no account {account_id}.")
    wanted = [
        row
        for row in rows
        if (first is None or row["local_time"].date() >= first)
        and (last is None or row["local_time"].date() <= last)
    ]
    return History(parameters[0], len(rows), wanted)
