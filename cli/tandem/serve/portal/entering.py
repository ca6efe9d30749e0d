"""Coming in with a token, and leaving."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from tandem.serve.portal import brands as branding
from tandem.serve.portal import faults, visits
from tandem.serve.portal.addresses import PATH, piece
from tandem.serve.portal.brands import Brands
from tandem.serve.portal.pages import render
from tandem.serve.portal.visits import Visitor
from tandem.tokens import Role

router = APIRouter()


@router.get("/enter")
async def enter(request: Request, token: str = "") -> Response:
    """Take a token out of the address and into a cookie."""
    return await _enter(request, token, None)


@router.get("/at/{carrier_id:piece}/enter")
async def enter_at(request: Request, carrier_id: str, token: str = "") -> Response:
    """The same from the site of a carrier, under whose name the visit goes on."""
    request.state.brand = carrier_id
    return await _enter(request, token, carrier_id)


async def _enter(request: Request, token: str, carrier_id: str | None) -> Response:
    if not token:
        raise faults.not_entered()
    subject = visits.genuine(request, token)
    brands: Brands = request.app.state.brands
    carriers = await brands.carriers(request.app.state.pool)
    if carrier_id is not None and carrier_id not in carriers:
        raise faults.not_found("There is no such carrier here.")
    if subject.role is Role.CARRIER and subject.subject not in carriers:
        raise faults.not_genuine()
    response = RedirectResponse(f"{PATH}/", HTTPStatus.SEE_OTHER)
    visits.keep(request, response, visits.COOKIE, token, subject)
    if carrier_id is not None:
        visits.keep(request, response, branding.COOKIE, carrier_id, subject)
    else:
        response.delete_cookie(branding.COOKIE, path=PATH)
    return response


@router.post("/leave")
async def leave(request: Request, subject: Visitor) -> Response:
    """Forget who it was."""
    await visits.read_form(request, subject)
    brand = request.cookies.get(branding.COOKIE)
    at = f"/at/{piece(brand)}" if brand else ""
    response = RedirectResponse(f"{PATH}{at}/left", HTTPStatus.SEE_OTHER)
    for cookie in (visits.COOKIE, branding.COOKIE):
        response.delete_cookie(cookie, path=PATH)
    return response


@router.get("/left")
async def left(request: Request) -> Response:
    """After leaving."""
    return await render(request, "left.html.j2")


@router.get("/at/{carrier_id:piece}/left")
async def left_at(request: Request, carrier_id: str) -> Response:
    """The same under the name of a carrier, which the browser has forgotten by now."""
    request.state.brand = carrier_id
    return await render(request, "left.html.j2")


@router.get("/brand.css")
async def colours(request: Request) -> Response:
    """Colours of the portal itself."""
    return _stylesheet(request, None)


@router.get("/brand/{carrier_id:piece}.css")
async def colours_of(request: Request, carrier_id: str) -> Response:
    """Colours of a carrier."""
    return _stylesheet(request, carrier_id)


def _stylesheet(request: Request, carrier_id: str | None) -> Response:
    brands: Brands = request.app.state.brands
    return Response(
        brands.colours(carrier_id),
        media_type="text/css",
        headers={"Cache-Control": "public, max-age=300"},
    )
