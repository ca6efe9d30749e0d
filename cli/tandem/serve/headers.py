"""Headers that every answer has."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Pages take scripts, styles and pictures from here, none that are written into them.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
# for a year; of hosts below this one it says nothing
STRICT_TRANSPORT = {"Strict-Transport-Security": "max-age=31536000"}


class SecurityHeaders:
    """Adds to each answer what it does not say itself."""

    def __init__(self, app: ASGIApp, *, https: bool = False) -> None:
        """Go before an application; ``https``: its visitors always come by TLS."""
        self.app = app
        self.headers = HEADERS | (STRICT_TRANSPORT if https else {})
        self.https = https

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    headers.setdefault(name, value)
            await send(message)

        if scope["type"] == "http":
            if self.https:
                scope = _by_tls(scope)
            await self.app(scope, receive, with_headers)
        else:
            await self.app(scope, receive, send)


def _by_tls(scope: Scope) -> Scope:
    """The same request, with no word on how it came but ours."""
    headers = [one for one in scope["headers"] if one[0] != b"x-forwarded-proto"]
    return {**scope, "scheme": "https", "headers": headers}
