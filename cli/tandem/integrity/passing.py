"""Orders that are held back, as a file with which the other carrier's platform can make them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from psycopg import sql

from tandem import exporting
from tandem.database import Connection
from tandem.feeds import MAX_FIELD_LENGTH
from tandem.integrity.queries import refuse_unknown_carrier
from tandem.outbox.freshness import accounts_behind
from tandem.queries import fetch

# The columns of the feed `orders`. An id is made of carrier and order, so that the same order is
# the same message however often it is told; times are written as the feed wants them. One column
# more than the feed has names the order that the other carrier has under way already.
_ORDERS = """
    select
        to_carrier_id,
        case
            when length(from_carrier_id || ':' || order_id) <= {longest}
                then from_carrier_id || ':' || order_id
            else from_carrier_id || ':' || message_id
        end as order_id,
        account_id,
        action,
        plan_id,
        null::text as service_number,
        to_json(requested_at at time zone 'UTC') #>> '{{}}' || 'Z' as requested_at,
        effective_on,
        'submitted' as status,
        to_json(requested_at at time zone 'UTC') #>> '{{}}' || 'Z' as status_at,
        order_id as counterpart_order_id,
        (
            select synced.counterpart_order_id
            from integrity.order_sync as synced
            where synced.account_id = passed.account_id
                and synced.carrier_id = passed.from_carrier_id
                and synced.order_id = passed.order_id
                and synced.counterpart_carrier_id = passed.to_carrier_id
        ) as submitted_order_id
    from integrity.pass_through_orders as passed
    where ({carrier_id}::text is null or to_carrier_id = {carrier_id})
        and account_id <> all({behind}::text[])
        and not passed.awaits_account
"""


@dataclass(frozen=True)
class Passed:
    """What a file of orders holds.

    Attributes:
        file: where it is.
        rows: how many orders.
        counts: how many of which action, by the carrier that is to make them.
        behind: accounts that were left out, as they wait for a build.
    """

    file: Path
    rows: int
    counts: Mapping[str, Mapping[str, int]]
    behind: int = 0


def pass_through(
    connection: Connection,
    out: Path,
    *,
    carrier_id: str | None = None,
    on_rows: Callable[[str, int, int], None] | None = None,
) -> Passed:
    """Write the orders that wait for a counterpart in the format of the feed ``orders``.

    A file for one carrier can be loaded as it is. One for all has a first column
    ``to_carrier_id``. The same orders give the same bytes. Orders of accounts of which more was
    loaded than the last build knows of are left out.

    Args:
        connection: to read from.
        out: the file, .csv, .jsonl or .parquet; whole or not at all.
        carrier_id: only the orders that this carrier is to make.
        on_rows: told a word and how many rows have been written.

    Raises:
        Refused: no such carrier or format, the last build did not end, or the file cannot be
            written.
    """
    chosen = exporting.format_of(out, formats=exporting.FEED_FORMATS)
    if carrier_id is not None:
        refuse_unknown_carrier(connection, carrier_id)
    behind = accounts_behind(connection)
    query = sql.SQL(_ORDERS).format(
        longest=sql.Literal(MAX_FIELD_LENGTH),
        carrier_id=sql.Literal(carrier_id),
        behind=sql.Literal(behind),
    )
    with exporting.gathered(connection, query) as table:
        found = fetch(
            connection,
            """
            select to_carrier_id, action, count(*) as orders from pg_temp.gathered
            group by to_carrier_id, action
            order by to_carrier_id collate "C", action collate "C"
            """,
        )
        if carrier_id is not None:
            connection.execute("alter table pg_temp.gathered drop column to_carrier_id")
        order = ["requested_at", "order_id"]
        if carrier_id is None:
            order.insert(0, "to_carrier_id")
        rows = exporting.write_table(
            connection, table, out, chosen, order_by=order, on_rows=on_rows
        )
    counts: dict[str, dict[str, int]] = {}
    for row in found:
        counts.setdefault(row["to_carrier_id"], {})[row["action"]] = row["orders"]
    return Passed(out, rows, counts, len(behind))
