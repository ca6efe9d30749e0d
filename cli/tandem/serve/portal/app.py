"""The portal as an application of its own below the server's: other errors, other headers."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from fastapi import FastAPI
from starlette.datastructures import State

from tandem.outbox import configuration
from tandem.serve.portal import accounts, adjustments, answers, bills, entering, plans, staff
from tandem.serve.portal.addresses import PATH
from tandem.serve.portal.brands import Brands
from tandem.serve.portal.headers import Headers
from tandem.serve.portal.static import Static
from tandem.settings import Settings

__all__ = ["PATH", "create_portal"]


def create_portal(settings: Settings, state: State) -> FastAPI:
    """The portal.

    Args:
        settings: where ``tandem.toml`` is.
        state: of the server that it is part of: its pools, its secret, its turn to write.

    Raises:
        Refused: ``tandem.toml`` says something that cannot be meant so.
    """
    portal = FastAPI(title="Tandem portal", openapi_url=None, redirect_slashes=False)
    portal.state = state
    state.brands = Brands(configuration.load(settings).carriers.values())
    answers.register(portal)
    portal.add_middleware(Headers)
    for part in (entering, accounts, adjustments, bills, plans, staff):
        portal.include_router(part.router)
    here = Path(str(files("tandem.serve.portal") / "static"))
    fonts = Path(str(files("tandem.bills") / "templates" / "fonts"))
    portal.mount("/static", Static({"": here, "fonts": fonts}))
    return portal
