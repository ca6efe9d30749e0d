"""The parts of TMF622 and TMF679 (both version 4) that are read; other members are let pass."""

from __future__ import annotations

import unicodedata
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from tandem.feeds import MAX_FIELD_LENGTH

_CONTROLS = ("Cc", "Cs")


def is_plain(text: str) -> bool:
    """Whether a text can be stored and shown: no control characters, no space at its ends."""
    return text == text.strip() and not any(
        unicodedata.category(character) in _CONTROLS for character in text
    )


def _plain(text: str) -> str:
    if not is_plain(text):
        hint = ""
        if text[:1] == " " and text.strip()[:1].isdigit():
            hint = " (in an address the + of a number is written %2B)"
        raise ValueError(f"has control characters, or a space at its beginning or end{hint}")
    return text


Text = Annotated[
    str,
    StringConstraints(min_length=1, max_length=MAX_FIELD_LENGTH),
    AfterValidator(_plain),
]


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore")


class Party(_Part):
    """Somebody who has to do with it; ``customer`` is the account."""

    id: Text
    role: Text | None = None


class Offering(_Part):
    """A plan of the catalog."""

    id: Text


class Characteristic(_Part):
    """A value by name."""

    name: Text
    value: Any = None


class Product(_Part):
    """What else is said of the change."""

    productCharacteristic: list[Characteristic] = Field(default=[], max_length=100)  # noqa: N815


class OrderItem(_Part):
    """The change."""

    id: Text | None = None
    quantity: int | None = None
    action: Text = Field(description="add, modify or delete")
    productOffering: Offering | None = Field(default=None, description="The plan")  # noqa: N815
    product: Product = Product()


class OrderCreate(_Part):
    """``ProductOrder_Create``."""

    externalId: Text = Field(description="The caller's id of the order")  # noqa: N815
    requestedStartDate: Text | None = Field(  # noqa: N815
        default=None, description="The day counts, from which the change is to be in effect"
    )
    state: Text | None = Field(
        default=None, description="By default acknowledged; completed, failed or cancelled"
    )
    completionDate: Text | None = None  # noqa: N815
    cancellationDate: Text | None = None  # noqa: N815
    relatedParty: list[Party] = Field(max_length=20)  # noqa: N815
    productOrderItem: list[OrderItem] = Field(min_length=1, max_length=20)  # noqa: N815


class OrderUpdate(BaseModel):
    """``ProductOrder_Update``: of an order only its state can change."""

    model_config = ConfigDict(extra="forbid")

    type: Text | None = Field(default=None, alias="@type")
    id: Text | None = None
    externalId: Text | None = None  # noqa: N815
    state: Text = Field(description="completed, failed or cancelled")
    completionDate: Text | None = Field(  # noqa: N815
        default=None, description="When it took a state other than cancelled; by default now"
    )
    cancellationDate: Text | None = Field(  # noqa: N815
        default=None, description="When it was cancelled; by default now"
    )


class QualificationItem(_Part):
    """A plan that is asked for."""

    id: Text | None = None
    productOffering: Offering  # noqa: N815


class QualificationCreate(_Part):
    """``CheckProductOfferingQualification_Create``."""

    expectedQualificationDate: Text | None = Field(  # noqa: N815
        default=None, description="The day that is asked about; by default today"
    )
    relatedParty: list[Party] = Field(max_length=20)  # noqa: N815
    productOfferingQualificationItem: list[QualificationItem] = Field(  # noqa: N815
        min_length=1, max_length=20
    )


EXAMPLE_ORDER: dict[str, Any] = {
    "@type": "ProductOrder",
    "externalId": "L-88213",
    "requestedStartDate": "2026-07-01T00:00:00-04:00",
    "state": "completed",
    "relatedParty": [
        {"id": "A000123", "role": "customer", "@referredType": "Customer"},
        {"id": "wireless", "role": "originatingCarrier", "@referredType": "Organization"},
    ],
    "productOrderItem": [
        {
            "@type": "ProductOrderItem",
            "id": "1",
            "quantity": 1,
            "action": "add",
            "productOffering": {"id": "SHARE1000"},
            "product": {
                "productCharacteristic": [
                    {"name": "originatingOrder", "value": "W-4711"},
                    {"name": "effectiveOn", "value": "2026-07-01"},
                    {"name": "requestedAt", "value": "2026-06-14T09:30:00Z"},
                ]
            },
        }
    ],
}
EXAMPLE_UPDATE: dict[str, Any] = {"state": "completed", "completionDate": "2026-06-14T11:00:00Z"}
EXAMPLE_QUESTION: dict[str, Any] = {
    "expectedQualificationDate": "2026-07-01",
    "relatedParty": [{"id": "A000123", "role": "customer"}],
    "productOfferingQualificationItem": [{"id": "1", "productOffering": {"id": "SHARE1000"}}],
}
EXAMPLE_ANSWERED_ORDER: dict[str, Any] = EXAMPLE_ORDER | {
    "id": "L-88213",
    "href": "/tmf-api/productOrderingManagement/v4/productOrder/L-88213",
    "orderDate": "2026-06-14T09:30:00Z",
    "stateHistory": [{"state": "completed", "changedAt": "2026-06-14T11:00:00Z"}],
    "bundle": {
        "state": "inEffect",
        "asOf": "2026-07-02T04:00:00Z",
        "effectiveFrom": "2026-07-01",
        "carriers": [{"carrier": "wireless", "state": "in_sync", "order": "W-4711"}],
        "exceptions": [],
    },
}
EXAMPLE_ANSWER: dict[str, Any] = {
    "@type": "CheckProductOfferingQualification",
    "state": "done",
    "instantSyncQualification": True,
    "effectiveQualificationDate": "2026-07-01",
    "qualificationResult": "unqualified",
    "relatedParty": [{"id": "A000123", "role": "customer"}],
    "productOfferingQualificationItem": [
        {
            "id": "1",
            "state": "done",
            "qualificationItemResult": "unqualified",
            "productOffering": {"id": "SHARE1000"},
            "eligibilityUnavailabilityReason": [
                {"code": "planInEffect", "label": "The account has SHARE1000 on that day."}
            ],
        }
    ],
}
