"""The feeds: what a row of each must look like.

A feed is one kind of record of one carrier. The definitions here are the only place that knows
columns, types and lists of values; readers and validation are made from them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "text",
    "timestamp",
    "moment",
    "date",
    "whole_number",
    "decimal",
    "choice",
    "time_zone",
    "number",
    "other_number",
]

MAX_FIELD_LENGTH = 1000  # characters
# A terabyte, or 31 000 years: more is a switch's word for "unknown", and would overflow
# the sums of everybody else's.
MAX_QUANTITY = 10**12
MAX_UNITS = 10**9  # units that one row may move; in base units their sums stay far from overflowing
DECIMALS = 6  # of figures in units, as marts show them
MAX_AMOUNT = 10**9
MAX_CYCLES = 1200  # a hundred years
FUTURE_TOLERANCE = "24 hours"  # how far a time may lie after the load

E164 = r"^\+[1-9][0-9]{1,14}$"
SHORT_CODE = r"^[0-9*#]{2,8}$"
DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
DECIMAL = r"^-?[0-9]{1,40}(\.[0-9]{1,40})?$"
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
        minimum, maximum: bounds of a ``whole_number`` or ``decimal``.
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
        return {
            "timestamp": "timestamptz",
            "moment": "timestamptz",
            "date": "date",
            "whole_number": "bigint",
            "decimal": "numeric",
        }.get(self.kind, "text")


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
        needs_catalog: whether rows can only be judged with the catalog at hand.
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    has_carrier: bool = True
    needs_catalog: bool = False
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
ADJUSTMENT_ACTIONS = ("credit", "debit", "resale", "extension")
OWN_BILLING = "tandem"  # the billing system of accounts that we bill ourselves
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
        Column("billing_system", default=f"'{OWN_BILLING}'"),
    ),
    has_carrier=False,
    bad_values=(
        (
            # taken for another system, the account would silently get no bills of ours
            f"lower(trim(billing_system)) = '{OWN_BILLING}' and billing_system <> '{OWN_BILLING}'",
            f"billing_system is to be written {OWN_BILLING}, if it is ours",
        ),
    ),
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


# of the row's pool, null where no plan of the catalog has it
_BASE_UNITS = (
    "(select max(u.base_units_per_unit) from catalog.plan_pools as p"
    " inner join catalog.unit_types as u on u.unit_type = p.unit_type"
    " where p.pool_id = scratch.pool_id)"
)


def _part_of_base_unit(*columns: str, decimals: int | None = None) -> tuple[tuple[str, str], ...]:
    """Quantities in units are whole numbers of base units, where the pool is known.

    With `decimals`: as far as so many decimals can tell. A second is 0.016667 minutes to a system
    that was told its balance by ours.
    """
    return tuple(
        (
            f"{column}::numeric * {_BASE_UNITS} % 1 <> 0"
            if decimals is None
            else f"{column}::numeric"
            f" <> round(round({column}::numeric * {_BASE_UNITS}) / {_BASE_UNITS}, {decimals})",
            f"{column} is not a whole number of the pool's base units",
        )
        for column in columns
    )


ROLLOVER_ADJUSTMENTS = Feed(
    "rollover_adjustments",
    (
        Column("adjustment_id", required=True),
        Column("account_id", required=True),
        Column("pool_id", required=True),
        Column("action", "choice", required=True, choices=ADJUSTMENT_ACTIONS),
        Column("quantity", "decimal", required=True, maximum=MAX_UNITS),
        Column("reason_code", required=True),
        Column("adjusted_at", "timestamp", required=True, not_in_future=True),
        Column("adjusted_by", required=True),
        Column(
            "bucket_cycle_start",
            "date",
            required="action in ('resale', 'extension')",
            in_header=False,
        ),
        Column(
            "extend_cycles",
            "whole_number",
            required="action = 'extension'",
            minimum=0,
            maximum=MAX_CYCLES,
            in_header=False,
        ),
        Column("note"),
    ),
    key=("adjustment_id",),
    has_carrier=False,
    needs_catalog=True,
    latest_at="adjusted_at",
    bad_values=(
        ("quantity::numeric <= 0", "quantity is not above 0"),
        (
            "action = 'extension' and extend_cycles::bigint < 1",
            "extend_cycles of an extension is below 1",
        ),
        *_part_of_base_unit("quantity"),
    ),
)

ROLLOVER_OPENING = Feed(
    "rollover_opening",
    (
        Column("account_id", required=True),
        Column("pool_id", required=True),
        Column("earned_cycle_start", "date", required=True),
        Column("expires_on", "date", required=True),
        Column("quantity", "decimal", required=True, maximum=MAX_UNITS),
        Column(
            "deferred_amount",
            "decimal",
            default="0",
            minimum=0,
            maximum=MAX_AMOUNT,
        ),
        Column("as_of", "moment", required=True, not_in_future=True),
    ),
    key=("account_id", "pool_id", "earned_cycle_start"),
    has_carrier=False,
    needs_catalog=True,
    bad_values=(
        ("quantity::numeric <= 0", "quantity is not above 0"),
        (
            "expires_on::date <= earned_cycle_start::date",
            "expires_on is not after earned_cycle_start",
        ),
        ("deferred_amount::numeric * 100 % 1 <> 0", "deferred_amount is not in whole cents"),
        *_part_of_base_unit("quantity", decimals=DECIMALS),
    ),
)

REPORTED_QUANTITIES = (
    "allowance",
    "plan_used",
    "overage",
    "rollover_used",
    "accumulated",
    "expired",
)
ROLLOVER_RESULTS = Feed(
    "rollover_results",
    (
        Column("account_id", required=True),
        Column("pool_id", required=True),
        Column("cycle_start", "date", required=True),
        Column("cycle_end", "date", required=True),
        *(
            Column(name, "decimal", required=True, minimum=0, maximum=MAX_UNITS)
            for name in REPORTED_QUANTITIES
        ),
        Column("reported_at", "timestamp", required=True, not_in_future=True),
        Column("plan_fee", "decimal", minimum=0, maximum=MAX_AMOUNT),
        Column("request_id"),
    ),
    key=("account_id", "pool_id", "cycle_start"),
    has_carrier=False,
    needs_catalog=True,
    bad_values=(
        ("cycle_end::date <= cycle_start::date", "cycle_end is not after cycle_start"),
        ("plan_used::numeric > allowance::numeric", "plan_used is above allowance"),
        ("rollover_used::numeric > overage::numeric", "rollover_used is above overage"),
        (
            # in base units where they are known: two halves of 483.333333 minutes are two times
            # 241.666667
            f"coalesce(round(accumulated::numeric * {_BASE_UNITS}) > round(allowance::numeric"
            f" * {_BASE_UNITS}) - round(plan_used::numeric * {_BASE_UNITS}),"
            " accumulated::numeric > allowance::numeric - plan_used::numeric)",
            "accumulated is above what was left of the allowance",
        ),
        ("plan_fee::numeric * 100 % 1 <> 0", "plan_fee is not in whole cents"),
        *_part_of_base_unit(*REPORTED_QUANTITIES, decimals=DECIMALS),
        (
            # the last loaded row of an account stands
            "account_id in (select account_id from (select distinct on (account_id) account_id,"
            " billing_system from raw.accounts order by account_id, load_id desc, row_number desc)"
            " as accounts where billing_system = 'tandem')",
            "the account is billed by Tandem itself, not by the system that reports",
        ),
    ),
)

FEEDS: dict[str, Feed] = {
    feed.name: feed
    for feed in (
        ACCOUNTS,
        SUBSCRIBERS,
        SUBSCRIBER_CHANGES,
        ORDERS,
        ROLLOVER_OPENING,
        ROLLOVER_ADJUSTMENTS,
        ROLLOVER_RESULTS,
        CDRS,
    )
}
