"""An order in the words of TMF622."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from tandem.outbox.product_order import product_order

ROW = {
    "message_id": "0f" * 16,
    "to_carrier_id": "wireline",
    "from_carrier_id": "wireless",
    "order_id": "W-17",
    "account_id": "A000014",
    "action": "subscribe",
    "plan_id": "SHARE800",
    "sync_status": "missing_counterpart",
    "effective_on": date(2025, 6, 1),
    "requested_at": datetime(2025, 5, 30, 9, 15, tzinfo=UTC),
    "time_zone": "America/New_York",
}


def test_worked_example() -> None:
    assert product_order(ROW) == {
        "@type": "ProductOrder",
        "externalId": "0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f",
        "category": "pass-through",
        "requestedStartDate": "2025-06-01T00:00:00-04:00",
        "relatedParty": [
            {"id": "A000014", "role": "customer", "@referredType": "Customer"},
            {"id": "wireless", "role": "originatingCarrier", "@referredType": "Organization"},
        ],
        "productOrderItem": [
            {
                "@type": "ProductOrderItem",
                "id": "1",
                "quantity": 1,
                "action": "add",
                "productOffering": {"id": "SHARE800"},
                "product": {
                    "productCharacteristic": [
                        {
                            "name": "originatingCarrier",
                            "valueType": "string",
                            "value": "wireless",
                        },
                        {"name": "originatingOrder", "valueType": "string", "value": "W-17"},
                        {"name": "effectiveOn", "valueType": "string", "value": "2025-06-01"},
                        {
                            "name": "requestedAt",
                            "valueType": "string",
                            "value": "2025-05-30T09:15:00Z",
                        },
                    ]
                },
            }
        ],
        "note": [
            {"text": "Counterpart of order W-17 of wireless, requested at 2025-05-30T09:15:00Z."}
        ],
    }


@pytest.mark.parametrize(
    ("action", "word"), [("subscribe", "add"), ("change_plan", "modify"), ("cancel", "delete")]
)
def test_actions(action: str, word: str) -> None:
    (item,) = product_order(ROW | {"action": action})["productOrderItem"]
    assert item["action"] == word


@pytest.mark.parametrize(
    ("time_zone", "begins"),
    [
        ("America/Los_Angeles", "2025-06-01T00:00:00-07:00"),
        ("Asia/Kolkata", "2025-06-01T00:00:00+05:30"),
        ("UTC", "2025-06-01T00:00:00Z"),
        (None, "2025-06-01T00:00:00Z"),
    ],
)
def test_the_day_begins_where_the_account_is(time_zone: str | None, begins: str) -> None:
    """Midnight of UTC is the evening before in America."""
    assert product_order(ROW | {"time_zone": time_zone})["requestedStartDate"] == begins


def test_the_same_whatever_moves_on() -> None:
    # one key stands for one body: whether it is late by now, or in which zone a session reads times
    elsewhere = ROW["requested_at"].astimezone(timezone(timedelta(hours=-7)))  # type: ignore[attr-defined]
    moved = ROW | {"sync_status": "awaiting_counterpart", "requested_at": elsewhere}
    assert product_order(moved) == product_order(ROW)
