"""Orders of carriers' platforms, loaded as a load of one row of the ``orders`` feed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from http import HTTPStatus
from typing import Any

from tandem.database import Connection
from tandem.feeds import FUTURE_TOLERANCE, LINE_ACTIONS, ORDERS
from tandem.outbox.product_order import ACTIONS
from tandem.queries import Row, fetch
from tandem.serve import errors
from tandem.serve.errors import ApiError
from tandem.serve.tmf import OrderCreate, OrderItem, OrderUpdate, Party, is_plain
from tandem.serve.writing import Sent, as_loader, load_row
from tandem.settings import Settings

_ORDER = Sent(ORDERS, "order", "order_id", "productOrder")
LATEST = timedelta(hours=int(FUTURE_TOLERANCE.removesuffix(" hours")))
PLAN_WORDS = {word: action for action, word in ACTIONS.items()}
LINE_WORDS = dict(
    zip(("add", "delete", "modify"), (*LINE_ACTIONS, "update_subscriber"), strict=True)
)
# state of TMF622 -> status of the orders feed
STATUSES = {
    "acknowledged": "submitted",
    "pending": "submitted",
    "inProgress": "submitted",
    "submitted": "submitted",
    "completed": "completed",
    "failed": "failed",
    "rejected": "failed",
    "cancelled": "withdrawn",
    "withdrawn": "withdrawn",
}
_CONTENT = (
    "account_id",
    "action",
    "plan_id",
    "service_number",
    "requested_at",
    "effective_on",
    "counterpart_order_id",
)


@dataclass(frozen=True)
class Submission:
    """An order as it came.

    Attributes:
        carrier_id: who submits it.
        row: of the orders feed; ``requested_at`` is None where it was not said.
        originating_carrier: whose order it answers, where it says so.
    """

    carrier_id: str
    row: Row
    originating_carrier: str | None

    @property
    def order_id(self) -> str:
        """Of the carrier."""
        return str(self.row["order_id"])

    @property
    def sha256(self) -> str:
        """Of its content."""
        told = json.dumps([self.row, self.originating_carrier], sort_keys=True)
        return sha256(told.encode()).hexdigest()


def read(carrier_id: str, order: OrderCreate) -> Submission:
    """An order of TMF622 as a row of the feed.

    Raises:
        ApiError: it says something that cannot be meant so.
    """
    if len(order.productOrderItem) != 1:
        raise errors.invalid(
            "oneItem", "More than one item", "An order is one change: send an order for each item."
        )
    (item,) = order.productOrderItem
    if item.quantity not in (None, 1):
        raise errors.invalid("quantity", "Quantity", "The quantity of a change is 1.")
    said = _characteristics(item)
    originating_carrier = said.get("originatingCarrier")
    named = _only(order.relatedParty, "originatingCarrier", needed=False)
    if named and originating_carrier and named != originating_carrier:
        raise errors.invalid(
            "originatingCarrier",
            "Two originating carriers",
            "relatedParty and characteristic name different originating carriers.",
        )
    status = _status(order.state)
    at = order.cancellationDate if status == "withdrawn" else order.completionDate
    row = {
        "order_id": order.externalId,
        "account_id": _only(order.relatedParty, "customer"),
        "action": _action(item),
        "plan_id": item.productOffering.id if item.productOffering else None,
        "service_number": said.get("serviceNumber"),
        "requested_at": said.get("requestedAt"),
        "effective_on": _effective_on(said.get("effectiveOn"), order.requestedStartDate),
        "status": status,
        "status_at": _status_at(at) if status != "submitted" else None,
        "counterpart_order_id": said.get("originatingOrder"),
    }
    return Submission(carrier_id, row, named or originating_carrier)


def submit(settings: Settings, submission: Submission, key: str | None, by: str) -> bool:
    """Load an order.

    Args:
        settings: which database.
        submission: the order.
        key: Idempotency-Key, if one came.
        by: who sends it, for the manifest.

    Returns:
        Whether it is new; it is not if the same was here before.

    Raises:
        ApiError: it is refused; nothing was changed.
        Busy: another command is at work.
    """
    with (
        as_loader(settings) as connection,
        connection.transaction(),
    ):
        _refuse_unknown_carrier(connection, submission.carrier_id)
        if key is not None and _key_is_known(connection, submission, key):
            return False
        known = _history(connection, submission.carrier_id, submission.order_id)
        row = dict(submission.row)
        now = datetime.now(UTC).isoformat()
        if known:
            row["requested_at"] = row["requested_at"] or known[0]["requested_at"].isoformat()
            if row["status"] != "submitted":
                row["status_at"] = row["status_at"] or now
        else:
            row["requested_at"] = row["requested_at"] or now
        row["counterpart_order_id"] = _counterpart(connection, submission, is_new=not known)
        if not known:
            _refuse_unknown(connection, row)
            _refuse_others(connection, submission.carrier_id, row)
        if not load_row(connection, _ORDER, row, carrier_id=submission.carrier_id, by=by):
            _refuse_status(known, str(row["status"]))
        if key is not None:
            connection.execute(
                "insert into outbox.received_orders values (%s, %s, %s, %s)",
                (submission.carrier_id, key, submission.order_id, submission.sha256),
            )
        return not known


def update(
    settings: Settings, carrier_id: str, order_id: str, wanted: OrderUpdate, by: str
) -> None:
    """Load a new status of an order of the carrier, and who reports it.

    Raises:
        ApiError: no such order, or it cannot take the status; nothing was changed.
        Busy: another command is at work.
    """
    for name in (wanted.id, wanted.externalId):
        if name not in (None, order_id):
            raise errors.invalid("id", "Another id", "The id of an order cannot change.")
    status = _status(wanted.state)
    if status == "submitted":
        raise errors.invalid(
            "state", "State", "An order can become completed, failed or cancelled."
        )
    with (
        as_loader(settings) as connection,
        connection.transaction(),
    ):
        _refuse_unknown_carrier(connection, carrier_id)
        known = _history(connection, carrier_id, order_id)
        if not known:
            raise errors.not_found("There is no such order of yours.")
        at = wanted.cancellationDate if status == "withdrawn" else wanted.completionDate
        row = {name: _text(known[0][name]) for name in _CONTENT} | {
            "order_id": order_id,
            "status": status,
            "status_at": _status_at(at) or datetime.now(UTC).isoformat(),
        }
        if not load_row(connection, _ORDER, row, carrier_id=carrier_id, by=by):
            _refuse_status(known, status, must_be_current=True)


# reading what came


def _characteristics(item: OrderItem) -> dict[str, str]:
    wanted = (
        "originatingCarrier",
        "originatingOrder",
        "effectiveOn",
        "requestedAt",
        "serviceNumber",
    )
    said: dict[str, str] = {}
    for one in item.product.productCharacteristic:
        if one.name not in wanted or one.value is None:
            continue
        if not isinstance(one.value, str) or not one.value or not is_plain(one.value):
            raise errors.invalid(
                one.name, "Characteristic", f"The characteristic {one.name} is no usable text."
            )
        if said.setdefault(one.name, one.value) != one.value:
            raise errors.invalid(
                one.name, "Characteristic", f"The characteristic {one.name} is there twice."
            )
    return said


def only_customer(parties: list[Party]) -> str:
    """The account.

    Raises:
        ApiError: none is named, or several are.
    """
    customer = _only(parties, "customer")
    assert customer is not None
    return customer


def _only(parties: list[Party], role: str, *, needed: bool = True) -> str | None:
    ids = {party.id for party in parties if party.role == role}
    if len(ids) > 1 or (needed and not ids):
        raise errors.invalid(
            role, "Related party", f"relatedParty has to name one {role}, and names {len(ids)}."
        )
    return ids.pop() if ids else None


def _action(item: OrderItem) -> str:
    words = PLAN_WORDS if item.productOffering else LINE_WORDS
    action = words.get(item.action)
    if action is None:
        raise errors.invalid(
            "unknownAction",
            "Unknown action",
            f"{item.action[:40]} is no action; there are {', '.join(sorted(words))}.",
        )
    return action


def _status(state: str | None) -> str:
    if state is None:
        return "submitted"
    if state not in STATUSES:
        raise errors.invalid(
            "unknownState",
            "Unknown state",
            f"{state[:40]} is no state that an order is reported in; there are"
            f" {', '.join(STATUSES)}.",
        )
    return STATUSES[state]


def _status_at(text: str | None) -> str | None:
    """When a state was taken; what cannot be read is the loader's to refuse.

    The feed leaves this time alone, as files are read long after; a platform that says so now can
    mean no more than a clock that is wrong.
    """
    try:
        at = datetime.fromisoformat(text) if text is not None else None
    except ValueError:
        return text
    if at is not None and at.tzinfo is not None and at > datetime.now(UTC) + LATEST:
        raise errors.invalid(
            "future_time",
            "Time in the future",
            f"completionDate or cancellationDate lies more than {FUTURE_TOLERANCE} ahead.",
        )
    return text


def _effective_on(day: str | None, start: str | None) -> str:
    begins = start[:10] if start else None
    if begins is not None:
        parse_day(begins, "requestedStartDate")
    if day is None and begins is None:
        raise errors.invalid(
            "effectiveOn", "No date", "requestedStartDate says when the change is to be in effect."
        )
    if day is not None and begins is not None and day != begins:
        raise errors.invalid(
            "effectiveOn", "Two dates", "requestedStartDate and effectiveOn are different days."
        )
    found = day or begins
    assert found is not None
    return found


def parse_day(text: str, name: str) -> date:
    """The day of a date, or of a date with a time.

    Raises:
        ApiError: it is none.
    """
    try:
        if len(text) > len("2026-07-01"):
            datetime.fromisoformat(text)
        return date.fromisoformat(text[:10])
    except ValueError as error:
        raise errors.invalid(name, "Date", f"{name} is no date (2026-07-01).") from error


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return str(value.isoformat())


# against what is known


def _history(connection: Connection, carrier_id: str, order_id: str) -> list[Row]:
    """The rows of an order, the first one first."""
    return fetch(
        connection,
        "select * from raw.orders where carrier_id = %s and order_id = %s"
        " order by load_id, row_number",
        (carrier_id, order_id),
    )


def _key_is_known(connection: Connection, submission: Submission, key: str) -> bool:
    rows = fetch(
        connection,
        "select sha256 from outbox.received_orders where carrier_id = %s and idempotency_key = %s",
        (submission.carrier_id, key),
    )
    if rows and rows[0]["sha256"] != submission.sha256:
        raise errors.conflict(
            "idempotencyKeyReused",
            "Key used before",
            "This Idempotency-Key came with another order before.",
        )
    return bool(rows)


def _refuse_unknown_carrier(connection: Connection, carrier_id: str) -> None:
    if not fetch(connection, "select from catalog.carriers where carrier_id = %s", (carrier_id,)):
        raise ApiError(
            HTTPStatus.FORBIDDEN,
            "unknownCarrier",
            "Unknown carrier",
            f"{carrier_id} is no carrier of the catalog.",
        )


def _refuse_unknown(connection: Connection, row: Row) -> None:
    if not fetch(
        connection, "select from raw.accounts where account_id = %s limit 1", (row["account_id"],)
    ):
        raise errors.invalid(
            "unknownAccount", "Unknown account", f"There is no account {row['account_id']}."
        )
    if row["plan_id"] is not None and not fetch(
        connection, "select from catalog.plans where plan_id = %s", (row["plan_id"],)
    ):
        raise errors.invalid(
            "unknownPlan", "Unknown plan", f"{row['plan_id']} is no plan of the catalog."
        )


def _refuse_others(connection: Connection, carrier_id: str, row: Row) -> None:
    """A platform orders plans of its own carrier, and others for accounts that this serves.

    The latter is how the carrier of an old plan confirms a change to another one's.
    """
    plan_id = row["plan_id"]
    if plan_id is None:
        return
    of_plan = fetch(
        connection,
        """
        select from catalog.plan_services
        where plan_id = %(plan_id)s
            and (
                carrier_id = %(carrier_id)s
                or not exists (
                    select from catalog.plan_services
                    where plan_id = %(plan_id)s and carrier_id <> '*'
                )
            )
        limit 1
        """,
        {"plan_id": plan_id, "carrier_id": carrier_id},
    )
    if of_plan or _serves(connection, carrier_id, str(row["account_id"])):
        return
    raise errors.invalid(
        "notYourPlan",
        "Not your plan",
        f"{plan_id} is no plan of {carrier_id}, which has no service of this account either.",
    )


def _serves(connection: Connection, carrier_id: str, account_id: str) -> bool:
    """Whether a carrier serves an account, as of the last build; yes before the first one."""
    (known,) = fetch(
        connection, "select to_regclass('integrity.int_carrier_accounts') is not null as is_built"
    )
    return not known["is_built"] or bool(
        fetch(
            connection,
            "select from integrity.int_carrier_accounts where account_id = %s and carrier_id = %s",
            (account_id, carrier_id),
        )
    )


def _counterpart(connection: Connection, submission: Submission, *, is_new: bool) -> str | None:
    """The order that a submission answers, if it is another carrier's.

    An order that comes from the calling carrier itself (so does one that another Tandem passes
    on in its name) answers none: it is that carrier's.
    """
    row, origin = submission.row, submission.originating_carrier
    counterpart: str | None = row["counterpart_order_id"]
    if origin is not None and not fetch(
        connection, "select from catalog.carriers where carrier_id = %s", (origin,)
    ):
        raise errors.invalid(
            "unknownCarrier", "Unknown carrier", f"{origin} is no carrier of the catalog."
        )
    if counterpart is None:
        return None
    itself = errors.invalid(
        "counterpartIsItself", "Counterpart", "An order cannot be its own counterpart."
    )
    if counterpart == submission.order_id and origin in (None, submission.carrier_id):
        raise itself
    if origin == submission.carrier_id:
        if _history(connection, submission.carrier_id, counterpart):
            raise errors.invalid(
                "counterpartOfSameCarrier",
                "Counterpart",
                f"{counterpart} is an order of the same carrier; a counterpart is another's.",
            )
        return None
    if is_new and _leads_back(connection, submission, counterpart):
        raise errors.invalid(
            "counterpartInACircle",
            "Counterpart",
            f"{counterpart} answers, itself or through others, the order that is to answer it.",
        )
    return counterpart


def _leads_back(connection: Connection, submission: Submission, counterpart: str) -> bool:
    """Whether the orders that are answered one after the other lead back to this one.

    Two orders that name each other agree; it takes a third one to make a circle. Counterparts are
    of the same account, always.
    """
    rows = fetch(
        connection,
        "select distinct carrier_id, order_id, counterpart_order_id from raw.orders"
        " where account_id = %s and counterpart_order_id is not null",
        (submission.row["account_id"],),
    )
    own = (submission.carrier_id, submission.order_id)
    answered = {(row["carrier_id"], row["order_id"]): row["counterpart_order_id"] for row in rows}

    def following(carrier_id: str, wanted: str) -> set[tuple[str, str]]:
        """Who answers next, and what, after this carrier has answered that."""
        return {
            (other, then)
            for (other, order_id), then in answered.items()
            if order_id == wanted and other != carrier_id
        }

    def is_own(carrier_id: str, wanted: str) -> bool:
        return wanted == own[1] and carrier_id != own[0]

    first = following(submission.carrier_id, counterpart)
    steps = {step for step in first if not is_own(*step)}
    seen = set(steps)
    while steps:
        found = following(*steps.pop())
        if any(is_own(*step) for step in found):
            return True
        steps |= found - seen
        seen |= found
    return False


def _refuse_status(known: list[Row], status: str, *, must_be_current: bool = False) -> None:
    """Of a row that changed nothing: it says what was said before, or it cannot be."""
    had = [row["status"] for row in known]
    told = had[-1:] if must_be_current else had
    if known and status != "submitted" and status not in told:
        raise errors.conflict(
            "stateNotAllowed",
            "State not allowed",
            f"The order is {had[-1]} and cannot become {status}.",
        )
