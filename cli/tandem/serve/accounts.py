"""Tandem's own services about one account, and the search for accounts."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request

from tandem.integrity.words import KINDS
from tandem.queries import Row
from tandem.serve import queries
from tandem.serve.asking import (
    COMMON,
    FILTERS,
    PAGED,
    Day,
    Parted,
    session_for,
    session_of,
    staff_only,
)
from tandem.serve.authentication import Reader
from tandem.serve.errors import ApiError
from tandem.serve.queries import Wanted
from tandem.serve.resources import (
    ACCOUNT,
    Account,
    Adjustment,
    BundleException,
    DayOfUsage,
    FoundAccount,
    Line,
    MatrixCycle,
    Order,
    Plan,
    RolloverBucket,
    RolloverRequest,
    UnbilledRecord,
    UnbilledSummary,
)
from tandem.serve.tmf import Text

PATH = "/api/v1"
_OF = "/accounts/{account_id:path}"
AccountId = Annotated[
    str, Path(description="The account.", openapi_examples={"a": {"value": ACCOUNT}})
]
Number = Annotated[
    Text | None, Query(alias="serviceNumber", description="Of this line, such as +19125550101.")
]
OtherNumber = Annotated[
    Text | None, Query(alias="otherNumber", description="Digits of the other party's number.")
]
First = Annotated[Day | None, Query(alias="from", description="Local date, this and later.")]
Last = Annotated[Day | None, Query(alias="to", description="Local date, this and earlier.")]
Kind = Annotated[Text | None, Query(alias="type", description=f"One of {', '.join(KINDS)}.")]

router = APIRouter(prefix=PATH, tags=["accounts"], responses=COMMON, dependencies=[FILTERS])


@router.get("/accounts", response_model=list[FoundAccount], summary="Search for accounts (staff)")
async def search(
    request: Request,
    subject: Reader,
    text: Annotated[
        Text,
        Query(
            alias="search",
            description="The beginning of an account's id or of a line's number; a part of a name"
            " or an e-mail address.",
            openapi_examples={"name": {"value": "Jones"}},
        ),
    ],
    limit: Annotated[int, Query(ge=1, le=queries.MAX_FOUND)] = 20,
) -> list[Row]:
    """Accounts that a carrier serves, or all of them for the support desk; the exact id first."""
    staff_only(subject)
    async with session_of(request, subject) as session:
        return (await queries.search_accounts(session, text, limit)).rows


@router.get(f"{_OF}/unbilled", response_model=list[UnbilledSummary], summary="Balances")
async def unbilled(request: Request, subject: Reader, account_id: AccountId) -> list[Row]:
    """What is used and left in each open cycle, by pool."""
    async with session_for(request, subject, account_id) as (session, _):
        return await queries.unbilled_summary(session, account_id)


@router.get(
    f"{_OF}/unbilled/detail",
    response_model=list[UnbilledRecord],
    summary="Unbilled records",
    responses=PAGED,
)
async def unbilled_detail(  # noqa: PLR0917  (FastAPI reads the parameters)
    request: Request,
    subject: Reader,
    account_id: AccountId,
    part: Parted,
    service_number: Number = None,
    other_number: OtherNumber = None,
    first: First = None,
    last: Last = None,
    newest_first: Annotated[bool, Query(alias="newestFirst")] = False,
) -> list[Row]:
    """Record by record, in order of time. A carrier's user sees those of that carrier."""
    wanted = Wanted(service_number, first, last, other_number)
    async with session_for(request, subject, account_id) as (session, _):
        page = await queries.unbilled_detail(
            session,
            account_id,
            wanted,
            limit=part.limit,
            offset=part.offset,
            newest_first=newest_first,
        )
    return part.of(page)


@router.get(f"{_OF}/unbilled/days", response_model=list[DayOfUsage], summary="Usage by day")
async def usage_by_day(  # noqa: PLR0917
    request: Request,
    subject: Reader,
    account_id: AccountId,
    service_number: Number = None,
    first: First = None,
    last: Last = None,
) -> list[Row]:
    """Unbilled usage of each local day and service."""
    wanted = Wanted(service_number, first, last)
    async with session_for(request, subject, account_id) as (session, _):
        return await queries.usage_by_day(session, account_id, wanted)


@router.get(f"{_OF}/rollover/matrix", response_model=list[MatrixCycle], summary="Rollover matrix")
async def rollover_matrix(request: Request, subject: Reader, account_id: AccountId) -> list[Row]:
    """The last 12 closed cycles and the open ones of each pool."""
    async with session_for(request, subject, account_id) as (session, _):
        return await queries.rollover_matrix(session, account_id)


@router.get(
    f"{_OF}/rollover/buckets", response_model=list[RolloverBucket], summary="Rollover buckets"
)
async def rollover_buckets(
    request: Request,
    subject: Reader,
    account_id: AccountId,
    only_available: Annotated[
        bool, Query(alias="available", description="Only those with units that can still be used.")
    ] = False,
) -> list[Row]:
    """Every bucket with its expiry, in the order in which they are drawn."""
    async with session_for(request, subject, account_id) as (session, _):
        rows = await queries.rollover_buckets(session, account_id, only_available=only_available)
    return [
        row
        for row in rows
        if not only_available or (row["status"] == "available" and not row["has_ended"])
    ]


@router.get(
    f"{_OF}/rollover/requests", response_model=list[RolloverRequest], summary="Rollover figures"
)
async def rollover_requests(request: Request, subject: Reader, account_id: AccountId) -> list[Row]:
    """The figures that other systems ask for, by pool."""
    async with session_for(request, subject, account_id) as (session, _):
        return await queries.rollover_requests(session, account_id)


@router.get(
    f"{_OF}/adjustments",
    response_model=list[Adjustment],
    summary="Adjustments",
    responses=PAGED,
)
async def adjustments(
    request: Request,
    subject: Reader,
    account_id: AccountId,
    part: Parted,
    adjustment_id: Annotated[
        Text | None, Query(alias="adjustmentId", description="Only this one.")
    ] = None,
) -> list[Row]:
    """Who adjusted rollover units, why, and what was applied; the latest first.

    One is there after the build that applies it.
    """
    async with session_for(request, subject, account_id) as (session, _):
        page = await queries.adjustment_history(
            session,
            account_id,
            limit=part.limit,
            offset=part.offset,
            adjustment_id=adjustment_id,
        )
    return part.of(page)


@router.get(
    f"{_OF}/exceptions",
    response_model=list[BundleException],
    summary="Exceptions of an account (staff)",
    responses=PAGED,
)
async def exceptions_of_account(
    request: Request,
    subject: Reader,
    account_id: AccountId,
    part: Parted,
    only_open: Annotated[bool, Query(alias="open")] = False,
) -> list[Row]:
    """What does not agree between its carriers; a carrier's user sees what concerns the carrier."""
    staff_only(subject)
    async with session_for(request, subject, account_id) as (session, _):
        page = await queries.exceptions(
            session, account_id, only_open=only_open, limit=part.limit, offset=part.offset
        )
    return part.of(page)


@router.get(
    "/exceptions",
    response_model=list[BundleException],
    summary="Exceptions (staff)",
    responses=PAGED,
)
async def exceptions(  # noqa: PLR0917
    request: Request,
    subject: Reader,
    part: Parted,
    only_open: Annotated[bool, Query(alias="open")] = False,
    kind: Kind = None,
    carrier_id: Annotated[
        Text | None, Query(alias="carrier", description="That concern this carrier.")
    ] = None,
) -> list[Row]:
    """What does not agree between carriers: what is open first, the oldest of it first."""
    staff_only(subject)
    if kind is not None and kind not in KINDS:
        raise ApiError(
            HTTPStatus.BAD_REQUEST,
            "unknownType",
            "Unknown type",
            f"There are {', '.join(KINDS)}.",
        )
    async with session_of(request, subject) as session:
        if carrier_id is not None:
            known = [row["carrier_id"] for row in await queries.carriers(session)]
            if carrier_id not in known:
                raise ApiError(
                    HTTPStatus.BAD_REQUEST,
                    "unknownCarrier",
                    "Unknown carrier",
                    f"There are {', '.join(known)}.",
                )
        page = await queries.exceptions(
            session,
            only_open=only_open,
            kind=kind,
            carrier_id=carrier_id,
            limit=part.limit,
            offset=part.offset,
        )
    return part.of(page)


@router.get(f"{_OF}/plans", response_model=list[Plan], summary="Plans of an account")
async def plans(request: Request, subject: Reader, account_id: AccountId) -> list[Row]:
    """Plans in effect, and those that were or will be."""
    async with session_for(request, subject, account_id) as (session, _):
        return await queries.effective_plans(session, account_id)


@router.get(f"{_OF}/lines", response_model=list[Line], summary="Lines of an account")
async def lines(request: Request, subject: Reader, account_id: AccountId) -> list[Row]:
    """Lines, those in force first. A carrier's user sees those of that carrier."""
    async with session_for(request, subject, account_id) as (session, _):
        return await queries.lines(session, account_id)


@router.get(
    f"{_OF}/orders", response_model=list[Order], summary="Orders of an account", responses=PAGED
)
async def orders(
    request: Request, subject: Reader, account_id: AccountId, part: Parted
) -> list[Row]:
    """Orders as they stand, the latest first. A carrier's user sees those of that carrier."""
    async with session_for(request, subject, account_id) as (session, _):
        page = await queries.order_history(
            session, account_id, limit=part.limit, offset=part.offset
        )
    return part.of(page)


@router.get(_OF, response_model=Account, summary="An account")
async def account(request: Request, subject: Reader, account_id: AccountId) -> dict[str, Any]:
    """Who holds it."""
    async with session_for(request, subject, account_id) as (_, found):
        return found
