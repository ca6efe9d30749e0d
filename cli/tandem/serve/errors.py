"""Errors as TMF630 has them: ``code``, ``reason``, ``message``, ``status``."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import psycopg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from psycopg_pool import PoolTimeout
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from tandem.errors import Busy, Refused, Unreachable
from tandem.serve.access import UnknownCarrierError
from tandem.serve.methods import allowed

RETRY_AFTER_SECONDS = 5
_SHOWN = 3  # mistakes of a body that are named at once
_LATER = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
_RETRY_AFTER = {
    "Retry-After": {"schema": {"type": "integer"}, "description": "Seconds until it may work."}
}
logger = logging.getLogger("tandem.serve")


class Error(BaseModel):
    """What was wrong."""

    code: str = Field(description="For programs.", examples=["unknownAccount"])
    reason: str = Field(description="What is wrong, in two or three words.")
    message: str = Field(description="A sentence for people.")
    status: str = Field(description="The status of HTTP.", examples=["422"])


class ApiError(Exception):
    """A request that is answered with an error."""

    def __init__(
        self,
        status: HTTPStatus,
        code: str,
        reason: str,
        message: str,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Say what is wrong: a code for programs, words, and a sentence for people."""
        super().__init__(message)
        self.status = status
        self.code = code
        self.reason = reason
        self.message = message
        self.headers = dict(headers or {})

    @property
    def body(self) -> dict[str, str]:
        """As TMF630 has it."""
        return Error(
            code=self.code, reason=self.reason, message=self.message, status=str(int(self.status))
        ).model_dump()

    def response(self) -> JSONResponse:
        """The answer."""
        return JSONResponse(self.body, int(self.status), self.headers)


def unavailable(code: str, reason: str, message: str) -> ApiError:
    """503, to be tried again soon."""
    return ApiError(
        HTTPStatus.SERVICE_UNAVAILABLE,
        code,
        reason,
        message,
        {"Retry-After": str(RETRY_AFTER_SECONDS)},
    )


def invalid(code: str, reason: str, message: str) -> ApiError:
    """422: it can be read, and cannot be meant so."""
    return ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, code, reason, message)


def conflict(code: str, reason: str, message: str) -> ApiError:
    """409."""
    return ApiError(HTTPStatus.CONFLICT, code, reason, message)


def not_found(message: str) -> ApiError:
    """404."""
    return ApiError(HTTPStatus.NOT_FOUND, "notFound", "Not found", message)


def database_error() -> ApiError:
    """503: whatever the database has said stays in the log."""
    return unavailable(
        "databaseUnavailable", "Database not available", "The database cannot be reached just now."
    )


def not_built() -> ApiError:
    """503: there is nothing yet to be asked."""
    return unavailable(
        "notReady",
        "Not ready",
        "The warehouse has not been set up and built yet ('tandem init', 'tandem build').",
    )


def documented(*statuses: HTTPStatus) -> dict[int | str, dict[str, Any]]:
    """Errors of an operation, for its documentation."""
    return {
        int(status): {"model": Error, "description": status.phrase}
        | ({"headers": _RETRY_AFTER} if status in _LATER else {})
        for status in statuses
    }


def register(app: FastAPI) -> None:
    """Answer every exception in the one form."""

    async def of_ours(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, ApiError)
        return error.response()

    async def of_shape(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        return ApiError(
            HTTPStatus.BAD_REQUEST, "invalidRequest", "Invalid request", _mistakes(error)
        ).response()

    async def of_http(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        status = HTTPStatus(error.status_code)
        headers = dict(error.headers or {})
        if status == HTTPStatus.METHOD_NOT_ALLOWED:  # it names those of one route of several
            path = request.scope["path"]
            headers["Allow"] = allowed(request.app.state.routes, path, headers.get("Allow", ""))
        words = status.phrase.split()
        code = words[0].lower() + "".join(word.capitalize() for word in words[1:])
        detail = {
            HTTPStatus.NOT_FOUND: "There is nothing at this address.",
            HTTPStatus.METHOD_NOT_ALLOWED: "This address has not this method.",
            HTTPStatus.BAD_REQUEST: "The body cannot be read as JSON.",
        }.get(status, f"{status.phrase}.")
        return ApiError(status, code, status.phrase, detail, headers).response()

    async def of_database(_: Request, error: Exception) -> JSONResponse:
        logger.warning("the database went away: %s", " ".join(str(error).split()))
        return database_error().response()

    async def of_missing_tables(_: Request, error: Exception) -> JSONResponse:
        logger.warning("a table is missing: %s", " ".join(str(error).split()))
        return not_built().response()

    async def of_lock(_: Request, error: Exception) -> JSONResponse:
        logger.info("%s", error)
        return unavailable(
            "busy", "Busy", "Another load or build is at work; nothing was changed."
        ).response()

    async def of_commands(_: Request, error: Exception) -> JSONResponse:
        logger.warning("%s", error)
        return not_built().response()

    async def of_us(_: Request, __: Exception) -> JSONResponse:  # also goes to the log
        return ApiError(
            HTTPStatus.INTERNAL_SERVER_ERROR,
            "internalError",
            "Internal error",
            "Something went wrong here; it has been written down.",
        ).response()

    async def of_unknown_carrier(_: Request, error: Exception) -> JSONResponse:
        return ApiError(
            HTTPStatus.FORBIDDEN, "unknownCarrier", "Unknown carrier", f"{error}."
        ).response()

    app.add_exception_handler(ApiError, of_ours)
    app.add_exception_handler(UnknownCarrierError, of_unknown_carrier)
    app.add_exception_handler(RequestValidationError, of_shape)
    app.add_exception_handler(HTTPException, of_http)
    for kind in (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout, Unreachable):
        app.add_exception_handler(kind, of_database)
    for missing in (
        psycopg.errors.UndefinedTable,
        psycopg.errors.UndefinedColumn,  # of a new version, before its first build
        psycopg.errors.InvalidSchemaName,
        psycopg.errors.InsufficientPrivilege,  # granted by the first build
    ):
        app.add_exception_handler(missing, of_missing_tables)
    app.add_exception_handler(Busy, of_lock)
    app.add_exception_handler(Refused, of_commands)
    app.add_exception_handler(Exception, of_us)


def _mistakes(error: RequestValidationError) -> str:
    """Where a request is not what it has to be, in a sentence."""
    told = []
    for mistake in error.errors()[:_SHOWN]:
        place = ".".join(str(part) for part in mistake["loc"][1:]) or str(mistake["loc"][0])
        if mistake["type"] == "json_invalid":
            place = "body"
        told.append(f"{place[:100]}: {_words(mistake)}")
    return "; ".join(told) + "."


# what is wrong with a value, by the names that the framework has for it
_WORDS = {
    "missing": "is missing",
    "string_type": "has to be a text",
    "string_too_short": "is empty",
    "string_too_long": "has more than {max_length} characters",
    "int_type": "has to be a whole number",
    "int_parsing": "has to be a whole number",
    "int_parsing_size": "has to be a whole number of a usual size",
    "int_from_float": "has to be a whole number",
    "bool_type": "has to be true or false",
    "bool_parsing": "has to be true or false",
    "decimal_type": "has to be a decimal number",
    "decimal_parsing": "has to be a decimal number",
    "decimal_max_digits": "has more than {max_digits} digits",
    "finite_number": "has to be a finite number",
    "greater_than": "has to be above {gt}",
    "greater_than_equal": "has to be {ge} or more",
    "less_than": "has to be below {lt}",
    "less_than_equal": "has to be {le} or less",
    "literal_error": "has to be {expected}",
    "enum": "has to be {expected}",
    "list_type": "has to be a list",
    "too_short": "has too few entries",
    "too_long": "has more than {max_length} entries",
    "dict_type": "has to be an object",
    "model_type": "has to be an object",
    "model_attributes_type": "has to be an object",
    "extra_forbidden": "is no member",
    "json_invalid": "cannot be read as JSON",
    "date_type": "has to be a date, as text",
    "date_parsing": "has to be a date such as 2025-08-25",
    "date_from_datetime_parsing": "has to be a date such as 2025-08-25",
    "date_from_datetime_inexact": "has to be a date such as 2025-08-25",
    "datetime_type": "has to be a date with its time, as text",
    "datetime_parsing": "has to be a date with its time, such as 2025-08-25T09:30:00Z",
    "datetime_from_date_parsing": "has to be a date with its time, such as 2025-08-25T09:30:00Z",
}


def _words(mistake: Mapping[str, Any]) -> str:
    """What is wrong with a value, in ours."""
    said = mistake.get("ctx", {})
    if mistake["type"] == "value_error":
        return str(said["error"])
    try:
        return _WORDS[mistake["type"]].format(**said)
    except KeyError:
        return "is not what it has to be"
