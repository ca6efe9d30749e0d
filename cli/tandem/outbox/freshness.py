"""Freshness: whether the marts know of what was loaded, account by account."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from tandem.database import Connection
from tandem.errors import Refused
from tandem.queries import fetch

# feeds that change which orders there are and how they stand
ORDER_FEEDS = ("accounts", "orders")
# and those that change what else does not agree
EXCEPTION_FEEDS = (*ORDER_FEEDS, "subscribers", "subscriber_changes", "rollover_adjustments")


class Unfinished(Refused):
    """The marts are those of a build that was killed, or made only a part."""


def accounts_behind(connection: Connection, feeds: Sequence[str] = ORDER_FEEDS) -> list[str]:
    """Accounts of which rows were loaded that the last build does not know of.

    Args:
        connection: to read from.
        feeds: whose rows matter.

    Raises:
        Unfinished: the last build did not end.
    """
    built = fetch(
        connection,
        """
        select state.cutoff_load_id
        from control.build_state as state
        inner join control.run_values as started on started.build_id = state.build_id
        """,
    )
    if not built:
        raise Unfinished("The last build did not end; run 'tandem build' first.")
    cutoff = built[0]["cutoff_load_id"]
    news = fetch(
        connection,
        "select distinct feed from raw.loads where load_id > %s and feed = any(%s) order by feed",
        (cutoff, list(feeds)),
    )
    if not news:
        return []
    tables = [
        sql.SQL("select account_id from raw.{} where load_id > {}").format(
            sql.Identifier(row["feed"]), sql.Literal(cutoff)
        )
        for row in news
    ]
    found = connection.execute(sql.SQL(" union ").join(tables)).fetchall()
    return sorted(account_id for (account_id,) in found if account_id is not None)
