"""Who visits: a token in a cookie, and forms that only a page of the same visit can send."""

from __future__ import annotations

import hmac
from datetime import UTC, datetime
from hashlib import sha256
from http import HTTPStatus
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from tandem.serve.authentication import address_of
from tandem.serve.portal import faults
from tandem.serve.portal.addresses import PATH
from tandem.serve.portal.faults import Fault
from tandem.serve.rates import Rates
from tandem.tokens import InvalidTokenError, Subject, read_token

COOKIE = "tandem_portal"


def visitor(request: Request) -> Subject:
    """Who it is.

    Raises:
        Fault: 401; nobody has come in, or the time is over.
    """
    token = request.cookies.get(COOKIE)
    if not token:
        raise faults.not_entered()
    return genuine(request, token)


Visitor = Annotated[Subject, Depends(visitor)]


def genuine(request: Request, token: str) -> Subject:
    """Whose token it is.

    Raises:
        Fault: 401.
        ApiError: 429; it is asked too often.
    """
    rates: Rates = request.app.state.rates
    try:
        subject = read_token(request.app.state.key, token)
    except InvalidTokenError as error:
        if not error.expired:  # which was genuine once: it is no guess
            rates.admit_unknown(address_of(request))
        raise (faults.ended() if error.expired else faults.not_genuine()) from None
    rates.admit(f"person {subject.session}")
    return subject


def keep(request: Request, response: Response, name: str, value: str, subject: Subject) -> None:
    """Set a cookie for the time of a visit."""
    left = int((subject.expires_at - datetime.now(UTC)).total_seconds())
    response.set_cookie(
        name,
        value,
        max_age=max(left, 0),
        path=PATH,
        secure=_is_https(request),
        httponly=True,
        samesite="lax",
    )


def _is_https(request: Request) -> bool:
    """Whether the visitor's side speaks TLS; a proxy says so, and who lies harms himself only."""
    said = request.headers.get("x-forwarded-proto", request.url.scheme)
    return said.split(",")[0].strip().lower() == "https"


def form_key(request: Request, subject: Subject) -> str:
    """What a form of a visit has to say."""
    key: str = request.app.state.key
    said = f"form of the portal {subject.session}"
    return hmac.new(key.encode(), said.encode(), sha256).hexdigest()


async def read_form(request: Request, subject: Subject) -> FormData:
    """What was sent.

    Raises:
        Fault: 403; it was not sent from a page of this visit.
    """
    form = await request.form()
    given = form.get("form_key")
    is_ours = isinstance(given, str) and hmac.compare_digest(
        given.encode(errors="replace"), form_key(request, subject).encode()
    )
    if not (is_ours and _is_from_here(request)):
        raise Fault(
            HTTPStatus.FORBIDDEN,
            "Please try that once more",
            "The form did not come from a page of this visit, so nothing was done. Go back, load"
            " the page again and send it from there.",
        )
    return form


def _is_from_here(request: Request) -> bool:
    """Whether the browser says that the page which sends it is ours.

    Our pages ask for no referrer, for which browsers send ``Origin: null`` even to ourselves.
    """
    site = request.headers.get("sec-fetch-site")
    if site not in (None, "same-origin", "none"):
        return False
    origin = request.headers.get("origin")
    return origin in (None, "null") or urlsplit(origin).netloc == request.headers.get("host")
