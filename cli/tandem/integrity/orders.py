"""Reading: the orders of one account at all carriers, and how they stand to each other."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tandem.database import Connection
from tandem.errors import Refused
from tandem.integrity.queries import accounts, as_of, carrier_names
from tandem.outbox.passed_on import REFUSALS
from tandem.queries import Row, fetch

GRACE = timedelta(hours=24)
IN_SYNC = "in_sync"
# the worst last
SYNC_STATUSES = (
    IN_SYNC,
    "awaiting_counterpart",
    "missing_counterpart",
    "mismatched",
    "counterpart_failed",
)
Key = tuple[str, str]  # carrier and order


@dataclass(frozen=True)
class Change:
    """Orders at several carriers that ask for the same change.

    Attributes:
        orders: the current state of each, with ``statuses``: its rows of
            ``integrity.order_history``, the oldest first.
        syncs: rows of ``integrity.order_sync`` of these orders.
    """

    orders: list[Row]
    syncs: list[Row]

    @property
    def sync_status(self) -> str | None:
        """The worst of the orders; None where only the carrier of the order is concerned."""
        found = [row["sync_status"] for row in self.syncs]
        return max(found, key=SYNC_STATUSES.index) if found else None


@dataclass(frozen=True)
class AccountOrders:
    """The orders of an account.

    Attributes:
        account: id, holder's name (null where the account is not known).
        as_of: where the warehouse stands.
        carriers: names of carriers by id.
        plans: ids of the plans of the catalog.
        changes: in order of the first request of each.
        open_exceptions: how many the account has.
        instructions: what platforms are told to do with orders of the account now: carrier_id,
            order_id, other_carrier_id, instruction (hold or withdraw) and opened_at.
    """

    account: Row
    as_of: datetime
    carriers: dict[str, str]
    plans: frozenset[str]
    changes: list[Change]
    open_exceptions: int
    instructions: list[Row]


def of_account(connection: Connection, account_id: str) -> AccountOrders:
    """The orders of an account at all carriers.

    Raises:
        Refused: no such account, and no order for one.
    """
    history = fetch(
        connection,
        """
        select carrier_id, order_id, account_id, action, plan_id, service_number, status,
            counterpart_order_id, is_current, load_id, effective_on, requested_at, status_at
        from integrity.order_history where account_id = %s
        order by requested_at, carrier_id collate "C", order_id collate "C",
            is_current, load_id, status_at
        """,
        (account_id,),
    )
    known = accounts(connection, [account_id]).get(account_id)
    if known is None and not history:
        raise Refused(f"There is no account {account_id}.")
    syncs = fetch(
        connection,
        f"""
        select synced.carrier_id, synced.order_id, synced.plan_id, synced.action,
            synced.sync_status, synced.counterpart_carrier_id, synced.counterpart_order_id,
            synced.requested_at, synced.effective_on, refusals.state as refusal_state,
            refusals.last_error as refusal
        from integrity.order_sync as synced
        left join ({REFUSALS}) as refusals
            on refusals.account_id = synced.account_id
                and refusals.from_carrier_id = synced.carrier_id
                and refusals.order_id = synced.order_id
                and refusals.to_carrier_id = synced.counterpart_carrier_id
                and synced.sync_status in ('awaiting_counterpart', 'missing_counterpart')
        where synced.account_id = %s
        order by synced.requested_at, synced.carrier_id collate "C",
            synced.order_id collate "C", synced.counterpart_carrier_id collate "C"
        """,  # noqa: S608  (constants of this package)
        (account_id,),
    )
    (row,) = fetch(
        connection,
        "select count(*) as open from integrity.bundle_exceptions"
        " where account_id = %s and is_open",
        (account_id,),
    )
    return AccountOrders(
        {"account_id": account_id, "holder_name": known["holder_name"] if known else None},
        as_of(connection),
        carrier_names(connection),
        frozenset(row["plan_id"] for row in fetch(connection, "select plan_id from catalog.plans")),
        _changes(_current(history), syncs),
        row["open"],
        fetch(
            connection,
            """
            select carrier_id, order_id, other_carrier_id, instruction, opened_at
            from integrity.order_instructions where account_id = %s and resolved_at is null
            order by opened_at, carrier_id collate "C", order_id collate "C",
                other_carrier_id collate "C"
            """,
            (account_id,),
        ),
    )


def as_json(found: AccountOrders) -> dict[str, Any]:
    """The orders of an account as rows."""
    return {
        **found.account,
        "as_of": found.as_of,
        "open_exceptions": found.open_exceptions,
        "instructions": found.instructions,
        "changes": [
            {
                "sync_status": change.sync_status,
                "orders": [
                    order
                    | {
                        "sync": [
                            {
                                name: row[name]
                                for name in (
                                    "counterpart_carrier_id",
                                    "counterpart_order_id",
                                    "sync_status",
                                    "refusal_state",
                                    "refusal",
                                )
                            }
                            for row in change.syncs
                            if _key(row) == _key(order)
                        ]
                    }
                    for order in change.orders
                ],
            }
            for change in found.changes
        ],
    }


def _key(row: Row) -> Key:
    return row["carrier_id"], row["order_id"]


def _current(history: Iterable[Row]) -> dict[Key, Row]:
    """Each order as it is now, with the statuses that it has had."""
    orders: dict[Key, Row] = {}
    statuses: dict[Key, list[Row]] = {}
    for row in history:
        told = {name: row[name] for name in ("status", "status_at", "load_id")}
        statuses.setdefault(_key(row), []).append(told)
        if row["is_current"] or _key(row) not in orders:
            orders[_key(row)] = {name: row[name] for name in row if name != "is_current"}
    return {key: orders[key] | {"statuses": statuses[key]} for key in orders}


def _changes(orders: dict[Key, Row], syncs: list[Row]) -> list[Change]:
    """Orders put together with their counterparts."""
    group = {key: [key] for key in orders}
    for row in syncs:
        other = (row["counterpart_carrier_id"], row["counterpart_order_id"])
        one, two = group.get(_key(row)), group.get(other)
        if one is None or two is None or one is two:
            continue
        one += two
        for key in two:
            group[key] = one
    distinct = {id(keys): keys for keys in group.values()}.values()
    made = [
        Change(
            sorted((orders[key] for key in keys), key=_key),
            [row for row in syncs if _key(row) in keys],
        )
        for keys in distinct
    ]
    return sorted(made, key=lambda change: min(order["requested_at"] for order in change.orders))
