"""Who calls: a carrier's platform by its token, people by theirs."""

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
from tandem.tokens import InvalidTokenError, Subject, read_token

_bearer = HTTPBearer(auto_error=False, description="The token of the calling carrier.")


class Tokens:
    """The tokens of carriers; only their hashes are kept."""

    def __init__(self, tokens: Mapping[str, str]) -> None:
        """Take tokens by carrier.

        Raises:
            Refused: two carriers have the same.
        """
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
        Refused: one is not set, or two are the same.
    """
    return Tokens(
        {
            platform.carrier_id: token
            for platform in configuration.carriers.values()
            if (token := secret(platform.api_token_env, "named as a token", configuration.path))
        }
    )


def _unauthorized(code: str, message: str) -> ApiError:
    return ApiError(
        HTTPStatus.UNAUTHORIZED,
        code,
        "Not authenticated",
        message,
        {"WWW-Authenticate": "Bearer"},
    )


def _caller(
    request: Request,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> str:
    """The carrier that calls."""
    tokens: Tokens = request.app.state.tokens
    carrier_id = tokens.carrier_of(credentials.credentials) if credentials else None
    if carrier_id is None:
        if credentials:
            raise _unauthorized("invalidToken", "The bearer token is nobody's.")
        raise _unauthorized("missingToken", "A bearer token is needed.")
    return carrier_id


Caller = Annotated[str, Depends(_caller)]


def subject_of(request: Request, token: str | None) -> Subject:
    """Who has a token.

    Raises:
        ApiError: 401; there is none, or it is not genuine, or too old.
    """
    if token is None:
        raise _unauthorized("missingToken", "A bearer token is needed.")
    try:
        return read_token(request.app.state.key, token)
    except InvalidTokenError as error:
        if error.expired:
            raise _unauthorized("expiredToken", "The token has expired.") from error
        raise _unauthorized("invalidToken", "The bearer token is nobody's.") from error


def _subject(
    request: Request,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Subject:
    return subject_of(request, credentials.credentials if credentials else None)


Reader = Annotated[Subject, Depends(_subject)]
