"""Bundle integrity: exceptions as a function of the data (rules 7)."""

import hashlib
from collections.abc import Container, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from .account import AccountView
from .casi import Casi
from .catalog import Catalog
from .cycles import local_date
from .feeds import Order
from .orders import GRACE, AccountOrders, match_orders


@dataclass
class BundleException:
    exception_type: str
    account_id: str
    carrier_id: str | None
    order_id: str | None
    other: str | None  # what the exception is about besides the order: other carrier, line, id
    notify_carrier_id: str | None
    expected: str | None
    found: str | None
    opened_at: datetime
    resolved_at: datetime | None = None
    refused_at: datetime | None = None  # when the other carrier's order failed or was withdrawn

    @classmethod
    def of_order(
        cls,
        exception_type: str,
        order: Order,
        expected: str,
        found: str | None,
        opened_at: datetime,
        other_carrier_id: str | None = None,
    ) -> "BundleException":
        """Told to the other carrier; where there is none, to the one that placed the order."""
        return cls(
            exception_type=exception_type,
            account_id=order.account_id,
            carrier_id=order.carrier_id,
            order_id=order.order_id,
            other=other_carrier_id,
            notify_carrier_id=other_carrier_id or order.carrier_id,
            expected=expected,
            found=found,
            opened_at=opened_at,
        )

    @property
    def exception_id(self) -> str:
        """Hash of type, order, other carrier and `opened_at`."""
        parts = (
            self.exception_type,
            self.carrier_id,
            self.order_id,
            self.other,
            self.opened_at.isoformat(),
        )
        return hashlib.sha256("|".join(part or "" for part in parts).encode()).hexdigest()[:32]

    def row(self) -> dict[str, Any]:
        return {
            "exception_id": self.exception_id,
            "exception_type": self.exception_type,
            "account_id": self.account_id,
            "carrier_id": self.carrier_id,
            "order_id": self.order_id,
            "service_number": self.other if self.exception_type == "plan_mismatch" else None,
            "adjustment_id": self.other if self.exception_type == "over_resale" else None,
            "other_carrier_id": self.other if self.order_id is not None else None,
            "notify_carrier_id": self.notify_carrier_id,
            "expected": self.expected,
            "found": self.found,
            "opened_at": self.opened_at,
            "resolved_at": self.resolved_at,
        }


def order_exceptions(orders: AccountOrders, as_of: datetime) -> Iterator[BundleException]:
    """One per completed order and other carrier not in sync at requested_at + 24 h (if `as_of` has
    reached it); a withdrawal later opens a new one."""
    for order in orders.completed:
        if order.plan_id not in orders.catalog.plans:
            yield BundleException.of_order(
                "unknown_plan",
                order,
                expected="a plan of the catalog",
                found=order.plan_id,
                opened_at=order.requested_at,
            )
            continue
        if as_of < order.requested_at + GRACE:
            continue
        for carrier_id in orders.others(order):
            yield from sync_exceptions(orders, order, carrier_id)


def unknown_accounts(orders: AccountOrders, known: Container[str]) -> Iterator[BundleException]:
    """One per completed plan order of an account that the accounts feed has not brought."""
    for order in orders.completed:
        if order.account_id not in known:
            yield BundleException.of_order(
                "unknown_account",
                order,
                expected="an account of the accounts feed",
                found=order.account_id,
                opened_at=order.requested_at,
            )


def state_at(
    orders: AccountOrders, order: Order, carrier_id: str, at: datetime, without: Order | None
) -> tuple[str, Order | None]:
    """The sync status of an order against a carrier at a time, using the status rows with
    `status_at` up to it. The order itself is completed whatever the time."""

    def status_of(other: Order) -> str | None:
        if without is not None and other.key == without.key:
            return None
        status = other.status_at(at)
        return status or "submitted" if other.key == order.key else status

    counterpart = match_orders(orders.orders, status_of).get(order.key, {}).get(carrier_id)
    status = counterpart.status_at(at) if counterpart else None
    return orders.judge(order, counterpart, status, None), counterpart


def sync_exceptions(
    orders: AccountOrders, order: Order, carrier_id: str
) -> Iterator[BundleException]:
    first = order.requested_at + GRACE
    times = {other.row_time(row) for other in orders.orders for row in other.statuses}
    open_one: BundleException | None = None
    was_in_sync = False
    for at in [first, *sorted(time for time in times if time > first)]:
        status, counterpart = state_at(orders, order, carrier_id, at, None)
        if status == "in_sync":
            was_in_sync = True
            if open_one is not None and counterpart is not None:
                completed = [row for row in counterpart.statuses if row.status == "completed"][-1]
                open_one.resolved_at = counterpart.row_time(completed)
                # the type stays what it would be without the one that heals it
                open_one.exception_type, found = state_at(
                    orders, order, carrier_id, open_one.opened_at, counterpart
                )
                open_one.found = describe(found, open_one.opened_at)
                yield open_one
                open_one = None
        elif open_one is None and (at == first or was_in_sync):
            open_one = BundleException.of_order(
                status,
                order,
                expected=f"{order.action} {order.plan_id} effective {order.effective_on}",
                found=describe(counterpart, at),
                opened_at=at,
                other_carrier_id=carrier_id,
            )
            was_in_sync = False
        if status == "counterpart_failed" and open_one is not None:
            open_one.refused_at = open_one.refused_at or at
    if open_one is not None:
        yield open_one


def describe(order: Order | None, at: datetime) -> str:
    if order is None:
        return "no order"
    told = (order.action, order.plan_id, str(order.effective_on), order.status_at(at))
    return f"{order.order_id}: {' '.join(part for part in told if part is not None)}"


def plan_mismatches(
    casi: Casi, views: dict[str, AccountView], as_of: datetime
) -> Iterator[BundleException]:
    """One per line in force whose CASI plan is not the effective plan at `as_of`."""
    for line, row in sorted(casi.current.items()):
        in_force = row.activated_at <= as_of and (
            row.deactivated_at is None or as_of < row.deactivated_at
        )
        if not in_force:
            continue
        view = views.get(row.account_id)
        effective = None
        if view is not None:
            effective = view.plan_at(row.carrier_id, local_date(as_of, view.account.time_zone))
        if effective != row.plan_id:
            yield BundleException(
                exception_type="plan_mismatch",
                account_id=row.account_id,
                carrier_id=row.carrier_id,
                order_id=None,
                other=line[2],
                notify_carrier_id=row.carrier_id,
                expected=effective or "no plan",
                found=row.plan_id or "no plan",
                opened_at=row.at,
            )


def over_resale(
    catalog: Catalog,
    account_id: str,
    adjustment_id: str,
    adjusted_at: datetime,
    applied: Decimal,
    asked: Decimal,
) -> BundleException:
    return BundleException(
        exception_type="over_resale",
        account_id=account_id,
        carrier_id=catalog.biller_id,
        order_id=None,
        other=adjustment_id,
        notify_carrier_id=catalog.biller_id,
        # of what had expired and was not sold again yet
        expected=f"at most {applied.normalize():f} units",
        found=f"{adjustment_id}: {asked.normalize():f} units",
        opened_at=adjusted_at,
    )
