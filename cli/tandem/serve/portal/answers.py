"""Every exception as a page with a sentence; its cause stays in the log."""

from __future__ import annotations

import logging
from http import HTTPStatus

import psycopg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from psycopg_pool import PoolTimeout
from starlette.exceptions import HTTPException
from starlette.responses import Response

from tandem.errors import Busy, Refused, Unreachable
from tandem.serve.access import UnknownCarrierError
from tandem.serve.errors import RETRY_AFTER_SECONDS, ApiError
from tandem.serve.portal import faults
from tandem.serve.portal.faults import Fault
from tandem.serve.portal.pages import render

logger = logging.getLogger("tandem.serve")


async def page_of(request: Request, fault: Fault) -> Response:
    """The page; from what could not be read a link leads back, with nothing chosen."""
    is_form = fault.status is HTTPStatus.BAD_REQUEST and request.method == "GET"
    again = request.scope["raw_path"].decode("ascii") if is_form and request.url.query else None
    response = await render(request, "fault.html.j2", int(fault.status), fault=fault, again=again)
    if fault.status is HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


def register(app: FastAPI) -> None:
    """Answer every exception with a page."""

    async def of_ours(request: Request, error: Exception) -> Response:
        assert isinstance(error, Fault)
        return await page_of(request, error)

    async def of_shape(request: Request, _: Exception) -> Response:
        return await page_of(
            request, faults.bad_request("The address or the form is not complete.")
        )

    async def of_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        status = HTTPStatus(error.status_code)
        if status is HTTPStatus.NOT_FOUND:
            return await page_of(request, faults.not_found())
        return await page_of(
            request, Fault(status, status.phrase, "This address cannot be used like that.")
        )

    async def of_orders(request: Request, error: Exception) -> Response:
        assert isinstance(error, ApiError)
        response = await page_of(request, Fault(error.status, error.reason, error.message))
        response.headers.update(error.headers)
        return response

    async def of_database(request: Request, error: Exception) -> Response:
        logger.warning("the database went away: %s", " ".join(str(error).split()))
        return await page_of(request, faults.away())

    async def of_missing_tables(request: Request, error: Exception) -> Response:
        logger.warning("not built: %s", " ".join(str(error).split()))
        return await page_of(request, faults.away())

    async def of_another_version(request: Request, error: Exception) -> Response:
        logger.warning("of another version: %s", " ".join(str(error).split()))
        return await page_of(request, faults.updating())

    async def of_privilege(request: Request, error: Exception) -> Response:
        logger.warning("not allowed: %s", " ".join(str(error).split()))
        return await page_of(request, faults.not_yours("Your role may not read this."))

    async def of_lock(request: Request, error: Exception) -> Response:
        logger.info("%s", error)
        return await page_of(
            request,
            Fault(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "Busy just now",
                "Our books are being brought up to date. Nothing was changed; please try again in a"
                " minute.",
            ),
        )

    async def of_unknown_carrier(request: Request, _: Exception) -> Response:
        return await page_of(request, faults.not_genuine())

    async def of_us(request: Request, _: Exception) -> Response:  # also goes to the log
        return await page_of(
            request,
            Fault(
                HTTPStatus.INTERNAL_SERVER_ERROR,
                "Something went wrong here",
                "It has been written down and will be looked at. Your account is as it was.",
            ),
        )

    app.add_exception_handler(Fault, of_ours)
    app.add_exception_handler(RequestValidationError, of_shape)
    app.add_exception_handler(HTTPException, of_http)
    app.add_exception_handler(ApiError, of_orders)
    for kind in (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout, Unreachable):
        app.add_exception_handler(kind, of_database)
    for missing in (
        psycopg.errors.UndefinedTable,
        psycopg.errors.InvalidSchemaName,
        Refused,
    ):
        app.add_exception_handler(missing, of_missing_tables)
    for differing in (psycopg.errors.UndefinedColumn, psycopg.errors.UndefinedFunction):
        app.add_exception_handler(differing, of_another_version)
    app.add_exception_handler(psycopg.errors.InsufficientPrivilege, of_privilege)
    app.add_exception_handler(UnknownCarrierError, of_unknown_carrier)
    app.add_exception_handler(Busy, of_lock)
    app.add_exception_handler(Exception, of_us)
