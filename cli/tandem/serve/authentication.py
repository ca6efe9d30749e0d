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
from tandem.serve.rates import Rates
from tandem.tokens import SHORTEST_SECRET, InvalidTokenError, Subject, platform_of, read_token

_bearer = HTTPBearer(
    auto_error=False,
    description="The token of a carrier's platform, or of somebody ('tandem token').",
)


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
        Refused: one is not set, or so short that it could be guessed, or two are the same.
    """
    tokens = {}
    for platform in configuration.carriers.values():
        token = secret(platform.api_token_env, "named as a token", configuration.path)
        if token is None:
            continue
        if len(token) < SHORTEST_SECRET:
            raise Refused(
                f"The token in {platform.api_token_env}, which {configuration.path.name} names,"
                f" has {len(token)} characters and needs {SHORTEST_SECRET} or more: make one with"
                " 'openssl rand -hex 32', and tell it to the platform."
            )
        tokens[platform.carrier_id] = token
    return Tokens(tokens)


def _unauthenticated(token: str | None, *, expired: bool = False) -> ApiError:
    code, message = "invalidToken", "The bearer token is nobody's."
    if token is None:
        code, message = "missingToken", "A bearer token is needed."
    elif expired:
        code, message = "expiredToken", "The token has expired."
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
    token = credentials.credentials if credentials else None
    carrier_id = _platform(request, token)
    if carrier_id is None:
        subject_of(request, token)  # 401 unless it is somebody's
        raise ApiError(
            HTTPStatus.FORBIDDEN,
            "forbidden",
            "Forbidden",
            "This is for carriers' platforms, by the tokens that tandem.toml names.",
        )
    return carrier_id


Caller = Annotated[str, Depends(_caller)]


def subject_of(request: Request, token: str | None) -> Subject:
    """Who has a token.

    Raises:
        ApiError: 401; there is none, or it is not genuine, or too old. 429; it calls too often.
    """
    if token is None:
        _rates(request).admit_unknown(address_of(request))
        raise _unauthenticated(token)
    try:
        subject = read_token(request.app.state.key, token)
    except InvalidTokenError as error:
        if not error.expired:  # which was genuine once: it is no guess
            _rates(request).admit_unknown(address_of(request))
        raise _unauthenticated(token, expired=error.expired) from error
    _rates(request).admit(f"person {subject.session}")
    return subject


def _subject(
    request: Request,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Subject:
    token = credentials.credentials if credentials else None
    carrier_id = _platform(request, token)
    if carrier_id is not None:
        return platform_of(carrier_id)
    return subject_of(request, token)


Reader = Annotated[Subject, Depends(_subject)]


def address_of(request: Request) -> str:
    """Where a request comes from."""
    return request.client.host if request.client else "nowhere"


def _platform(request: Request, token: str | None) -> str | None:
    """The carrier whose platform's token it is, if it is one."""
    tokens: Tokens = request.app.state.tokens
    carrier_id = tokens.carrier_of(token) if token is not None else None
    if carrier_id is not None:
        _rates(request).admit(f"platform {carrier_id}")
    return carrier_id


def _rates(request: Request) -> Rates:
    rates: Rates = request.app.state.rates
    return rates
