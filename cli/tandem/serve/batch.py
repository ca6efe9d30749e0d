"""Whole marts for other systems: one row a line, read from a cursor while it is sent."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

import anyio
import psycopg
from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel
from starlette.types import Receive, Scope, Send

from tandem.queries import Row
from tandem.serve import errors, queries
from tandem.serve.asking import COMMON, FILTERS, session_of, staff_only
from tandem.serve.authentication import Reader
from tandem.serve.resources import RolloverBucket, UnbilledSummary
from tandem.tokens import Subject

AT_ONCE = 2  # streams of one carrier, or of the support desk: others want sessions, too
STATEMENT_MINUTES = 10  # until the first row is there
LONGEST_MINUTES = 15  # of a whole stream: a build waits for it, and others for the build
IDLE_MINUTES = 2  # that a caller may be busy with what it has got; then the session ends
_SUMMARY = """
    select summary.*, named.pool_name
    from unbilled_summary as summary
    left join (
        select pool_id, min(pool_name) as pool_name from catalog.plan_pools group by pool_id
    ) as named on named.pool_id = summary.pool_id
    order by summary.account_id collate "C", summary.cycle_start, summary.pool_id
"""
router = APIRouter(prefix="/api/v1", tags=["batch"], responses=COMMON, dependencies=[FILTERS])


class _Stream(StreamingResponse):
    """Ends what it reads from also when the caller has gone."""

    media_type = "application/x-ndjson"

    def __init__(self, source: AsyncGenerator[bytes, None]) -> None:
        super().__init__(source)
        self._source = source

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            with anyio.CancelScope(shield=True):
                await self._source.aclose()


def _described(model: type[BaseModel]) -> dict[int | str, dict[str, Any]]:
    return {
        200: {
            "description": f"One {model.__name__} a line, in order of account.",
            # a text whose lines are JSON: OpenAPI 3.1 has no other way to say so
            "content": {
                "application/x-ndjson": {
                    "schema": {
                        "type": "string",
                        "contentMediaType": "application/json",
                        "contentSchema": {"$ref": f"#/components/schemas/{model.__name__}"},
                    }
                }
            },
        }
    }


@router.get(
    "/unbilled",
    response_class=StreamingResponse,
    summary="Balances of all accounts (staff)",
    responses=_described(UnbilledSummary),
)
async def all_unbilled(request: Request, subject: Reader) -> StreamingResponse:
    """The unbilled summary of every account that a carrier serves; all for the support desk.

    All rows are of the same moment. Without a last newline it was broken off.
    """
    return await _stream(request, subject, _SUMMARY, UnbilledSummary)


@router.get(
    "/rollover/buckets",
    response_class=StreamingResponse,
    summary="Rollover buckets of all accounts (staff)",
    responses=_described(RolloverBucket),
)
async def all_buckets(request: Request, subject: Reader) -> StreamingResponse:
    """Rollover buckets with units that can still be used, of all accounts that a carrier serves.

    All rows are of the same moment. Without a last newline it was broken off.
    """
    return await _stream(request, subject, queries.AVAILABLE_BUCKETS, RolloverBucket)


async def _stream(
    request: Request, subject: Subject, statement: str, model: type[BaseModel]
) -> StreamingResponse:
    staff_only(subject)
    under_way: dict[str, int] = request.app.state.streams
    who = subject.carrier_id or ""
    if under_way.get(who, 0) >= AT_ONCE:
        raise errors.unavailable("busy", "Busy", f"{AT_ONCE} of these are under way already.")
    under_way[who] = under_way.get(who, 0) + 1

    def end() -> None:
        under_way[who] -= 1

    names = set(model.model_fields)
    source = _lines(request, subject, statement, names, end)
    # what goes wrong before the first row is answered as an error
    try:
        first = await anext(source, b"")
    except BaseException:
        await source.aclose()
        raise

    async def all_of_it() -> AsyncGenerator[bytes, None]:
        async with aclosing(source):
            yield first
            async for piece in source:
                yield piece

    return _Stream(all_of_it())


async def _lines(
    request: Request,
    subject: Subject,
    statement: str,
    names: set[str],
    end: Callable[[], None],
) -> AsyncGenerator[bytes, None]:
    """Rows as JSON, some hundred at a time."""
    try:
        async with session_of(request, subject) as session:
            for name, value in (
                ("statement_timeout", f"{STATEMENT_MINUTES}min"),
                ("idle_in_transaction_session_timeout", f"{IDLE_MINUTES}min"),
                ("cursor_tuple_fraction", "1"),  # all rows will be wanted
            ):
                await session.execute("select set_config(%s, %s, true)", (name, value))
            waiting: list[str] = []
            ends_at = time.monotonic() + 60 * LONGEST_MINUTES
            async for row in queries.stream(session, statement):
                waiting.append(_line(row, names))
                if len(waiting) == queries.CHUNK:
                    if time.monotonic() > ends_at:
                        raise psycopg.OperationalError("a caller has read for too long")
                    yield "".join(waiting).encode()
                    waiting.clear()
            if waiting:
                yield "".join(waiting).encode()
    finally:
        end()


def _line(row: Row, names: set[str]) -> str:
    shown = {name: value for name, value in row.items() if name in names}
    return json.dumps(shown, default=_text, separators=(",", ":")) + "\n"


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
