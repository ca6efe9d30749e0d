"""The outbox in a terminal: two lines a message, where it stands, then what was said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from tandem.bills.format import clean
from tandem.database import Connection
from tandem.outbox.message import State
from tandem.queries import Row, fetch

WIDTH = 100
GAP = "  "
HEADS = ("queued", "message", "kind", "to", "account", "state", "attempts")
SHOWN_OF_ID = 12
_STYLES = {
    State.ACCEPTED: "green",
    State.REFUSED: "red",
    State.GIVEN_UP: "red",
    State.CANCELLED: "dim",
    State.PENDING: "",
}


def messages(
    connection: Connection,
    state: State | None = None,
    carrier_id: str | None = None,
    limit: int | None = None,
) -> list[Row]:
    """Messages, the latest first."""
    return fetch(
        connection,
        """
        select message_id, kind, channel, carrier_id, account_id, ordered_at, created_at, state,
            attempts, next_attempt_at, sent_at, last_error, answered_at, answer_code, answer, body
        from outbox.messages
        where (%s::text is null or state = %s) and (%s::text is null or carrier_id = %s)
        order by created_at desc, ordered_at desc, message_id
        limit %s
        """,
        (*_twice(state), *_twice(carrier_id), limit),
    )


def count_messages(
    connection: Connection, state: State | None = None, carrier_id: str | None = None
) -> int:
    """How many there are."""
    (row,) = fetch(
        connection,
        """
        select count(*) as messages from outbox.messages
        where (%s::text is null or state = %s) and (%s::text is null or carrier_id = %s)
        """,
        (*_twice(state), *_twice(carrier_id)),
    )
    return int(row["messages"])


def waiting(connection: Connection, channel: str, carrier_id: str | None = None) -> dict[str, int]:
    """Messages that are still to be delivered, by carrier (empty text for mail)."""
    rows = fetch(
        connection,
        """
        select coalesce(carrier_id, '') as carrier_id, count(*) as messages from outbox.messages
        where state = 'pending' and channel = %s and (%s::text is null or carrier_id = %s)
        group by 1 order by 1
        """,
        (channel, *_twice(carrier_id)),
    )
    return {row["carrier_id"]: int(row["messages"]) for row in rows}


def show_messages(rows: Sequence[Row], console: Console) -> None:
    """Print messages to `console`, at most 100 columns wide."""
    width = min(console.width, WIDTH)
    cells = [_cells(row) for row in rows]
    widths = [max(map(cell_len, texts)) for texts in zip(HEADS, *cells, strict=True)]
    console.print(Text(_line(HEADS, widths), style="bold"), width=width)
    for row, texts in zip(rows, cells, strict=True):
        line = Text(_line(texts, widths), style=_STYLES[State(row["state"])])
        console.print(line, width=width)
        if details := " · ".join(_said(row)):
            console.print(Padding(Text(details, style="dim"), (0, 0, 0, 2)), width=width)


def _twice(value: str | None) -> tuple[str | None, str | None]:
    return value, value


def _cells(row: Row) -> list[str]:
    return [
        _time(row["created_at"]),
        clean(row["message_id"][:SHOWN_OF_ID]),
        row["kind"],
        clean(row["carrier_id"] or row["channel"]),
        clean(row["account_id"]),
        row["state"].replace("_", " "),
        f"{row['attempts']:,}",
    ]


def _line(texts: Sequence[str], widths: Sequence[int]) -> str:
    *left, last = (
        text + " " * (width - cell_len(text)) for text, width in zip(texts, widths, strict=True)
    )
    return GAP.join((*left, " " * (len(last) - len(last.rstrip())) + last.rstrip()))


def _said(row: Row) -> Iterator[str]:
    yield from _about(row["body"])
    if row["state"] == State.PENDING and row["attempts"]:
        yield f"next attempt not before {_time(row['next_attempt_at'])} UTC"
    if row["answered_at"] is not None:
        yield f"answered at {_time(row['answered_at'])} UTC"
    if row["last_error"] and row["state"] != State.ACCEPTED:
        yield clean(row["last_error"])


def _about(body: Mapping[str, Any]) -> Iterator[str]:
    """What a message is about, of those whose bodies we know."""
    if "productOrderItem" in body:
        (item,) = body["productOrderItem"]
        values = {
            named["name"]: named["value"] for named in item["product"]["productCharacteristic"]
        }
        yield clean(
            f"{item['action']} {item['productOffering']['id']}, order"
            f" {values['originatingOrder']} of {values['originatingCarrier']}"
        )
    elif "event" in body:
        order = body["event"].get("order")
        which = f", order {order['id']} of {order['carrier']}" if order else ""
        yield clean(f"{body['title']}{which}")
    elif "subject" in body:
        yield clean(f"{body.get('to')}: {body['subject']}")


def _time(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M}"
