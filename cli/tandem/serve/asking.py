"""What routes for reading have in common: whose rows, which part of a list, unknown filters."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, datetime
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Depends, Query, Request, Response
from fastapi.dependencies.models import Dependant
from pydantic import BeforeValidator

from tandem.queries import Row
from tandem.serve import errors
from tandem.serve.access import Access, Session
from tandem.serve.errors import ApiError, documented
from tandem.serve.queries import MAX_LIMIT, MAX_OFFSET, Page, find_account
from tandem.tokens import Subject

COMMON = documented(
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.SERVICE_UNAVAILABLE,
)
# of what has a body
WRITING = documented(
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.CONFLICT,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
)
_HEADERS: dict[str, Any] = {
    "X-Total-Count": {"schema": {"type": "integer"}, "description": "Rows of all parts."},
    "X-Result-Count": {"schema": {"type": "integer"}, "description": "Rows of this part."},
    "Link": {
        "schema": {"type": "string"},
        "description": "The first, previous, next and last part (RFC 8288).",
    },
}
PAGED: dict[int | str, dict[str, Any]] = {
    200: {"description": "A part; an empty one beyond the end.", "headers": _HEADERS}
}

# the date, or the date and the time with or without an offset: a number is none of them
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(T[0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2})?)?"
)
ISO = "has to be ISO 8601"


def _day(text: Any) -> Any:
    if isinstance(text, str) and _DAY.fullmatch(text):
        try:
            return date.fromisoformat(text)
        except ValueError:  # there is no such day
            pass
    raise ValueError(f"{ISO}: a date such as 2025-08-25")


def _moment(text: Any) -> Any:
    if isinstance(text, str) and _MOMENT.fullmatch(text):
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            pass
    raise ValueError(
        f"{ISO}: a date such as 2025-08-25, or with its time 2025-08-25T09:30:00Z"
        " (in an address the + of an offset is written %2B)"
    )


Day = Annotated[date, BeforeValidator(_day)]
Moment = Annotated[datetime, BeforeValidator(_moment)]


@asynccontextmanager
async def session_of(request: Request, subject: Subject) -> AsyncIterator[Session]:
    """A session that sees what somebody may see."""
    access: Access = request.app.state.access
    async with access.session(subject) as session:
        yield session


@asynccontextmanager
async def session_for(
    request: Request, subject: Subject, account_id: str
) -> AsyncIterator[tuple[Session, Row]]:
    """A session, and an account that it sees.

    Raises:
        ApiError: 404, whether there is no such account or it is not for them to see.
    """
    async with session_of(request, subject) as session:
        account = await find_account(session, account_id)
        if account is None:
            raise no_account()
        yield session, account


def no_account() -> ApiError:
    """404: of an account that is not there and of another's the same."""
    return errors.not_found("There is no such account.")


def forbidden(message: str) -> ApiError:
    """403: it is there, and not for everybody."""
    return ApiError(HTTPStatus.FORBIDDEN, "forbidden", "Forbidden", message)


def staff_only(subject: Subject) -> None:
    """Refuse subscribers.

    Raises:
        ApiError: 403.
    """
    if not subject.is_staff:
        raise forbidden("This is for carriers and the support desk.")


class Part:
    """Which part of a list is asked for."""

    def __init__(
        self,
        request: Request,
        response: Response,
        limit: Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Rows of the part.")] = 20,
        offset: Annotated[int, Query(ge=0, le=MAX_OFFSET, description="Rows before the part.")] = 0,
    ) -> None:
        """Taken from the query."""
        self.limit = limit
        self.offset = offset
        self._request = request
        self._response = response

    def of(self, page: Page) -> list[Row]:
        """The rows, the headers told."""
        self.tell(page.total, len(page.rows))
        return page.rows

    def tell(self, total: int, shown: int) -> None:
        """Say in headers how much there is, and where."""
        headers = self._response.headers
        headers["X-Total-Count"] = str(total)
        headers["X-Result-Count"] = str(shown)
        last = max(total - 1, 0) // self.limit * self.limit
        parts = {"first": 0, "last": last}
        if self.offset > 0:
            parts["prev"] = min(max(self.offset - self.limit, 0), last)
        if self.offset + self.limit < total:
            parts["next"] = self.offset + self.limit
        headers["Link"] = ", ".join(f'<{self._at(at)}>; rel="{rel}"' for rel, at in parts.items())

    def _at(self, offset: int) -> str:
        others = [
            (name, value)
            for name, value in self._request.query_params.multi_items()
            if name not in ("limit", "offset")
        ]
        query = urlencode([*others, ("limit", self.limit), ("offset", offset)])
        path = self._request.scope.get("raw_path", b"").decode("ascii") or self._request.url.path
        return f"{path}?{query}"


Parted = Annotated[Part, Depends()]


def refuse_unknown_filters(request: Request) -> None:
    """What is not a filter would be taken for one that let everything through; none is said twice.

    Raises:
        ApiError: 400.
    """
    known: set[str] = set()
    waiting: list[Dependant] = [request.scope["route"].dependant]
    while waiting:
        one = waiting.pop()
        known |= {parameter.alias for parameter in one.query_params}
        waiting += one.dependencies
    said = [name for name, _ in request.query_params.multi_items()]
    for name in dict.fromkeys(said):
        if name in known and said.count(name) > 1:
            raise ApiError(
                HTTPStatus.BAD_REQUEST,
                "repeatedParameter",
                "Repeated parameter",
                f"{name} is there {said.count(name)} times; it has one value.",
            )
        if name not in known:
            there_are = f"there are {', '.join(sorted(known))}" if known else "there are none"
            raise ApiError(
                HTTPStatus.BAD_REQUEST,
                "unknownFilter",
                "Unknown filter",
                f"{name[:40]!r} is no filter; {there_are}.",
            )


FILTERS = Depends(refuse_unknown_filters)
