"""The application, put together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp

from tandem import __version__
from tandem.database import database_url
from tandem.serve import (
    accounts,
    adjustments,
    balances,
    batch,
    billing,
    errors,
    ordering,
    qualification,
    usage,
)
from tandem.serve.access import Access, OwnSessions
from tandem.serve.authentication import Tokens
from tandem.serve.headers import SecurityHeaders
from tandem.serve.limits import BodyLimits
from tandem.serve.methods import Heads
from tandem.serve.portal import PATH, create_portal
from tandem.serve.rates import Rates
from tandem.serve.reading import fetch
from tandem.settings import Settings

DESCRIPTION = (
    "Accounts, their usage, rollover units and bills, for subscribers, carriers and the support"
    " desk (TMF635, TMF678, TMF654, and Tandem's own services); orders of carriers' platforms"
    " (TMF622, TMF679). Each call bears a token and sees what its owner may see. Every error has"
    " the form of TMF630; 429 and 503 with Retry-After are to be tried again."
)


class _App(FastAPI):
    def build_middleware_stack(self) -> ASGIApp:
        # also around the answer to what nobody has foreseen
        return SecurityHeaders(super().build_middleware_stack(), https=self.state.https)

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            self.openapi_schema = _without_422(super().openapi())
        return self.openapi_schema


def _without_422(schema: dict[str, Any]) -> dict[str, Any]:
    """The description without the framework's answer to what is invalid: ours is 400."""
    for operations in schema["paths"].values():
        for operation in operations.values():
            if "HTTPValidationError" in str(operation["responses"].get("422")):
                del operation["responses"]["422"]
    for name in ("HTTPValidationError", "ValidationError"):
        schema["components"]["schemas"].pop(name, None)
    return schema


def create_app(
    settings: Settings, tokens: Tokens, key: str, rates: Rates, *, https: bool = False
) -> FastAPI:
    """The application.

    Args:
        settings: which database; it need not be up.
        tokens: of the carriers' platforms that may call.
        key: the secret of the tokens that people have.
        rates: how often somebody may call.
        https: whether all who call come by TLS, which a proxy ends.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.turn = asyncio.Lock()
        url = settings.reader_url or database_url(settings)
        app.state.pool = OwnSessions(url)
        app.state.access = Access(url)
        async with app.state.pool:
            try:
                yield
            finally:
                await app.state.access.close()

    app = _App(
        title="Tandem",
        version=__version__,
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,  # their pages get scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,  # it would send back the host that was asked for, and without TLS
    )
    app.state.settings = settings
    app.state.tokens = tokens
    app.state.key = key
    app.state.rates = rates
    app.state.streams = {}
    app.state.https = https
    errors.register(app)
    app.add_middleware(BodyLimits)
    app.add_middleware(Heads)
    routers = (
        *(ordering.router, qualification.router, usage.router, billing.router, balances.router),
        # what is said of one account comes last: it takes any path below
        *(batch.router, adjustments.router, accounts.router),
    )
    for router in routers:
        app.include_router(router)
    app.state.routes = [route for router in routers for route in router.routes]

    @app.get(PATH, include_in_schema=False)
    async def to_portal() -> RedirectResponse:
        return RedirectResponse(f"{PATH}/", HTTPStatus.SEE_OTHER)

    app.mount(PATH, create_portal(settings, app.state))

    @app.get(
        "/health",
        tags=["health"],
        summary="Whether the database answers",
        responses=errors.documented(HTTPStatus.SERVICE_UNAVAILABLE),
    )
    async def health(request: Request) -> dict[str, str]:
        pool: OwnSessions = request.app.state.pool
        async with pool.connection() as session:
            await fetch(session, "select 1")
        return {"status": "up"}

    return app
