"""The application, put together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request

from tandem import __version__
from tandem.database import database_url
from tandem.serve import errors, ordering, qualification
from tandem.serve.access import Access
from tandem.serve.authentication import Tokens
from tandem.serve.limits import BodyLimits
from tandem.serve.portal import PATH, create_portal
from tandem.serve.reading import Pool, fetch, make_pool
from tandem.settings import Settings

DESCRIPTION = (
    "For the ordering platforms of carriers: submit orders and follow them (TMF622), ask whether an"
    " account can have a plan (TMF679). Each call bears the token of a carrier and is answered for"
    " that carrier. Every error has the form of TMF630; 503 with Retry-After is to be tried again."
)


def create_app(settings: Settings, tokens: Tokens, key: str) -> FastAPI:
    """The application.

    Args:
        settings: which database; it need not be up.
        tokens: of the carriers' platforms that may call.
        key: the secret of the tokens that people have.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.turn = asyncio.Lock()
        app.state.pool = make_pool(database_url(settings))
        app.state.access = Access(database_url(settings))
        async with app.state.pool:
            try:
                yield
            finally:
                await app.state.access.close()

    app = FastAPI(
        title="Tandem",
        version=__version__,
        description=DESCRIPTION,
        lifespan=lifespan,
        redoc_url=None,
    )
    app.state.settings = settings
    app.state.tokens = tokens
    app.state.key = key
    errors.register(app)
    app.add_middleware(BodyLimits)
    app.include_router(ordering.router)
    app.include_router(qualification.router)

    app.mount(PATH, create_portal(settings, app.state))

    @app.get("/health", tags=["health"], summary="Whether the database answers")
    async def health(request: Request) -> dict[str, str]:
        pool: Pool = request.app.state.pool
        async with pool.connection() as session:
            await fetch(session, "select 1")
        return {"status": "up"}

    return app
