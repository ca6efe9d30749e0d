"""TMF622 Product Ordering Management: orders of the calling carrier."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Body, Header, Path, Query, Request, Response

from tandem.serve import errors, orders, submitting
from tandem.serve.asking import FILTERS, PAGED, WRITING, Parted
from tandem.serve.authentication import Caller
from tandem.serve.errors import ApiError, documented
from tandem.serve.reading import Pool, fetch
from tandem.serve.selecting import SelectingRoute, selection
from tandem.serve.tmf import (
    EXAMPLE_ANSWERED_ORDER,
    EXAMPLE_ORDER,
    EXAMPLE_UPDATE,
    OrderCreate,
    OrderUpdate,
    is_plain,
)
from tandem.serve.writing import write
from tandem.tokens import platform_of

MAX_KEY = 255
_FIELDS = selection((*EXAMPLE_ANSWERED_ORDER, "completionDate", "cancellationDate"))
_ORDER: dict[str, Any] = {"content": {"application/json": {"example": EXAMPLE_ANSWERED_ORDER}}}

router = APIRouter(
    prefix=orders.PATH,
    tags=["productOrder"],
    route_class=SelectingRoute,
    responses=documented(
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.SERVICE_UNAVAILABLE,
    ),
)
OrderId = Annotated[str, Path(description="The carrier's own id of the order: its externalId.")]
Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        description="Any text up to 255 characters; the same key is answered, and loaded once.",
    ),
]


@router.post(
    "",
    status_code=HTTPStatus.CREATED,
    summary="Submit an order",
    responses=documented(HTTPStatus.FORBIDDEN)
    | WRITING
    | {
        201: {"description": "The order is new", **_ORDER},
        200: {"description": "The same order was here before", **_ORDER},
    },
)
async def create(
    request: Request,
    response: Response,
    caller: Caller,
    order: Annotated[OrderCreate, Body(openapi_examples={"order": {"value": EXAMPLE_ORDER}})],
    key: Key = None,
) -> dict[str, Any]:
    """Submit an order of the calling carrier; its id is ``externalId``.

    The same order again, or the same Idempotency-Key, is answered with the order as it stands.
    With a ``state`` an order that is known is reported as completed, failed or cancelled.
    """
    if key is not None and not (0 < len(key) <= MAX_KEY and key.isprintable()):
        raise ApiError(
            HTTPStatus.BAD_REQUEST,
            "invalidKey",
            "Idempotency-Key",
            f"An Idempotency-Key is a text of 1 to {MAX_KEY} characters.",
        )
    submission = submitting.read(caller, order)
    is_new = False
    # what was answered before is answered also while a build is at work
    if key is None or not await _was_received(request, submission, key):
        is_new = await write(
            request,
            partial(
                submitting.submit,
                request.app.state.settings,
                submission,
                key,
                by=platform_of(caller).acts_as,
            ),
        )
    found = await _order(request, caller, submission.order_id)
    response.status_code = HTTPStatus.CREATED if is_new else HTTPStatus.OK
    response.headers["Location"] = found["href"]
    return found


@router.get(
    "",
    summary="List orders",
    dependencies=[FILTERS, _FIELDS],
    responses=documented(HTTPStatus.FORBIDDEN)
    | {
        200: {
            "description": "Orders, the latest request first",
            "headers": PAGED[200]["headers"],
            "content": {"application/json": {"example": [EXAMPLE_ANSWERED_ORDER]}},
        }
    },
)
async def list_orders(  # noqa: PLR0917  (FastAPI reads the parameters)
    request: Request,
    caller: Caller,
    part: Parted,
    state: Annotated[str | None, Query(description="As in the orders.")] = None,
    external_id: Annotated[str | None, Query(alias="externalId")] = None,
    account_id: Annotated[
        str | None, Query(alias="relatedParty.id", description="An account.")
    ] = None,
) -> list[dict[str, Any]]:
    """Orders of the calling carrier."""
    statuses = {shown: status for status, shown in orders.STATES.items()}
    if state is not None and state not in statuses:
        raise ApiError(
            HTTPStatus.BAD_REQUEST,
            "unknownState",
            "Unknown state",
            f"{state[:40]} is no state; there are {', '.join(statuses)}.",
        )
    found: list[dict[str, Any]] = []
    total = 0
    if all(is_plain(text) for text in (external_id, account_id) if text is not None):
        async with _pool(request).connection() as session:
            found, total = await orders.find(
                session,
                caller,
                order_ids=None if external_id is None else [external_id],
                account_id=account_id,
                status=statuses[state] if state else None,
                limit=part.limit,
                offset=part.offset,
            )
    part.tell(total, len(found))
    return found


@router.get(
    "/{order_id:path}",
    summary="Follow an order",
    dependencies=[FILTERS, _FIELDS],
    responses=documented(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)
    | {200: {"description": "The order", **_ORDER}},
)
async def show(request: Request, caller: Caller, order_id: OrderId) -> dict[str, Any]:
    """An order of the calling carrier: its state, and how it stands to the other carriers.

    ``bundle`` says whether it is held back or in effect, as of the last build.
    """
    return await _order(request, caller, order_id)


@router.patch(
    "/{order_id:path}",
    summary="Report a new state",
    responses=documented(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)
    | WRITING
    | {200: {"description": "The order", **_ORDER}},
)
async def update(
    request: Request,
    caller: Caller,
    order_id: OrderId,
    wanted: Annotated[OrderUpdate, Body(openapi_examples={"completed": {"value": EXAMPLE_UPDATE}})],
) -> dict[str, Any]:
    """Report that an order of the calling carrier is completed, failed or cancelled.

    A completed order can still be cancelled; failed and cancelled are final.
    """
    if not is_plain(order_id):
        raise errors.not_found("There is no such order of yours.")
    await write(
        request,
        partial(
            submitting.update,
            request.app.state.settings,
            caller,
            order_id,
            wanted,
            by=platform_of(caller).acts_as,
        ),
    )
    return await _order(request, caller, order_id)


def _pool(request: Request) -> Pool:
    pool: Pool = request.app.state.pool
    return pool


async def _order(request: Request, caller: str, order_id: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = []
    if is_plain(order_id):
        async with _pool(request).connection() as session:
            found, _ = await orders.find(session, caller, order_ids=[order_id])
    if not found:
        raise errors.not_found("There is no such order of yours.")
    return found[0]


async def _was_received(request: Request, submission: submitting.Submission, key: str) -> bool:
    """Whether this very order came under this key before."""
    async with _pool(request).connection() as session:
        return bool(
            await fetch(
                session,
                "select from outbox.received_orders"
                " where carrier_id = %s and idempotency_key = %s and sha256 = %s",
                (submission.carrier_id, key, submission.sha256),
            )
        )
