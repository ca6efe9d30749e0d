"""TMF635 Usage Management: usage that is not billed yet, and records that carriers send."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Body, Path, Query, Request, Response

from tandem.queries import Row
from tandem.serve import errors, queries, recording
from tandem.serve.asking import (
    COMMON,
    FILTERS,
    PAGED,
    WRITING,
    Parted,
    session_for,
    session_of,
)
from tandem.serve.authentication import Reader
from tandem.serve.errors import ApiError
from tandem.serve.queries import Wanted
from tandem.serve.recording import EXAMPLE_USAGE, UsageCreate
from tandem.serve.tmf import Text, is_plain
from tandem.serve.tmf_reading import (
    Money,
    PartyRef,
    Rating,
    Usage,
    characteristics,
    customer,
    organization,
)
from tandem.serve.writing import write
from tandem.tokens import Subject

PATH = "/tmf-api/usageManagement/v4/usage"
router = APIRouter(prefix=PATH, tags=["usage (TMF635)"], responses=COMMON, dependencies=[FILTERS])
Party = Annotated[
    Text | None,
    Query(
        alias="relatedParty.id",
        description="The account; a subscriber's own if there is none.",
    ),
]


def account_asked_for(subject: Subject, account_id: str | None) -> str:
    """The account of a filter, by default a subscriber's own.

    Raises:
        ApiError: 400; staff has to name one.
    """
    chosen = account_id or subject.account_id
    if chosen is None:
        raise ApiError(
            HTTPStatus.BAD_REQUEST,
            "missingFilter",
            "Missing filter",
            "relatedParty.id has to name an account.",
        )
    return chosen


@router.get(
    "",
    response_model=list[Usage],
    response_model_exclude_none=True,
    summary="List usage that is not billed yet",
    responses=PAGED,
)
async def list_usage(  # noqa: PLR0917  (FastAPI reads the parameters)
    request: Request,
    subject: Reader,
    part: Parted,
    account_id: Party = None,
    since: Annotated[
        datetime | None,
        Query(alias="usageDate.gte", description="This instant and later; UTC without a zone."),
    ] = None,
    until: Annotated[
        datetime | None,
        Query(alias="usageDate.lte", description="This instant and earlier; UTC without a zone."),
    ] = None,
    service_number: Annotated[
        Text | None, Query(alias="serviceNumber", description="Of this line.")
    ] = None,
) -> list[Usage]:
    """Records of an account, the latest first; what is billed is in the documents of bills."""
    chosen = account_asked_for(subject, account_id)
    wanted = Wanted(service_number=service_number, since=since, until=until)
    async with session_for(request, subject, chosen) as (session, account):
        page = await queries.unbilled_detail(
            session, chosen, wanted, limit=part.limit, offset=part.offset, newest_first=True
        )
    return [_usage(row, account) for row in part.of(page)]


@router.get(
    "/{usage_id:path}",
    response_model=Usage,
    response_model_exclude_none=True,
    summary="A record of usage",
)
async def show_usage(
    request: Request,
    subject: Reader,
    usage_id: Annotated[str, Path(description="The carrier, a colon, and its id of the record.")],
) -> Usage:
    """A record that is not billed yet; its carrier also sees one that is not built yet."""
    carrier_id, colon, cdr_id = usage_id.partition(":")
    if not colon or not is_plain(usage_id):
        raise _no_usage()
    sent = None
    if subject.is_staff:
        async with request.app.state.pool.connection() as session:
            sent = await recording.find(session, carrier_id, cdr_id)
        if sent is None:
            raise _no_usage()
    async with session_of(request, subject) as session:
        row = await queries.find_unbilled(
            session,
            carrier_id,
            cdr_id,
            account_id=subject.account_id,
            service_number=recording.service_number(sent) if sent else None,
        )
        account = await queries.find_account(session, row["account_id"]) if row else None
    if row is not None and account is not None:
        return _usage(row, account)
    if sent is not None and subject.carrier_id == carrier_id:
        return _received(sent)
    raise _no_usage()


@router.post(
    "",
    status_code=HTTPStatus.CREATED,
    response_model=Usage,
    response_model_exclude_none=True,
    summary="Send a record of usage (carriers)",
    responses=WRITING
    | {
        200: {"model": Usage, "description": "The same record was here before"},
        201: {"description": "The record is new"},
    },
)
async def create_usage(
    request: Request,
    response: Response,
    subject: Reader,
    usage: Annotated[UsageCreate, Body(openapi_examples={"call": {"value": EXAMPLE_USAGE}})],
) -> Usage:
    """Send one record of the calling carrier, judged and loaded as a file of one row would be.

    The same record again is answered with 200. The next build rates it.
    """
    carrier_id = subject.carrier_id
    if carrier_id is None:
        raise ApiError(
            HTTPStatus.FORBIDDEN,
            "forbidden",
            "Forbidden",
            "Records of usage come from carriers.",
        )
    async with session_of(request, subject):  # only carriers that the catalog has
        pass
    row = recording.row_of(usage)
    is_new = await write(
        request,
        partial(recording.record, request.app.state.settings, carrier_id, row, by=subject.acts_as),
    )
    response.status_code = HTTPStatus.CREATED if is_new else HTTPStatus.OK
    async with request.app.state.pool.connection() as session:
        found = await recording.find(session, carrier_id, row["cdr_id"], row["action"] or "new")
    if found is None:
        raise errors.database_error()  # the session is of a replica that has not got it yet
    answer = _received(found)
    response.headers["Location"] = answer.href
    return answer


def _no_usage() -> ApiError:
    return errors.not_found("There is no such record of usage.")


def _href(carrier_id: str, cdr_id: str) -> tuple[str, str]:
    usage_id = f"{carrier_id}:{cdr_id}"
    return usage_id, f"{PATH}/{quote(usage_id, safe=':')}"


def _usage(row: Row, account: Row) -> Usage:
    usage_id, href = _href(row["carrier_id"], row["cdr_id"])
    return Usage(
        id=usage_id,
        href=href,
        usage_date=row["started_at"].astimezone(ZoneInfo(account["time_zone"])),
        usage_type=row["service"],
        status="rated",
        related_party=[
            customer(row["account_id"]),
            organization(row["carrier_id"], "serviceProvider"),
        ],
        usage_characteristic=characteristics(
            {
                "serviceNumber": row["service_number"],
                "otherNumber": row["other_number"],
                "quantity": row["duration_units"],
                "unit": row["unit_type"],
                "category": row["category"],
                "cycleStart": row["cycle_start"],
            }
        ),
        rated_product_usage=[
            Rating(
                usage_rating_tag=row["source"] or row["no_charge_reason"] or row["category"],
                tax_excluded_rating_amount=Money(
                    unit=account["currency"], value=float(row["charge_amount"] or Decimal(0))
                ),
                is_billed=False,
            )
        ],
    )


def _received(row: Row) -> Usage:
    usage_id, href = _href(row["carrier_id"], row["cdr_id"])
    parties: list[PartyRef] = [organization(row["carrier_id"], "serviceProvider")]
    shown: dict[str, Any] = {recording.NAMES[name]: row[name] for name in recording.CHARACTERISTICS}
    return Usage(
        id=usage_id,
        href=href,
        usage_date=row["started_at"],
        usage_type=row["service"],
        status="received",
        related_party=parties,
        usage_characteristic=characteristics(shown),
    )
