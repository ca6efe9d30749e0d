"""Who calls: a bearer token per carrier."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from hashlib import sha256
from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from tandem.errors import Refused
from tandem.outbox.configuration import Configuration, secret
from tandem.serve.errors import ApiError

_bearer = HTTPBearer(auto_error=False, description="The token of the calling carrier.")


class Tokens:
    """The tokens of carriers; only their hashes are kept."""

    def __init__(self, tokens: Mapping[str, str]) -> None:
        """Take tokens by carrier.

        Raises:
            Refused: there is none, or two carriers have the same.
        """
        if not tokens:
            raise Refused("No carrier has a token, so that nobody could call.")
        if len(set(tokens.values())) < len(tokens):
            raise Refused("Two carriers have the same token; they could not be told apart.")
        self._digests = {
            carrier_id: sha256(token.encode()).digest() for carrier_id, token in tokens.items()
        }

    def carrier_of(self, token: str) -> str | None:
        """Whose token it is; takes as long whichever it is, and if it is none."""
        digest = sha256(token.encode(errors="surrogateescape")).digest()
        found = None
        for carrier_id, known in self._digests.items():
            if hmac.compare_digest(known, digest):
                found = carrier_id
        return found


def tokens_of(configuration: Configuration) -> Tokens:
    """The tokens that ``tandem.toml`` names.

    Raises:
        Refused: it names none, one is not set, or two are the same.
    """
    tokens = {
        platform.carrier_id: token
        for platform in configuration.carriers.values()
        if (token := secret(platform.api_token_env, "named as a token", configuration.path))
    }
    if not tokens:
        raise Refused(
            f"{configuration.path.name} names no api_token_env for any carrier, so that nobody"
            " could call."
        )
    return Tokens(tokens)


def _caller(
    request: Request,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> str:
    """The carrier that calls."""
    tokens: Tokens = request.app.state.tokens
    carrier_id = tokens.carrier_of(credentials.credentials) if credentials else None
    if carrier_id is None:
        raise ApiError(
            HTTPStatus.UNAUTHORIZED,
            "invalidToken" if credentials else "missingToken",
            "Not authenticated",
            "The bearer token is nobody's." if credentials else "A bearer token is needed.",
            {"WWW-Authenticate": "Bearer"},
        )
    return carrier_id


Caller = Annotated[str, Depends(_caller)]
