"""The feeds: what a row of each must look like.

A feed is one kind of record of one carrier. The definitions here are the only place that knows
columns, types and lists of values; readers and validation are made from them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "text", "timestamp", "date", "whole_number", "choice", "time_zone", "number", "other_number"
]

MAX_FIELD_LENGTH = 1000  # characters
# A terabyte, or 31 000 years: more is a switch's word for "unknown", and would overflow
# the sums of everybody else's.
MAX_QUANTITY = 10**12
FUTURE_TOLERANCE = "24 hours"  # how far a time may lie after the load

E164 = r"^\+[1-9][0-9]{1,14}$"
SHORT_CODE = r"^[0-9*#]{2,8}$"
DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
TIMESTAMP = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]{1,9})?)?"
    r" ?([Zz]|[+-][0-9]{2}(:?[0-9]{2})?)$"
)


@dataclass(frozen=True)
class Column:
    """One column of a feed.

    Attributes:
        name: as in the header.
        kind: how its text is read.
        required: True, False, or an SQL condition over the row's text columns under which it is.
        default: SQL literal or column taken when it is empty.
        choices: the values a ``choice`` may take.
        minimum, maximum: bounds of a ``whole_number``.
        not_in_future: refused when more than 24 h after the load.
        in_header: whether a file must have the column at all; by default those ever required.
    """

    name: str
    kind: Kind = "text"
    required: bool | str = False
    default: str | None = None
    choices: tuple[str, ...] = ()
    minimum: int | None = None
    maximum: int | None = None
    not_in_future: bool = False
    in_header: bool | None = None

    @property
    def must_be_in_header(self) -> bool:
        """Whether a file without this column is refused."""
        return self.in_header if self.in_header is not None else self.required is not False

    @property
    def sql_type(self) -> str:
        """Type of the column in its raw table."""
        return {"timestamp": "timestamptz", "date": "date", "whole_number": "bigint"}.get(
            self.kind, "text"
        )


@dataclass(frozen=True)
class Feed:
    """One feed.

    Attributes:
        name: as in commands and file names; also the raw table.
        columns: in the order of the documentation.
        key: columns that, with the carrier, make a record unique; empty: every row is kept.
        has_carrier: whether a load names the carrier.
        has_as_of: whether a load names the instant for which it is complete.
        latest_at: column whose latest value moves the clock of the warehouse.
        bad_values: further (SQL condition, sentence) pairs rejected as ``bad_value``.
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    has_carrier: bool = True
    has_as_of: bool = False
    latest_at: str | None = None
    bad_values: tuple[tuple[str, str], ...] = ()

    def column(self, name: str) -> Column:
        """The column of that name; KeyError if there is none."""
        return {column.name: column for column in self.columns}[name]


SERVICES = ("voice", "sms", "mms", "im", "page", "data", "video", "event")
CALL_TYPES = ("local", "long_distance", "international", "roaming", "toll_free")
PLAN_ACTIONS = ("subscribe", "change_plan", "cancel")
LINE_ACTIONS = ("add_line", "remove_line")
ORDER_STATUSES = ("submitted", "completed", "failed", "withdrawn")

_SUBSCRIBER = (
    Column("account_id", required=True),
    Column("service_number", "number", required=True),
    Column("plan_id"),
    Column("status", "choice", required=True, choices=("active", "suspended", "disconnected")),
    Column("activated_at", "timestamp", required=True),
    Column("deactivated_at", "timestamp"),
    Column("subscriber_name"),
    Column("email"),
)
_SUBSCRIBER_BAD_VALUES = (
    (
        "status = 'disconnected' and deactivated_at is null",
        "status is disconnected without deactivated_at",
    ),
)

CDRS = Feed(
    "cdrs",
    (
        Column("cdr_id", required=True),
        Column("calling_number", required="direction = 'originated'", kind="other_number"),
        Column("called_number", required="direction = 'terminated'", kind="other_number"),
        Column("direction", "choice", required=True, choices=("originated", "terminated")),
        Column("service", "choice", required=True, choices=SERVICES),
        Column("call_type", "choice", default="'local'", choices=CALL_TYPES),
        Column("started_at", "timestamp", required=True, not_in_future=True),
        Column("quantity", "whole_number", required=True, minimum=0, maximum=MAX_QUANTITY),
        Column("other_party_type", "choice", choices=("mobile", "fixed", "unknown")),
        Column("other_party_carrier_id"),
        Column("action", "choice", default="'new'", choices=("new", "void")),
    ),
    key=("cdr_id", "action"),
    latest_at="started_at",
)

ACCOUNTS = Feed(
    "accounts",
    (
        Column("account_id", required=True),
        Column("holder_name"),
        Column("address_line1"),
        Column("address_line2"),
        Column("city"),
        Column("region"),
        Column("postal_code"),
        Column("country"),
        Column("email"),
        Column("bill_cycle_day", "whole_number", required=True, minimum=1, maximum=28),
        Column("time_zone", "time_zone", required=True),
        Column("tax_jurisdiction_id", required=True),
        Column("opened_on", "date", required=True),
        Column("closed_on", "date"),
    ),
    has_carrier=False,
)

SUBSCRIBERS = Feed("subscribers", _SUBSCRIBER, has_as_of=True, bad_values=_SUBSCRIBER_BAD_VALUES)

SUBSCRIBER_CHANGES = Feed(
    "subscriber_changes",
    (
        Column("change_id", required=True),
        Column("changed_at", "timestamp", required=True, not_in_future=True),
        *_SUBSCRIBER,
    ),
    key=("change_id",),
    latest_at="changed_at",
    bad_values=_SUBSCRIBER_BAD_VALUES,
)

ORDERS = Feed(
    "orders",
    (
        Column("order_id", required=True),
        Column("account_id", required=True),
        Column(
            "action",
            "choice",
            required=True,
            choices=(*PLAN_ACTIONS, *LINE_ACTIONS, "update_subscriber"),
        ),
        Column(
            "plan_id",
            required="action in ('subscribe', 'change_plan', 'cancel')",
            in_header=True,
        ),
        Column(
            "service_number",
            "number",
            required="action in ('add_line', 'remove_line')",
            in_header=False,
        ),
        Column("requested_at", "timestamp", required=True, not_in_future=True),
        Column("effective_on", "date", required=True),
        Column("status", "choice", required=True, choices=ORDER_STATUSES),
        Column("status_at", "timestamp", default="requested_at"),
        Column("counterpart_order_id"),
    ),
    key=("order_id",),
    latest_at="requested_at",
)

FEEDS: dict[str, Feed] = {
    feed.name: feed for feed in (ACCOUNTS, SUBSCRIBERS, SUBSCRIBER_CHANGES, ORDERS, CDRS)
}
