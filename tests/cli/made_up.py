"""Marts of bundle integrity made up: tables of their columns, filled by hand, to be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from hashlib import md5
from typing import Any

from tests.support.warehouse import Warehouse

AS_OF = datetime(2025, 6, 20, 12, tzinfo=UTC)
BUILT = 1_000_000  # the last load that the marts know of
MARTS = {
    "control.run_values": "as_of timestamptz, build_id bigint default 1",
    "control.build_state": "build_id bigint, cutoff_load_id bigint",
    "integrity.int_accounts": "account_id text, holder_name text, email text, time_zone text",
    "integrity.bundle_exceptions": """
        exception_id text, exception_type text, account_id text, carrier_id text, order_id text,
        service_number text, other_carrier_id text, notify_carrier_id text, expected text,
        found text, is_open boolean, waiver_reason text, waived_until date, opened_at timestamptz,
        stands_since timestamptz, resolved_at timestamptz, refused_at timestamptz
    """,
    "integrity.carrier_notifications": """
        notification_id text, exception_id text, exception_type text, carrier_id text,
        account_id text, order_carrier_id text, order_id text, service_number text, expected text,
        found text, is_open boolean, awaits_account boolean not null default false,
        opened_at timestamptz, resolved_at timestamptz
    """,
    "integrity.order_instructions": """
        instruction_id text, instruction text, carrier_id text, order_id text, account_id text,
        other_carrier_id text, exception_id text, opened_at timestamptz, resolved_at timestamptz
    """,
    "integrity.order_history": """
        carrier_id text, order_id text, account_id text, action text, plan_id text,
        service_number text, status text, counterpart_order_id text, is_current boolean,
        load_id bigint, effective_on date, requested_at timestamptz, status_at timestamptz
    """,
    "integrity.order_sync": """
        carrier_id text, order_id text, account_id text, plan_id text, action text, status text,
        sync_status text, counterpart_carrier_id text, counterpart_order_id text,
        counterpart_status text, requested_at timestamptz, effective_on date
    """,
    "integrity.pass_through_orders": """
        message_id text, to_carrier_id text, from_carrier_id text, order_id text, account_id text,
        action text, plan_id text, sync_status text, awaits_account boolean not null default false,
        effective_on date, requested_at timestamptz
    """,
    "integrity.fulfillment_notices": """
        notice_id text, account_id text, carrier_id text, order_id text, action text, plan_id text,
        order_keys text[], effective_on date, takes_effect_on date, fulfilled_at timestamptz
    """,
}


def key(*parts: object) -> str:
    """An id as the marts have them."""
    return md5("|".join(map(str, parts)).encode(), usedforsecurity=False).hexdigest()


def ago(**span: int) -> datetime:
    """A time before where the warehouse stands."""
    return AS_OF - timedelta(**span)


def make(warehouse: Warehouse) -> None:
    """Make the tables, with nothing in them but where the warehouse stands."""
    statements = [f"create schema if not exists {name}" for name in ("control", "integrity")]
    statements += [f"create table {name} ({columns})" for name, columns in MARTS.items()]
    for statement in statements:
        warehouse.execute(statement)
    fill(warehouse, "control.run_values", [{"as_of": AS_OF}])
    fill(warehouse, "control.build_state", [{"build_id": 1, "cutoff_load_id": BUILT}])


def fill(warehouse: Warehouse, mart: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add rows to a table."""
    for row in rows:
        names, places = ", ".join(row), ", ".join(["%s"] * len(row))
        warehouse.execute(f"insert into {mart} ({names}) values ({places})", *row.values())


def exception(kind: str, account: str, opened_at: datetime, **more: Any) -> dict[str, Any]:
    """An exception of an order at the wireless carrier that concerns the wireline one."""
    row = {
        "exception_id": key(kind, account, opened_at),
        "exception_type": kind,
        "account_id": account,
        "carrier_id": "wireless",
        "order_id": f"W-{account}",
        "service_number": None,
        "other_carrier_id": "wireline",
        "notify_carrier_id": "wireline",
        "expected": "subscribe SHARE1000 effective 2025-06-01",
        "found": "no order",
        "waiver_reason": None,
        "waived_until": None,
        "opened_at": opened_at,
        "stands_since": opened_at,
        "resolved_at": None,
        "refused_at": None,
    } | more
    return row | {"is_open": row["resolved_at"] is None}


def notification(row: Mapping[str, Any]) -> dict[str, Any]:
    """What tells a carrier of an exception."""
    same = (
        "exception_id",
        "exception_type",
        "account_id",
        "order_id",
        "service_number",
        "expected",
        "found",
        "is_open",
        "opened_at",
        "resolved_at",
    )
    return {name: row[name] for name in same} | {
        "notification_id": row["exception_id"],
        "carrier_id": row["notify_carrier_id"],
        "order_carrier_id": row["carrier_id"],
    }


def instruction(word: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """What tells the platform of the order."""
    same = (
        "exception_id",
        "account_id",
        "carrier_id",
        "order_id",
        "other_carrier_id",
        "opened_at",
        "resolved_at",
    )
    return {name: row[name] for name in same} | {
        "instruction_id": key(word, row["exception_id"]),
        "instruction": word,
    }


def status(carrier: str, order: str, word: str, at: datetime, **more: Any) -> dict[str, Any]:
    """A row of an order's history; the account is A1."""
    return {
        "carrier_id": carrier,
        "order_id": order,
        "account_id": "A1",
        "action": "subscribe",
        "plan_id": "SHARE1000",
        "service_number": None,
        "status": word,
        "counterpart_order_id": None,
        "is_current": True,
        "load_id": 1,
        "effective_on": date(2025, 6, 1),
        "requested_at": at,
        "status_at": at,
    } | more


def sync(order: Mapping[str, Any], word: str, carrier: str, other: str | None) -> dict[str, Any]:
    """How an order stands at another carrier."""
    same = (
        "carrier_id",
        "order_id",
        "account_id",
        "plan_id",
        "action",
        "requested_at",
        "effective_on",
    )
    return {name: order[name] for name in same} | {
        "status": "completed",
        "sync_status": word,
        "counterpart_carrier_id": carrier,
        "counterpart_order_id": other,
    }


def passed(account: str, to: str, action: str = "subscribe", **more: Any) -> dict[str, Any]:
    """An order of the wireless carrier that another one is to make too."""
    return {
        "message_id": key("wireless", account, to),
        "to_carrier_id": to,
        "from_carrier_id": "wireless",
        "order_id": f"W-{account}",
        "account_id": account,
        "action": action,
        "plan_id": "SHARE1000",
        "sync_status": "missing_counterpart",
        "effective_on": date(2025, 6, 1),
        "requested_at": datetime(2025, 5, 28, 15, 30, tzinfo=UTC),
    } | more


def notice(account: str, action: str = "subscribe", **more: Any) -> dict[str, Any]:
    """A change that both carriers have made."""
    return {
        "notice_id": key(account, action),
        "account_id": account,
        "carrier_id": "wireless",
        "order_id": f"W-{account}",
        "action": action,
        "plan_id": "SHARE1000",
        "order_keys": [f"wireless:W-{account}", f"wireline:T-{account}"],
        "effective_on": date(2025, 6, 1),
        "takes_effect_on": date(2025, 6, 1),
        "fulfilled_at": datetime(2025, 5, 29, 2, 30, tzinfo=UTC),
    } | more


def account(account_id: str, **more: Any) -> dict[str, Any]:
    """An account with a name and an address."""
    return {
        "account_id": account_id,
        "holder_name": f"Holder of {account_id}",
        "email": f"{account_id.lower()}@example.com",
        "time_zone": "America/New_York",
    } | more
