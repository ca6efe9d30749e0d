"""TMF654 Prepay Balance Management: allowances and rollover units as buckets."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal
from urllib.parse import quote
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Path, Query, Request

from tandem.queries import Row
from tandem.serve import errors, queries
from tandem.serve.access import Session
from tandem.serve.asking import COMMON, FILTERS, PAGED, Parted, session_for, session_of
from tandem.serve.authentication import Reader
from tandem.serve.billing import midnight
from tandem.serve.selecting import SelectingRoute, attributes, selection
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
ALLOWANCE: Literal["allowance"] = "allowance"
ROLLOVER: Literal["rollover"] = "rollover"
Status = Literal["active", "expired", "suspended"]
ZERO = Decimal(0)
_STATUSES: dict[str, Status] = {
    "available": "active",
    "depleted": "expired",  # TMF654 has no word of its own for it
    "retained": "suspended",  # kept for its owner, who has no plan that may draw it
    "archived": "suspended",
    "expired": "expired",
}
router = APIRouter(
    prefix=BASE,
    tags=["balances (TMF654)"],
    responses=COMMON,
    dependencies=[FILTERS],
    route_class=SelectingRoute,
)
_OF_BUCKET = selection(attributes(Bucket))
_OF_BALANCE = selection(attributes(AccumulatedBalance))


@router.get(
    "/bucket",
    response_model=list[Bucket],
    summary="List buckets",
    responses=PAGED,
    dependencies=[_OF_BUCKET],
)
async def list_buckets(  # noqa: PLR0917  (FastAPI reads the parameters)
    request: Request,
    subject: Reader,
    part: Parted,
    account_id: Party = None,
    bucket_id: Annotated[Text | None, Query(alias="id", description="Only this bucket.")] = None,
    status: Annotated[Status | None, Query(description="Only buckets that stand so.")] = None,
    usage_type: Annotated[
        Text | None, Query(alias="usageType", description="Of this pool, such as anytime.")
    ] = None,
) -> list[Bucket]:
    """Allowances of the cycle that is on, then rollover units in the order they are drawn in.

    Rollover units that are used up or have expired are told as well.
    """
    chosen = account_asked_for(subject, account_id)
    async with session_for(request, subject, chosen) as (session, account):
        found = await _buckets(session, account)
    wanted = [
        bucket
        for bucket in found
        if bucket_id in (None, bucket.id)
        and status in (None, bucket.status)
        and usage_type in (None, bucket.usage_type)
    ]
    shown = wanted[part.offset : part.offset + part.limit]
    part.tell(len(wanted), len(shown))
    return shown


@router.get(
    "/accumulatedBalance",
    response_model=list[AccumulatedBalance],
    summary="What is left of each pool",
    dependencies=[_OF_BALANCE],
)
async def accumulated(
    request: Request, subject: Reader, account_id: Party = None
) -> list[AccumulatedBalance]:
    """What can still be used of a pool without a charge, in the cycle that is on."""
    chosen = account_asked_for(subject, account_id)
    async with session_for(request, subject, chosen) as (session, account):
        return await _balances(session, account)


@router.get(
    "/bucket/{bucket_id:path}",
    response_model=Bucket,
    summary="A bucket",
    dependencies=[_OF_BUCKET],
)
async def show_bucket(
    request: Request,
    subject: Reader,
    bucket_id: Annotated[str, Path(description="As the list of buckets has it.")],
) -> Bucket:
    """An allowance, or rollover units."""
    async with session_of(request, subject) as session:
        for account in await queries.accounts_by_prefix(session, bucket_id):
            for bucket in await _buckets(session, account):
                if bucket.id == bucket_id:
                    return bucket
    raise errors.not_found("There is no such bucket.")


@router.get(
    "/accumulatedBalance/{balance_id:path}",
    response_model=AccumulatedBalance,
    summary="What is left of a pool",
    dependencies=[_OF_BALANCE],
)
async def show_balance(
    request: Request,
    subject: Reader,
    balance_id: Annotated[str, Path(description="The account, a hyphen, and the pool.")],
) -> AccumulatedBalance:
    """What can still be used of a pool without a charge, in the cycle that is on."""
    async with session_of(request, subject) as session:
        for account in await queries.accounts_by_prefix(session, balance_id):
            for balance in await _balances(session, account):
                if balance.id == balance_id:
                    return balance
    raise errors.not_found("There is no such balance.")


async def _balances(session: Session, account: Row) -> list[AccumulatedBalance]:
    summary = await queries.unbilled_summary(session, account["account_id"])
    buckets = await _buckets_beside(summary, session, account)
    return [_accumulated(row, buckets) for row in _current(summary, account)]


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
    summary = await queries.unbilled_summary(session, account["account_id"])
    return await _buckets_beside(summary, session, account)


async def _buckets_beside(every: list[Row], session: Session, account: Row) -> list[Bucket]:
    """Allowances of the cycle that is on, and rollover units; `every`: the account's summary."""
    account_id = account["account_id"]
    summary = _current(every, account)
    as_of = every[0]["as_of"] if every else None
    rollover = await queries.rollover_buckets(session, account_id)
    return [
        *(
            _bucket(
                row,
                account,
                bucket_id=f"{account_id}-{row['pool_id']}-{row['cycle_start']:%Y%m%d}-{ALLOWANCE}",
                kind=ALLOWANCE,
                status="active" if row["plan_remaining_units"] else "expired",
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
                status=_status(row, account, as_of),
                period=(row["available_from"], row["expires_on"]),
                amount=row["remaining_units"],
            )
            for row in rollover
        ),
    ]


def _status(row: Row, account: Row, as_of: datetime | None) -> Status:
    """Whether rollover units can be drawn on the day on which the warehouse stands."""
    if row["has_ended"]:
        return "expired"
    status = _STATUSES[row["status"]]
    if status == "active" and as_of is not None:
        today = as_of.astimezone(ZoneInfo(account["time_zone"])).date()
        return "active" if row["available_from"] <= today else "suspended"
    return status


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
    return Bucket(
        id=bucket_id,
        href=f"{BASE}/bucket/{quote(bucket_id, safe='')}",
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
    balance_id = f"{row['account_id']}-{row['pool_id']}"
    return AccumulatedBalance(
        id=balance_id,
        href=f"{BASE}/accumulatedBalance/{quote(balance_id, safe='')}",
        name=row["pool_name"] or row["pool_id"],
        description=f"as of {row['as_of'].isoformat()}",
        total_balance=_quantity(left, row),
        bucket=[
            BucketRef(id=bucket.id, href=bucket.href)
            for bucket in buckets
            if bucket.usage_type == row["pool_id"] and bucket.status == "active"
        ],
        party_account=AccountRef(id=row["account_id"]),
        related_party=[customer(row["account_id"])],
    )


def _quantity(amount: Decimal | None, row: Row) -> Quantity:
    return Quantity(amount=float(amount or 0), units=row["unit_type"] or "unit")
