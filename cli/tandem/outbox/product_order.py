"""An order in the words of TMF622 (Product Ordering Management, version 4)."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from tandem.queries import Row

# action of the orders feed -> OrderItemActionType
ACTIONS = {"subscribe": "add", "change_plan": "modify", "cancel": "delete"}


def product_order(row: Row) -> dict[str, Any]:
    """The ``ProductOrder_Create`` that makes a change at the other carrier.

    Args:
        row: of ``integrity.pass_through_orders``, with the account's ``time_zone`` (null where
            the account is not known).

    Returns:
        The body. ``externalId`` is the message id. TMF622 has no place for an order of somebody
        else's that an order answers: originating carrier and order are characteristics of the
        product (to be named as counterpart in the orders feed), and said once more in a note for
        people. ``requestedStartDate`` has to have a time: midnight where the account is, as that of
        UTC would be the day before in America. The day counts, which ``effectiveOn`` says again
        without a time.
    """
    effective_on = row["effective_on"].isoformat()
    requested_at = row["requested_at"].astimezone(UTC).isoformat().replace("+00:00", "Z")
    characteristics = {
        "originatingCarrier": row["from_carrier_id"],
        "originatingOrder": row["order_id"],
        "effectiveOn": effective_on,
        "requestedAt": requested_at,
    }
    return {
        "@type": "ProductOrder",
        "externalId": row["message_id"],
        "category": "pass-through",
        "requestedStartDate": start_of_day(row["effective_on"], row["time_zone"]),
        "relatedParty": [
            {"id": row["account_id"], "role": "customer", "@referredType": "Customer"},
            {
                "id": row["from_carrier_id"],
                "role": "originatingCarrier",
                "@referredType": "Organization",
            },
        ],
        "productOrderItem": [
            {
                "@type": "ProductOrderItem",
                "id": "1",
                "quantity": 1,
                "action": ACTIONS[row["action"]],
                "productOffering": {"id": row["plan_id"]},
                "product": {
                    "productCharacteristic": [
                        {"name": name, "valueType": "string", "value": value}
                        for name, value in characteristics.items()
                    ]
                },
            }
        ],
        "note": [
            {
                "text": f"Counterpart of order {row['order_id']} of {row['from_carrier_id']},"
                f" requested at {requested_at}."
            }
        ],
    }


def start_of_day(day: date, time_zone: str | None) -> str:
    """Midnight with its offset; of UTC where there is no time zone."""
    begins = datetime.combine(day, time(), ZoneInfo(time_zone) if time_zone else UTC)
    return begins.isoformat().replace("+00:00", "Z")
