"""Orders of a carrier as they stand: what was loaded, and what the last build made of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from psycopg import AsyncConnection
from psycopg.rows import DictRow

from tandem.feeds import PLAN_ACTIONS
from tandem.outbox.product_order import start_of_day
from tandem.queries import Row
from tandem.serve.reading import fetch
from tandem.serve.submitting import LINE_WORDS, PLAN_WORDS

PATH = "/tmf-api/productOrderingManagement/v4/productOrder"
STATES = {
    "submitted": "acknowledged",
    "completed": "completed",
    "failed": "failed",
    "withdrawn": "cancelled",
}
_WORDS = {action: word for word, action in (*PLAN_WORDS.items(), *LINE_WORDS.items())}
Session = AsyncConnection[DictRow]

# the last loaded row of an order stands
_CURRENT = """
    select distinct on (order_id)
        order_id, account_id, action, plan_id, service_number, requested_at, effective_on,
        status, status_at, counterpart_order_id
    from raw.orders
    where carrier_id = %(carrier_id)s
        and (%(account_id)s::text is null or account_id = %(account_id)s)
        and (%(order_ids)s::text[] is null or order_id = any(%(order_ids)s))
    order by order_id, load_id desc, row_number desc
"""

_TIME_ZONE = """
    select accounts.time_zone from raw.accounts as accounts
    where accounts.account_id = orders.account_id
    order by accounts.load_id desc, accounts.row_number desc
    limit 1
"""


async def find(
    session: Session,
    carrier_id: str,
    *,
    order_ids: Sequence[str] | None = None,
    account_id: str | None = None,
    status: str | None = None,
    limit: int = 1,
    offset: int = 0,
) -> tuple[list[dict[str, Any]], int]:
    """Orders of a carrier as TMF622, the latest first, and how many there are.

    Args:
        session: to read from.
        carrier_id: whose.
        order_ids: only these.
        account_id: only of this account.
        status: only those with this status of the feed.
        limit, offset: which part of them.
    """
    wanted = {
        "carrier_id": carrier_id,
        "account_id": account_id,
        "order_ids": None if order_ids is None else list(order_ids),
        "status": status,
        "limit": limit,
        "offset": offset,
    }
    chosen = f"from ({_CURRENT}) as orders where %(status)s::text is null or status = %(status)s"
    rows = await fetch(
        session,
        f"select *, ({_TIME_ZONE}) as time_zone {chosen}"
        " order by requested_at desc, order_id limit %(limit)s offset %(offset)s",
        wanted,
    )
    (total,) = await fetch(session, f"select count(*) as orders {chosen}", wanted)
    if not rows:
        return [], total["orders"]
    found = [row["order_id"] for row in rows]
    statuses = await fetch(
        session,
        "select order_id, status, status_at from raw.orders"
        " where carrier_id = %s and order_id = any(%s) order by load_id, row_number",
        (carrier_id, found),
    )
    bundles = await _bundles(session, carrier_id, rows)
    return [
        _product_order(
            carrier_id,
            row,
            [one for one in statuses if one["order_id"] == row["order_id"]],
            bundles[row["order_id"]],
        )
        for row in rows
    ], total["orders"]


def _product_order(
    carrier_id: str, row: Row, statuses: Sequence[Row], bundle: dict[str, Any]
) -> dict[str, Any]:
    """An order in the words of TMF622; ``bundle`` and ``stateHistory`` are additions to it."""
    state = STATES[row["status"]]
    characteristics = {
        "originatingOrder": row["counterpart_order_id"],
        "effectiveOn": row["effective_on"].isoformat(),
        "requestedAt": instant(row["requested_at"]),
        "serviceNumber": row["service_number"],
    }
    order: dict[str, Any] = {
        "@type": "ProductOrder",
        "id": row["order_id"],
        "href": f"{PATH}/{quote(row['order_id'], safe='')}",
        "externalId": row["order_id"],
        "state": state,
        "orderDate": instant(row["requested_at"]),
        "requestedStartDate": start_of_day(row["effective_on"], row["time_zone"]),
        "relatedParty": [
            {"id": row["account_id"], "role": "customer", "@referredType": "Customer"},
            {"id": carrier_id, "role": "carrier", "@referredType": "Organization"},
        ],
        "productOrderItem": [
            {
                "@type": "ProductOrderItem",
                "id": "1",
                "quantity": 1,
                "action": _WORDS[row["action"]],
                "state": state,
                "product": {
                    "productCharacteristic": [
                        {"name": name, "valueType": "string", "value": value}
                        for name, value in characteristics.items()
                        if value is not None
                    ]
                },
            }
        ],
        "stateHistory": [
            {"state": STATES[one["status"]], "changedAt": instant(one["status_at"])}
            for one in statuses
        ],
        "bundle": bundle,
    }
    if row["plan_id"] is not None:
        order["productOrderItem"][0]["productOffering"] = {"id": row["plan_id"]}
    if state == "completed":
        order["completionDate"] = instant(row["status_at"])
    elif state == "cancelled":
        order["cancellationDate"] = instant(row["status_at"])
    return order


async def _bundles(
    session: Session, carrier_id: str, orders: Sequence[Row]
) -> dict[str, dict[str, Any]]:
    """How orders stand to the other carriers at the last build, by order."""
    (built,) = await fetch(
        session, "select to_regclass('integrity.int_counting_orders') is not null as is_built"
    )
    where = (
        await fetch(session, "select as_of from control.run_values") if built["is_built"] else []
    )
    if not where:
        return {row["order_id"]: _bundle(row, None, None, [], []) for row in orders}
    as_of = where[0]["as_of"]
    wanted = {
        "carrier_id": carrier_id,
        "order_ids": [row["order_id"] for row in orders],
        "account_ids": list({row["account_id"] for row in orders}),
    }
    of_orders = (
        "account_id = any(%(account_ids)s) and carrier_id = %(carrier_id)s"
        " and order_id = any(%(order_ids)s)"
    )
    seen = await fetch(
        session,
        f"""
        select history.order_id, history.status, counting.counts_from,
            here.today, counting.counts_from <= here.today as has_begun,
            exists (
                select from integrity.effective_plans as plans
                where plans.account_id = history.account_id and plans.plan_id = history.plan_id
                    and plans.effective_from <= here.today
                    and (plans.effective_to is null or plans.effective_to > here.today)
            ) as has_plan
        from (
            select account_id, carrier_id, order_id, plan_id, status
            from integrity.order_history where {of_orders} and is_current
        ) as history
        left join integrity.int_accounts as accounts on accounts.account_id = history.account_id
        cross join lateral (
            select (
                %(as_of)s::timestamptz at time zone coalesce(accounts.time_zone, 'UTC')
            )::date as today
        ) as here
        left join integrity.int_counting_orders as counting
            on counting.account_id = history.account_id
            and counting.carrier_id = history.carrier_id
            and counting.order_id = history.order_id
        """,  # noqa: S608
        wanted | {"as_of": as_of},
    )
    syncs = await fetch(
        session,
        f"""
        select order_id, counterpart_carrier_id, counterpart_order_id, sync_status
        from integrity.order_sync where {of_orders}
        order by counterpart_carrier_id collate "C"
        """,  # noqa: S608
        wanted,
    )
    exceptions = await fetch(
        session,
        f"""
        select order_id, exception_id, exception_type, other_carrier_id, notify_carrier_id,
            expected, found, is_open, waiver_reason, opened_at, resolved_at
        from integrity.bundle_exceptions where {of_orders}
        order by opened_at, exception_id collate "C"
        """,  # noqa: S608
        wanted,
    )
    by_order = {row["order_id"]: row for row in seen}
    return {
        row["order_id"]: _bundle(
            row,
            by_order.get(row["order_id"]),
            as_of,
            [one for one in syncs if one["order_id"] == row["order_id"]],
            [one for one in exceptions if one["order_id"] == row["order_id"]],
        )
        for row in orders
    }


def _bundle(
    order: Row,
    seen: Row | None,
    as_of: datetime | None,
    syncs: Sequence[Row],
    exceptions: Sequence[Row],
) -> dict[str, Any]:
    counts_from = seen["counts_from"] if seen else None
    return {
        "state": _bundle_state(order, seen),
        "asOf": instant(as_of),
        "effectiveFrom": counts_from.isoformat() if counts_from else None,
        "carriers": [
            {
                "carrier": row["counterpart_carrier_id"],
                "state": row["sync_status"],
                "order": row["counterpart_order_id"],
            }
            for row in syncs
        ],
        "exceptions": [
            {
                "id": row["exception_id"],
                "type": row["exception_type"],
                "carrier": row["other_carrier_id"],
                "actingCarrier": row["notify_carrier_id"],
                "expected": row["expected"],
                "found": row["found"],
                "isOpen": row["is_open"],
                "isWaived": row["waiver_reason"] is not None,
                "openedAt": instant(row["opened_at"]),
                "resolvedAt": instant(row["resolved_at"]),
            }
            for row in exceptions
        ],
    }


def _bundle_state(order: Row, seen: Row | None) -> str:
    """One word on whether a change has been made for the subscriber.

    Returns:
        awaitingBuild (the last build has not seen it so), notCompleted, recorded (a change of a
        line, which needs no other carrier), heldBack (the other carriers have not confirmed it),
        scheduled (it counts from a later day), inEffect, replaced (a later change stands).
    """
    if seen is None or seen["status"] != order["status"]:
        return "awaitingBuild"
    if order["status"] != "completed":
        return "notCompleted"
    if order["action"] not in PLAN_ACTIONS:
        return "recorded"
    if seen["counts_from"] is None:
        return "heldBack"
    if not seen["has_begun"]:
        return "scheduled"
    return "inEffect" if seen["has_plan"] or order["action"] == "cancel" else "replaced"


def instant(at: datetime | None) -> str | None:
    """An instant in UTC."""
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")
