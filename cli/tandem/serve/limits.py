"""What a body may be: so long, there in so much time, and JSON; from the portal a form."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tandem.serve.errors import ApiError

MAX_BODY = 262_144  # bytes; an order has about one thousand
BODY_SECONDS = 15.0
FORMS_BELOW = "/portal/"  # where browsers send forms


class BodyLimits:
    """Reads a body before anything else sees the request, and turns it away if it is no good."""

    def __init__(self, app: ASGIApp) -> None:
        """Go before an application."""
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            body = await self._read(scope, receive)
        except ApiError as error:
            response = error.response()
            # what is still on its way is not to be taken for the next request
            response.headers["Connection"] = "close"
            await response(scope, receive, send)
            return
        if body is None:  # the caller has gone
            return
        told = False

        async def again() -> Message:
            nonlocal told
            if told:
                return await receive()
            told = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self.app(scope, again, send)

    async def _read(self, scope: Scope, receive: Receive) -> bytes | None:
        headers = dict(scope["headers"])
        too_long = ApiError(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            "tooLarge",
            "Too large",
            f"A body may have {MAX_BODY:,} bytes at most.",
        )
        length = headers.get(b"content-length", b"0")
        if length.isdigit() and int(length) > MAX_BODY:
            raise too_long
        pieces: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(BODY_SECONDS):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return None
                    piece = message.get("body", b"")
                    size += len(piece)
                    if size > MAX_BODY:
                        raise too_long
                    pieces.append(piece)
                    if not message.get("more_body", False):
                        break
        except TimeoutError as error:
            raise ApiError(
                HTTPStatus.REQUEST_TIMEOUT,
                "requestTimeout",
                "Request timeout",
                f"The body did not come within {BODY_SECONDS:g} seconds.",
            ) from error
        kind = headers.get(b"content-type", b"").split(b";")[0].strip().lower()
        if scope["path"].startswith(FORMS_BELOW):
            if scope["method"] != "POST" or kind == b"application/x-www-form-urlencoded":
                return b"".join(pieces)
            raise ApiError(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                "unsupportedMediaType",
                "Unsupported media type",
                "A form has to be application/x-www-form-urlencoded.",
            )
        if scope["method"] in ("POST", "PATCH") and not (
            kind == b"application/json"
            or (kind.startswith(b"application/") and kind.endswith(b"+json"))
        ):
            raise ApiError(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                "unsupportedMediaType",
                "Unsupported media type",
                "A body has to be application/json.",
            )
        return b"".join(pieces)
