"""TMF654 Prepay Balance Management: allowances and rollover units as buckets."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request

from tandem.queries import Row
from tandem.serve import queries
from tandem.serve.access import Session
from tandem.serve.asking import COMMON, FILTERS, PAGED, Parted, session_for
from tandem.serve.authentication import Reader
from tandem.serve.billing import midnight
from tandem.serve.tmf import Text
from tandem.serve.tmf_reading import (
    AccountRef,
    AccumulatedBalance,
    Bucket,
    BucketRef,
    Period,
    Quantity,
    customer,
)
from tandem.serve.usage import Party, account_asked_for

BASE = "/tmf-api/prepayBalanceManagement/v4"
PATH = f"{BASE}/bucket"
ALLOWANCE: Literal["allowance"] = "allowance"
ROLLOVER: Literal["rollover"] = "rollover"
Status = Literal["active", "expired", "suspended"]
ZERO = Decimal(0)
_STATUSES: dict[str, Status] = {
    "available": "active",
    "depleted": "active",
    "retained": "suspended",  # kept for its owner, who has no plan that may draw it
    "archived": "suspended",
    "expired": "expired",
}
router = APIRouter(
    prefix=BASE, tags=["balances (TMF654)"], responses=COMMON, dependencies=[FILTERS]
)


@router.get("/bucket", response_model=list[Bucket], summary="List buckets", responses=PAGED)
async def list_buckets(
    request: Request,
    subject: Reader,
    part: Parted,
    account_id: Party = None,
    bucket_id: Annotated[Text | None, Query(alias="id", description="Only this bucket.")] = None,
) -> list[Bucket]:
    """Allowances of the cycle that is on, then rollover units in the order they are drawn in.

    Rollover units that are used up or have expired are told as well.
    """
    chosen = account_asked_for(subject, account_id)
    async with session_for(request, subject, chosen) as (session, account):
        found = await _buckets(session, account)
    wanted = [bucket for bucket in found if bucket_id in (None, bucket.id)]
    shown = wanted[part.offset : part.offset + part.limit]
    part.tell(len(wanted), len(shown))
    return shown


@router.get(
    "/accumulatedBalance",
    response_model=list[AccumulatedBalance],
    summary="What is left of each pool",
)
async def accumulated(
    request: Request, subject: Reader, account_id: Party = None
) -> list[AccumulatedBalance]:
    """What can still be used of a pool without a charge, in the cycle that is on."""
    chosen = account_asked_for(subject, account_id)
    async with session_for(request, subject, chosen) as (session, account):
        summary = _current(await queries.unbilled_summary(session, chosen), account)
        buckets = await _buckets(session, account)
    return [_accumulated(row, buckets) for row in summary]


def _current(summary: list[Row], account: Row) -> list[Row]:
    """Pools of the cycle in which the warehouse stands."""
    zone = ZoneInfo(account["time_zone"])
    return [
        row
        for row in summary
        if row["pool_id"] != "none"
        and row["cycle_start"] <= row["as_of"].astimezone(zone).date() < row["cycle_end"]
    ]


async def _buckets(session: Session, account: Row) -> list[Bucket]:
    account_id = account["account_id"]
    summary = _current(await queries.unbilled_summary(session, account_id), account)
    rollover = await queries.rollover_buckets(session, account_id)
    return [
        *(
            _bucket(
                row,
                account,
                bucket_id=f"{account_id}-{row['pool_id']}-{row['cycle_start']:%Y%m%d}-{ALLOWANCE}",
                kind=ALLOWANCE,
                status="active",
                period=(row["cycle_start"], row["cycle_end"]),
                amount=row["plan_remaining_units"],
            )
            for row in summary
        ),
        *(
            _bucket(
                row,
                account,
                bucket_id=row["bucket_id"],
                kind=ROLLOVER,
                status=_STATUSES[row["status"]],
                period=(row["available_from"], row["expires_on"]),
                amount=row["remaining_units"],
            )
            for row in rollover
        ),
    ]


def _bucket(
    row: Row,
    account: Row,
    *,
    bucket_id: str,
    kind: Literal["allowance", "rollover"],
    status: Status,
    period: tuple[date, date],
    amount: Decimal | None,
) -> Bucket:
    account_id = account["account_id"]
    query = urlencode({"relatedParty.id": account_id, "id": bucket_id})
    return Bucket(
        id=bucket_id,
        href=f"{PATH}?{query}",
        name=row["pool_name"] or row["pool_id"],
        usage_type=row["pool_id"],
        description=kind,
        status=status,
        valid_for=Period(
            start_date_time=midnight(period[0], account),
            end_date_time=midnight(period[1], account),
        ),
        remaining_value=_quantity(amount, row),
        party_account=AccountRef(id=account_id),
        related_party=[customer(account_id)],
    )


def _accumulated(row: Row, buckets: list[Bucket]) -> AccumulatedBalance:
    left = (row["plan_remaining_units"] or ZERO) + (row["rollover_available_units"] or ZERO)
    return AccumulatedBalance(
        id=f"{row['account_id']}-{row['pool_id']}",
        name=row["pool_name"] or row["pool_id"],
        description=f"as of {row['as_of'].isoformat()}",
        total_balance=_quantity(left, row),
        bucket=[
            BucketRef(id=bucket.id, href=bucket.href)
            for bucket in buckets
            if bucket.usage_type == row["pool_id"]
            and bucket.status == "active"
            and bucket.remaining_value.amount > 0
        ],
        party_account=AccountRef(id=row["account_id"]),
        related_party=[customer(row["account_id"])],
    )


def _quantity(amount: Decimal | None, row: Row) -> Quantity:
    return Quantity(amount=float(amount or 0), units=row["unit_type"] or "unit")
