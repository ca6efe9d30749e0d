"""Messages to carriers: to those that must act, and to the platforms that took the orders."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from psycopg import sql

from tandem import exporting
from tandem.database import Connection
from tandem.integrity.queries import refuse_unknown_carrier
from tandem.integrity.words import INSTRUCTIONS, KINDS
from tandem.queries import Row, fetch

FORMATS = ("csv", "jsonl", "json", "parquet")
NOTIFICATION = "notification"
ORDER = ("to_carrier_id", "opened_at", "message_type", "message_id")

_MESSAGES = """
    with asked (message_type, code, request) as (values {requests}),

    messages as (
        select
            notifications.notification_id as message_id, {notification} as message_type,
            notifications.carrier_id as to_carrier_id, notifications.exception_id,
            notifications.exception_type, notifications.account_id,
            notifications.order_carrier_id, notifications.order_id,
            notifications.service_number, null::text as other_carrier_id,
            notifications.expected, notifications.found, notifications.is_open,
            notifications.opened_at, notifications.resolved_at
        from integrity.carrier_notifications as notifications
        where not notifications.awaits_account
        union all
        select
            instructions.instruction_id, instructions.instruction, instructions.carrier_id,
            instructions.exception_id, exceptions.exception_type, instructions.account_id,
            instructions.carrier_id, instructions.order_id, null, instructions.other_carrier_id,
            exceptions.expected, exceptions.found,
            instructions.resolved_at is null and coalesce(exceptions.is_open, true),
            instructions.opened_at, instructions.resolved_at
        from integrity.order_instructions as instructions
        left join integrity.bundle_exceptions as exceptions
            on exceptions.exception_id = instructions.exception_id
                and exceptions.account_id = instructions.account_id
    )

    select
        messages.message_id, messages.message_type, messages.to_carrier_id,
        coalesce(asked.request, '') as request, messages.exception_id, messages.exception_type,
        messages.account_id, messages.order_carrier_id, messages.order_id,
        messages.service_number, messages.other_carrier_id, messages.expected, messages.found,
        messages.is_open, messages.opened_at, messages.resolved_at
    from messages
    left join asked
        on asked.message_type = messages.message_type
            and (asked.code is null or asked.code = messages.exception_type)
    where
        ({carrier_id}::text is null or messages.to_carrier_id = {carrier_id})
        and ({with_resolved} or messages.is_open)
"""


@dataclass(frozen=True)
class Messages:
    """Messages to carriers.

    Attributes:
        rows: of both kinds, in order of ``ORDER``; ``message_type`` is notification, hold or
            withdraw, ``to_carrier_id`` who is told, ``request`` what is asked. None are read for
            a file.
        counts: how many there are, also beyond a limit, by carrier and then by type.
    """

    rows: list[Row]
    counts: Mapping[str, Mapping[str, int]]

    @property
    def total(self) -> int:
        """How many there are, also beyond a limit."""
        return sum(sum(types.values()) for types in self.counts.values())


def tell(
    connection: Connection,
    *,
    carrier_id: str | None = None,
    with_resolved: bool = False,
    out: Path | None = None,
    limit: int | None = None,
    on_rows: Callable[[str, int, int], None] | None = None,
) -> Messages:
    """Messages to carriers, read or written to a file.

    Args:
        connection: to read from.
        carrier_id: only those to this carrier.
        with_resolved: also those whose cause is gone.
        out: write them to this file (.csv, .jsonl, .json or .parquet), whole or not at all.
        limit: read at most so many.
        on_rows: told a word and how many rows have been written.

    Raises:
        Refused: no such carrier, no such format, or the file cannot be written.
    """
    chosen = None if out is None else exporting.format_of(out, formats=FORMATS)
    if carrier_id is not None:
        refuse_unknown_carrier(connection, carrier_id)
    requests = [(NOTIFICATION, code, kind.request) for code, kind in KINDS.items()]
    query = sql.SQL(_MESSAGES).format(
        requests=sql.SQL(", ").join(
            sql.SQL("({}, {}::text, {})").format(*map(sql.Literal, values))
            for values in [*requests, *((name, None, text) for name, text in INSTRUCTIONS.items())]
        ),
        notification=sql.Literal(NOTIFICATION),
        carrier_id=sql.Literal(carrier_id),
        with_resolved=sql.Literal(with_resolved),
    )
    rows: list[Row] = []
    with exporting.gathered(connection, query) as table:
        counts = _counts(connection)
        if out is not None and chosen is not None:
            exporting.write_table(connection, table, out, chosen, order_by=ORDER, on_rows=on_rows)
        else:
            rows = fetch(
                connection,
                """
                select * from pg_temp.gathered
                order by to_carrier_id collate "C", opened_at, message_type collate "C",
                    message_id collate "C"
                limit %s
                """,
                (limit,),
            )
    return Messages(rows, counts)


def _counts(connection: Connection) -> dict[str, dict[str, int]]:
    found = fetch(
        connection,
        """
        select to_carrier_id, message_type, count(*) as messages
        from pg_temp.gathered
        group by to_carrier_id, message_type
        order by to_carrier_id collate "C", message_type collate "C"
        """,
    )
    counts: dict[str, dict[str, int]] = {}
    for row in found:
        counts.setdefault(row["to_carrier_id"], {})[row["message_type"]] = row["messages"]
    return counts
