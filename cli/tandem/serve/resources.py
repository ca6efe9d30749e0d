"""What Tandem's own services answer: rows of marts, under their columns' names.

Quantities and amounts are decimal numbers in text, as in the documents of bills: nothing is lost
on the way, whatever reads them.
"""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, Field, WithJsonSchema

ACCOUNT = "A000123"
# the format "time" of JSON Schema has an offset, which a local time has not
LocalTime = Annotated[
    time, WithJsonSchema({"type": "string", "pattern": r"^[0-9]{2}:[0-9]{2}:[0-9]{2}"})
]


class Account(BaseModel):
    """Who holds an account."""

    account_id: str = Field(examples=[ACCOUNT])
    holder_name: str | None
    email: str | None
    time_zone: str = Field(examples=["America/New_York"])
    bill_cycle_day: int
    opened_on: date
    closed_on: date | None
    currency: str | None = Field(description="Of all its amounts.", examples=["USD"])
    active_lines: int = Field(description="Lines in force; a carrier's user sees its own.")


class FoundAccount(BaseModel):
    """An account that a search found."""

    account_id: str = Field(examples=[ACCOUNT])
    holder_name: str | None
    email: str | None
    closed_on: date | None
    matched: str = Field(description="account, number, name, email or order", examples=["name"])


class Line(BaseModel):
    """A line of an account."""

    service_number: str = Field(examples=["+19125550101"])
    carrier_id: str = Field(examples=["wireless"])
    carrier_name: str | None
    service_kind: str | None
    plan_id: str | None
    status: str = Field(description="active, suspended or disconnected")
    subscriber_name: str | None
    email: str | None
    activated_at: datetime | None
    deactivated_at: datetime | None


class Plan(BaseModel):
    """A plan of an account."""

    plan_id: str = Field(examples=["SHARE1000"])
    plan_name: str | None
    monthly_fee: Decimal | None
    currency: str | None
    effective_from: date
    effective_to: date | None = Field(description="The first day without it.")


class UnbilledSummary(BaseModel):
    """An open cycle of a pool; of the pool ``none`` only ``metered_amount`` is told."""

    account_id: str = Field(examples=[ACCOUNT])
    pool_id: str = Field(examples=["anytime"])
    pool_name: str | None = None
    unit_type: str | None = Field(examples=["minute"])
    cycle_start: date
    cycle_end: date = Field(description="The first day after the cycle.")
    as_of: datetime = Field(description="Where the warehouse stands.")
    allowance_units: Decimal | None
    plan_used_units: Decimal | None
    plan_remaining_units: Decimal | None
    rollover_available_units: Decimal | None
    rollover_used_units: Decimal | None
    rollover_expiring_units: Decimal | None
    overage_units: Decimal | None
    overage_amount: Decimal | None
    night_weekend_units: Decimal | None
    mobile_to_mobile_units: Decimal | None
    other_no_charge_units: Decimal | None
    metered_amount: Decimal


class UnbilledRecord(BaseModel):
    """A record that is rated and not on a bill yet."""

    account_id: str = Field(examples=[ACCOUNT])
    service_number: str | None
    carrier_id: str
    cdr_id: str
    cycle_start: date
    local_date: date
    local_time: LocalTime = Field(examples=["09:30:00"])
    started_at: datetime
    duration_units: Decimal
    unit_type: str
    other_number: str | None
    service: str = Field(examples=["voice"])
    category: str
    no_charge_reason: str | None
    source: str | None = Field(description="plan, rollover, overage, joined by + if several")
    charge_amount: Decimal | None


class DayOfUsage(BaseModel):
    """Unbilled usage of a service on one local day."""

    local_date: date
    service: str
    unit_type: str
    records: int
    units: Decimal
    charge_amount: Decimal | None


class MatrixCycle(BaseModel):
    """A cycle of a pool in the rollover matrix, in units."""

    account_id: str = Field(examples=[ACCOUNT])
    pool_id: str
    pool_name: str | None
    unit_type: str | None
    cycle_start: date
    cycle_end: date
    became_customer_at: date | None
    ended_at: date | None
    rollover_status: str
    opening_balance: Decimal | None
    adjusted_units: Decimal | None
    allowance_units: Decimal | None
    plan_used_units: Decimal | None
    overage_assessed_units: Decimal | None
    rollover_used_units: Decimal | None
    accumulated_units: Decimal | None
    expired_units: Decimal | None
    capped_units: Decimal | None
    archived_units: Decimal | None
    closing_balance: Decimal | None
    expiring_next_units: Decimal | None
    taken_over_units: Decimal | None
    is_closed: bool


class RolloverBucket(BaseModel):
    """Units that were left over in one cycle, and how long they last."""

    bucket_id: str
    account_id: str = Field(examples=[ACCOUNT])
    pool_id: str
    pool_name: str | None
    unit_type: str | None
    source: str = Field(description="plan, adjustment or resale")
    status: str
    earned_cycle_start: date
    available_from: date
    expires_on: date
    use_by: date = Field(description="The last day on which it can be used.")
    has_ended: bool = Field(
        description="That day is over, and the cycle is not closed: status is of the last close."
    )
    earned_units: Decimal | None
    used_units: Decimal | None
    debited_units: Decimal | None
    expired_units: Decimal | None
    remaining_units: Decimal | None


class RolloverRequest(BaseModel):
    """What a partner is told of the rollover of a pool."""

    account_id: str = Field(examples=[ACCOUNT])
    pool_id: str
    unit_type: str | None
    cycle_start: date
    balance_units: Decimal | None
    expiring_units: Decimal | None
    adjusted_since_last_cycle_units: Decimal | None


class Adjustment(BaseModel):
    """An adjustment of rollover units, and what was applied of it."""

    adjustment_id: str
    account_id: str = Field(examples=[ACCOUNT])
    pool_id: str
    action: str = Field(description="credit, debit, resale or extension")
    quantity: Decimal
    applied_quantity: Decimal | None
    unapplied_quantity: Decimal | None
    reason_code: str
    reason: str | None
    adjusted_at: datetime
    adjusted_by: str | None = Field(
        description="Who made it; null for subscribers, as the note is."
    )
    cycle_start: date | None
    note: str | None
    bucket_id: str | None
    amount: Decimal | None
    exception_type: str | None
    is_closed: bool | None


class Order(BaseModel):
    """An order as it stands, and how it agrees with another carrier's."""

    carrier_id: str
    order_id: str
    account_id: str = Field(examples=[ACCOUNT])
    action: str
    plan_id: str | None
    plan_name: str | None
    service_number: str | None
    status: str
    effective_on: date
    requested_at: datetime
    status_at: datetime | None
    counterpart_order_id: str | None
    sync_status: str | None = Field(description="None where no other carrier has to confirm.")
    counterpart_carrier_id: str | None
    counterpart_status: str | None
    counterpart_effective_on: date | None


class BundleException(BaseModel):
    """What does not agree between carriers."""

    exception_id: str
    exception_type: str
    account_id: str | None
    carrier_id: str | None
    order_id: str | None
    service_number: str | None
    adjustment_id: str | None
    other_carrier_id: str | None
    notify_carrier_id: str | None = Field(description="Whose turn it is to act.")
    expected: str | None
    found: str | None
    is_open: bool
    waiver_reason: str | None
    waived_until: date | None
    opened_at: datetime
    stands_since: datetime | None
    resolved_at: datetime | None
