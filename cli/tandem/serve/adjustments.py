"""Adjustments that carriers' people and the support desk make."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Body, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict, Field

from tandem.database import Connection
from tandem.errors import Busy, Refused, Unreachable
from tandem.feeds import MAX_CYCLES, MAX_UNITS
from tandem.rollover import adjusting
from tandem.rollover.adjusting import Adjustment, Recorded
from tandem.serve import errors, queries
from tandem.serve.access import Session
from tandem.serve.accounts import PATH, AccountId
from tandem.serve.asking import COMMON, FILTERS, WRITING, forbidden, session_for, staff_only
from tandem.serve.authentication import Reader
from tandem.serve.resources import ACCOUNT
from tandem.serve.tmf import Text
from tandem.serve.writing import as_loader, to_judge, write
from tandem.settings import Settings
from tandem.tokens import Subject

EXAMPLE: dict[str, Any] = {
    "adjustment_id": "CASE-4711",
    "pool_id": "anytime",
    "action": "credit",
    "quantity": "50",
    "reason_code": "error_correction",
    "note": "Calls were cut off on June 14.",
}
router = APIRouter(prefix=PATH, tags=["accounts"], responses=COMMON, dependencies=[FILTERS])


class AdjustmentCreate(BaseModel):
    """An adjustment as it is asked for."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": EXAMPLE})

    adjustment_id: Text | None = Field(
        default=None, description="The caller's id of it: the same again is recorded once."
    )
    pool_id: Text
    action: Literal["credit", "debit", "resale", "extension"]
    quantity: Decimal = Field(
        gt=0, le=MAX_UNITS, max_digits=40, description="In units of the pool."
    )
    reason_code: Text
    bucket_cycle_start: date | None = Field(
        default=None, description="Resale and extension: the cycle in which the bucket was earned."
    )
    extend_cycles: int | None = Field(
        default=None, ge=1, le=MAX_CYCLES, description="Extension: by how many cycles."
    )
    adjusted_at: datetime | None = Field(
        default=None, description="With its offset; by default now, or when it first came."
    )
    note: Text | None = None


class RecordedAdjustment(BaseModel):
    """An adjustment that is recorded. The next build applies it."""

    adjustment_id: str
    account_id: str = Field(examples=[ACCOUNT])
    pool_id: str
    unit_type: str
    action: str
    quantity: Decimal
    reason_code: str
    bucket_cycle_start: date | None
    extend_cycles: int | None
    adjusted_at: datetime
    adjusted_by: str = Field(
        description="Who: support/sue, wireless/ann.", examples=["support/sue"]
    )
    note: str | None
    warnings: list[str] = Field(description="What will keep it, or a part of it, from applying.")


@router.post(
    "/accounts/{account_id:path}/adjustments",
    status_code=HTTPStatus.CREATED,
    response_model=RecordedAdjustment,
    summary="Adjust rollover units (staff)",
    responses=WRITING
    | {
        200: {"model": RecordedAdjustment, "description": "The same was here before"},
        201: {"description": "It is recorded"},
    },
)
async def adjust(
    request: Request,
    response: Response,
    subject: Reader,
    account_id: AccountId,
    wanted: Annotated[AdjustmentCreate, Body(openapi_examples={"credit": {"value": EXAMPLE}})],
) -> dict[str, Any]:
    """Give, take, sell again or extend rollover units, with a reason.

    For the support desk, and for users of a carrier that serves the account; it is written down
    who. It is judged as ``tandem rollover adjust`` judges it.
    """
    recorded = await record(request, subject, account_id, wanted)
    response.status_code = HTTPStatus.CREATED if recorded.load_id else HTTPStatus.OK
    this_one = urlencode({"adjustmentId": recorded.row["adjustment_id"]})
    response.headers["Location"] = (
        f"{PATH}/accounts/{quote(account_id, safe='')}/adjustments?{this_one}"
    )
    return recorded.row | {"unit_type": recorded.unit_type, "warnings": list(recorded.warnings)}


async def record(
    request: Request, subject: Subject, account_id: str, wanted: AdjustmentCreate
) -> Recorded:
    """Record an adjustment that somebody asks for.

    Raises:
        ApiError: 403, it is not for them to ask; 404, no such account; 409, other content came
            under its id before; 422, it cannot be meant so.
        Busy: another command is at work.
    """
    await _admit(request, subject, account_id, wanted)
    return await write(
        request, partial(_record, request.app.state.settings, subject, account_id, wanted)
    )


async def judge(
    request: Request, subject: Subject, account_id: str, wanted: AdjustmentCreate
) -> Recorded:
    """What would be recorded of it, with warnings; nothing is changed.

    Raises:
        ApiError: 403, 404 and 422, as `record` does.
    """
    await _admit(request, subject, account_id, wanted)
    return await run_in_threadpool(_judge, request.app.state.settings, subject, account_id, wanted)


async def _admit(
    request: Request, subject: Subject, account_id: str, wanted: AdjustmentCreate
) -> None:
    """Refuse who may not ask for it, and what is not said of it."""
    staff_only(subject)
    if subject.is_platform:
        raise forbidden("An adjustment is somebody's: it needs the token of a person.")
    if wanted.adjusted_at is not None and wanted.adjusted_at.tzinfo is None:
        raise errors.invalid("adjustedAt", "No offset", "adjusted_at needs an offset from UTC.")
    _require_parts(wanted)
    async with session_for(request, subject, account_id) as (session, _):
        if wanted.bucket_cycle_start is not None and wanted.action in adjusting.OF_A_BUCKET:
            await _require_bucket(session, account_id, wanted)


def _require_parts(wanted: AdjustmentCreate) -> None:
    if wanted.action in adjusting.OF_A_BUCKET and wanted.bucket_cycle_start is None:
        raise errors.invalid(
            "bucketCycleStart",
            "No bucket",
            "bucket_cycle_start has to say in which cycle the bucket was earned.",
        )
    if wanted.action == "extension" and wanted.extend_cycles is None:
        raise errors.invalid(
            "extendCycles",
            "No cycles",
            "extend_cycles has to say how many more cycles the bucket shall live.",
        )


async def _require_bucket(session: Session, account_id: str, wanted: AdjustmentCreate) -> None:
    known = {
        (row["pool_id"], row["earned_cycle_start"])
        for row in await queries.rollover_buckets(session, account_id)
        if row["source"] == "plan"
    }
    if (wanted.pool_id, wanted.bucket_cycle_start) not in known:
        raise errors.invalid(
            "unknownBucket",
            "Unknown bucket",
            f"There is no bucket of {wanted.pool_id} that was earned in the cycle of"
            f" {wanted.bucket_cycle_start}.",
        )


def _record(
    settings: Settings, subject: Subject, account_id: str, wanted: AdjustmentCreate
) -> Recorded:
    """Record it.

    Raises:
        ApiError: 409, other content came under its id before; 422, it cannot be meant so.
        Busy: another command is at work.
    """
    with as_loader(settings) as connection, _told():
        wanted_here = _of(connection, subject, account_id, wanted)
        return adjusting.adjust(connection, wanted_here, loaded_by=subject.acts_as)


def _judge(
    settings: Settings, subject: Subject, account_id: str, wanted: AdjustmentCreate
) -> Recorded:
    with to_judge(settings) as connection, _told():
        return adjusting.judge(connection, _of(connection, subject, account_id, wanted))


def _of(
    connection: Connection, subject: Subject, account_id: str, wanted: AdjustmentCreate
) -> Adjustment:
    now = datetime.now(UTC)
    earlier = adjusting.recorded_before(connection, wanted.adjustment_id)
    return Adjustment(
        account_id,
        wanted.pool_id,
        wanted.action,
        wanted.quantity,
        wanted.reason_code,
        wanted.bucket_cycle_start,
        wanted.extend_cycles,
        adjusted_by=subject.acts_as,
        # the same again says the same time
        adjusted_at=wanted.adjusted_at or (earlier or now),
        note=wanted.note,
        adjustment_id=wanted.adjustment_id or f"API-{now:%Y%m%dT%H%M%S.%fZ}-{secrets.token_hex(3)}",
    )


@contextmanager
def _told() -> Iterator[None]:
    """Tell what the warehouse refuses as an answer."""
    try:
        yield
    except adjusting.OtherContentError as error:
        raise errors.conflict("otherContent", "Another adjustment", str(error)) from error
    except (Busy, Unreachable):
        raise
    except Refused as error:
        raise errors.invalid("invalidAdjustment", "Invalid adjustment", str(error)) from error
