"""TMF635 Usage Management: usage that is not billed yet, and records that carriers send."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Body, Path, Query, Request, Response

from tandem.queries import Row
from tandem.serve import errors, queries, recording, records
from tandem.serve.asking import (
    COMMON,
    FILTERS,
    PAGED,
    WRITING,
    Moment,
    Parted,
    session_for,
    session_of,
)
from tandem.serve.authentication import Reader
from tandem.serve.errors import ApiError
from tandem.serve.queries import Wanted
from tandem.serve.recording import EXAMPLE_USAGE, UsageCreate
from tandem.serve.records import Standing
from tandem.serve.selecting import SelectingRoute, attributes, selection
from tandem.serve.tmf import Text, is_plain
from tandem.serve.tmf_reading import (
    Money,
    Rating,
    Usage,
    characteristics,
    customer,
    organization,
)
from tandem.serve.writing import write
from tandem.tokens import Subject

PATH = "/tmf-api/usageManagement/v4/usage"
_FIELDS = selection(attributes(Usage))
_UTC = "UTC without an offset, and a date is its first instant."
router = APIRouter(
    prefix=PATH,
    tags=["usage (TMF635)"],
    responses=COMMON,
    dependencies=[FILTERS],
    route_class=SelectingRoute,
)
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
    dependencies=[_FIELDS],
    responses=PAGED,
)
async def list_usage(  # noqa: PLR0917  (FastAPI reads the parameters)
    request: Request,
    subject: Reader,
    part: Parted,
    account_id: Party = None,
    since: Annotated[
        Moment | None,
        Query(alias="usageDate.gte", description=f"This instant and later; {_UTC}"),
    ] = None,
    until: Annotated[
        Moment | None,
        Query(alias="usageDate.lte", description=f"This instant and earlier; {_UTC}"),
    ] = None,
    after: Annotated[
        Moment | None, Query(alias="usageDate.gt", description=f"Later than this; {_UTC}")
    ] = None,
    before: Annotated[
        Moment | None, Query(alias="usageDate.lt", description=f"Earlier than this; {_UTC}")
    ] = None,
    usage_type: Annotated[
        Text | None, Query(alias="usageType", description="Of this service, such as voice.")
    ] = None,
    service_number: Annotated[
        Text | None, Query(alias="serviceNumber", description="Of this line.")
    ] = None,
) -> list[Usage]:
    """Records of an account, the latest first; what is billed is in the documents of bills."""
    chosen = account_asked_for(subject, account_id)
    wanted = Wanted(
        service_number=service_number,
        since=since,
        until=until,
        after=after,
        before=before,
        service=usage_type,
    )
    async with session_for(request, subject, chosen) as (session, account):
        page = await queries.unbilled_detail(
            session, chosen, wanted, limit=part.limit, offset=part.offset, newest_first=True
        )
    own: dict[records.Key, Row] = {}
    if subject.carrier_id is not None and page.rows:
        async with request.app.state.pool.connection() as session:
            own = await records.sent(
                session, [(row["carrier_id"], row["cdr_id"]) for row in page.rows]
            )
    return [
        _usage(
            [row | {"currency": account["currency"]}],
            "rated",
            own.get((row["carrier_id"], row["cdr_id"])),
        )
        for row in part.of(page)
    ]


@router.get(
    "/{usage_id:path}",
    response_model=Usage,
    response_model_exclude_none=True,
    summary="A record of usage",
    dependencies=[_FIELDS],
)
async def show_usage(
    request: Request,
    subject: Reader,
    usage_id: Annotated[str, Path(description="The carrier, a colon, and its id of the record.")],
) -> Usage:
    """A record of the account, billed or not; its carrier also sees one that is not rated."""
    carrier_id, colon, cdr_id = usage_id.partition(":")
    if not colon or not is_plain(usage_id):
        raise _no_usage()
    found = await records.find(request, subject, carrier_id, cdr_id)
    if found is None:
        raise _no_usage()
    return _told(found, subject)


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
    await _require_agreement(request, carrier_id, usage, row)
    try:
        is_new = await write(
            request,
            partial(
                recording.record, request.app.state.settings, carrier_id, row, by=subject.acts_as
            ),
        )
    except ApiError as error:
        error.message = recording.in_members(error.message)
        raise
    response.status_code = HTTPStatus.CREATED if is_new else HTTPStatus.OK
    found: Standing | None
    if is_new and row["action"] == "void":  # what it takes out stands as before until it is built
        key = (carrier_id, row["cdr_id"])
        async with request.app.state.pool.connection() as session:
            void = (await records.sent(session, [key], "void")).get(key)
        found = None if void is None else Standing(void, "received")
    else:
        found = await records.find(request, subject, carrier_id, row["cdr_id"])
    if found is None:
        raise errors.database_error()  # the session is of a replica that has not got it yet
    answer = _told(found, subject)
    response.headers["Location"] = answer.href
    return answer


async def _require_agreement(
    request: Request, carrier_id: str, usage: UsageCreate, row: Row
) -> None:
    """Refuse what says of itself something else than its characteristics say.

    Raises:
        ApiError: 422.
    """
    accounts: list[str] = []
    if any(party.role == "customer" for party in usage.relatedParty):
        async with request.app.state.pool.connection() as session:
            accounts = await records.accounts_of_line(
                session, carrier_id, records.service_number(row)
            )
    wrong = recording.contradiction(usage, carrier_id, row["cdr_id"], accounts)
    if wrong is not None:
        raise wrong


def _no_usage() -> ApiError:
    return errors.not_found("There is no such record of usage.")


def _href(carrier_id: str, cdr_id: str) -> tuple[str, str]:
    usage_id = f"{carrier_id}:{cdr_id}"
    return usage_id, f"{PATH}/{quote(usage_id, safe=':')}"


def _told(found: Standing, subject: Subject) -> Usage:
    record = found.record
    own = record if subject.carrier_id == record["carrier_id"] else None
    if found.rated:
        return _usage(found.rated, found.status, own)
    usage_id, href = _href(record["carrier_id"], record["cdr_id"])
    return Usage(
        id=usage_id,
        href=href,
        usage_date=record["started_at"],
        usage_type=record["service"],
        status=found.status,
        related_party=[organization(record["carrier_id"], "serviceProvider")],
        usage_characteristic=characteristics(
            _as_sent(own)
            | {"serviceNumber": records.service_number(record), "statusReason": found.reason}
        ),
    )


def _usage(rows: list[Row], status: records.Status, own: Row | None) -> Usage:
    """A record that is rated, and after it what a void of it gave back."""
    row = rows[0]
    usage_id, href = _href(row["carrier_id"], row["cdr_id"])
    return Usage(
        id=usage_id,
        href=href,
        usage_date=row["started_at"],
        usage_type=row["service"],
        status=status,
        related_party=[
            customer(row["account_id"]),
            organization(row["carrier_id"], "serviceProvider"),
        ],
        usage_characteristic=characteristics(
            _as_sent(own)
            | {
                "serviceNumber": row["service_number"],
                "otherNumber": row["other_number"],
                "durationUnits": row["duration_units"],
                "unitType": row["unit_type"],
                "category": row["category"],
                "cycleStart": row["cycle_start"],
            }
        ),
        rated_product_usage=[
            Rating(
                usage_rating_tag="reversal"
                if one.get("is_reversal")
                else one["source"] or one["no_charge_reason"] or one["category"],
                tax_excluded_rating_amount=Money(
                    unit=one["currency"], value=float(one["charge_amount"] or Decimal(0))
                ),
                is_billed=one.get("is_closed", False),
            )
            for one in rows
        ],
    )


def _as_sent(own: Row | None) -> dict[str, Any]:
    """What the carrier said of it, for that carrier."""
    if own is None:
        return {}
    return {shown: own[name] for name, shown in recording.NAMES.items()}
