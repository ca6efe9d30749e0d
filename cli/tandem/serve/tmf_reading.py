"""Answers of TMF635, TMF678 and TMF654 (all version 4), as far as they are given.

Amounts and quantities are numbers here, as those schemas have them.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


class Resource(BaseModel):
    """Names as TM Forum writes them."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


def _always_told(schema: dict[str, Any]) -> None:
    """Of a resource only these are there whatever ``fields`` asks for."""
    schema["required"] = ["id", "href"]


class Entity(Resource):
    """A resource that has an address."""

    model_config = ConfigDict(json_schema_extra=_always_told)


class PartyRef(Resource):
    """Who has to do with it: ``customer`` is the account, others are carriers."""

    id: str
    role: str
    referred_type: Literal["Customer", "Organization"] = Field(alias="@referredType")


class Money(Resource):
    """An amount."""

    unit: str = Field(description="The currency.", examples=["USD"])
    value: float


class Quantity(Resource):
    """So much of a unit."""

    amount: float
    units: str = Field(examples=["minute"])


class Period(Resource):
    """From, and up to but without; in the account's time zone."""

    start_date_time: datetime | None = None
    end_date_time: datetime | None = None


class Characteristic(Resource):
    """A value by name."""

    name: str
    value: str | int | float


class Rating(Resource):
    """What a record costs, before tax."""

    rating_amount_type: str = "Total"
    usage_rating_tag: str = Field(description="What pays for it, or why nothing is charged.")
    tax_excluded_rating_amount: Money
    is_billed: bool


class Usage(Entity):
    """A record of usage."""

    type: Literal["Usage"] = Field(default="Usage", alias="@type")
    id: str = Field(description="The carrier, a colon, and its id of the record.")
    href: str
    usage_date: datetime
    usage_type: str = Field(examples=["voice"])
    status: Literal["received", "recycled", "rejected", "rated", "billed"] = Field(
        description="received: not built yet; recycled: suspended, and tried again at each build;"
        " rejected: voided before its bill; rated; billed."
    )
    related_party: list[PartyRef]
    usage_characteristic: list[Characteristic]
    rated_product_usage: list[Rating] = []


class BillDocument(Resource):
    """A file of a bill."""

    name: str
    mime_type: str
    url: str


class AccountRef(Resource):
    """The account."""

    id: str


class CustomerBill(Entity):
    """A bill. It is final; ``state`` says no more, as payments are not made here."""

    type: Literal["CustomerBill"] = Field(default="CustomerBill", alias="@type")
    id: str
    href: str
    bill_no: str
    bill_date: datetime
    category: Literal["normal"] = "normal"
    state: Literal["validated"] = "validated"
    billing_period: Period
    billing_account: AccountRef
    amount_due: Money
    tax_excluded_amount: Money
    tax_included_amount: Money
    related_party: list[PartyRef]
    bill_document: list[BillDocument]


class BucketRef(Resource):
    """One of the buckets."""

    id: str
    href: str


class Bucket(Entity):
    """The allowance of a plan in a cycle, or rollover units."""

    type: Literal["Bucket"] = Field(default="Bucket", alias="@type")
    id: str
    href: str
    name: str
    usage_type: str = Field(description="The pool.", examples=["anytime"])
    description: str = Field(description="allowance or rollover")
    status: Literal["active", "expired", "suspended"]
    is_shared: bool = True
    valid_for: Period
    remaining_value: Quantity
    party_account: AccountRef
    related_party: list[PartyRef]


class AccumulatedBalance(Entity):
    """What can still be used of a pool without a charge in the cycle that is on."""

    type: Literal["AccumulatedBalance"] = Field(default="AccumulatedBalance", alias="@type")
    id: str
    href: str
    name: str
    description: str
    total_balance: Quantity
    bucket: list[BucketRef]
    party_account: AccountRef
    related_party: list[PartyRef]


def customer(account_id: str) -> PartyRef:
    """The account as a party."""
    return PartyRef.model_validate(
        {"id": account_id, "role": "customer", "@referredType": "Customer"}
    )


def organization(carrier_id: str, role: str) -> PartyRef:
    """A carrier as a party."""
    return PartyRef.model_validate(
        {"id": carrier_id, "role": role, "@referredType": "Organization"}
    )


def characteristics(values: dict[str, Any]) -> list[Characteristic]:
    """Those that are not None."""
    return [
        Characteristic(name=name, value=_value(value))
        for name, value in values.items()
        if value is not None
    ]


def _value(value: Any) -> str | int | float:
    """Numbers as numbers, all else as text."""
    if isinstance(value, Decimal):
        return float(value)
    return value if isinstance(value, int) else str(value)
