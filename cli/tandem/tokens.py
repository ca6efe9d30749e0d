"""Tokens: who somebody is, signed, for a while.

A token says a role, for whom it was issued and until when, and bears a signature (JWT, HS256). It
is not stored anywhere: whoever has the secret can tell that it is genuine. Passwords are the
carriers' business: their sites know who somebody is, and ask for a token.
"""

from __future__ import annotations

import os
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

import jwt

from tandem.errors import Refused
from tandem.settings import Settings

SECRET_VARIABLE = "TANDEM_SECRET"  # noqa: S105  (its name, not the secret)
SHORTEST_SECRET = 32  # characters; as many bytes as the signature has (RFC 7518, 3.2)
DEFAULT_TTL = timedelta(hours=1)
LONGEST_TTL = timedelta(days=90)
_ALGORITHM = "HS256"
_AUDIENCE = "tandem"
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class Role(StrEnum):
    """What somebody may see."""

    SUBSCRIBER = "subscriber"  # one account
    CARRIER = "carrier"  # what is a carrier's, and what it shares with others
    SUPPORT = "support"  # every account


@dataclass(frozen=True)
class Subject:
    """Somebody who was let in.

    Attributes:
        role: what kind.
        subject: account of a subscriber, carrier of a carrier's user, name of somebody of support.
        user: who acts, by the name that the token gives.
        expires_at: until when.
        session: differs from token to token; forms are bound to it.
        is_platform: whether it is no person but a carrier's platform.
    """

    role: Role
    subject: str
    user: str
    expires_at: datetime
    session: str
    is_platform: bool = False

    @property
    def account_id(self) -> str | None:
        """The one account of a subscriber."""
        return self.subject if self.role is Role.SUBSCRIBER else None

    @property
    def carrier_id(self) -> str | None:
        """The carrier of a carrier's user."""
        return self.subject if self.role is Role.CARRIER else None

    @property
    def acts_as(self) -> str:
        """Who does what is done, as it is written down: ``wireless/ann``, ``support/sue``.

        The names of people are each carrier's own affair, and the same one may be known at
        several. What is done on the machine itself bears the name of its user, without a slash.
        """
        if self.is_platform:
            return f"platform of {self.subject}"
        if self.role is Role.SUBSCRIBER:
            return f"{self.role}/{self.subject}"
        return f"{self.carrier_id or self.role}/{self.user}"

    @property
    def is_staff(self) -> bool:
        """Whether it is nobody's subscriber."""
        return self.role is not Role.SUBSCRIBER


def platform_of(carrier_id: str) -> Subject:
    """The platform of a carrier, which has a token that does not end."""
    return Subject(
        Role.CARRIER,
        carrier_id,
        carrier_id,
        datetime.max.replace(tzinfo=UTC),
        f"platform of {carrier_id}",
        is_platform=True,
    )


class InvalidTokenError(Exception):
    """A token that is not genuine, or not any more."""

    def __init__(self, *, expired: bool) -> None:
        """Say whether it was genuine once."""
        super().__init__("expired" if expired else "not genuine")
        self.expired = expired


def secret(settings: Settings) -> str:
    """What tokens are signed with: ``TANDEM_SECRET``, or a file that is made at the first use.

    Several machines that serve the same portal need the same secret; a new one ends all tokens.

    Raises:
        Refused: it is too short, or the file cannot be used.
    """
    given = os.environ.get(SECRET_VARIABLE)
    if given is not None:
        if len(given) < SHORTEST_SECRET:
            raise Refused(f"{SECRET_VARIABLE} needs {SHORTEST_SECRET} characters or more.")
        return given
    path = settings.home / "secret"
    try:
        kept = _kept(path)
    except OSError as error:
        raise Refused(
            f"The secret of tokens, {path}, cannot be used ({error.strerror})."
        ) from error
    if len(kept) < SHORTEST_SECRET:
        raise Refused(f"The secret of tokens, {path}, is too short; remove the file for a new one.")
    return kept


def _kept(path: Path) -> str:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        made = path.with_name(f"{path.name}.{os.getpid()}")
        made.touch(mode=0o600)
        made.write_text(secrets.token_urlsafe(48), encoding="ascii")
        try:
            os.link(made, path)  # only one of two that begin at once makes it
        except FileExistsError:
            pass
        finally:
            made.unlink()
    return path.read_text(encoding="ascii").strip()


def issue_token(
    key: str, role: Role, subject: str, ttl: timedelta = DEFAULT_TTL, user: str | None = None
) -> str:
    """A token.

    Args:
        key: the secret.
        role, subject: see :class:`Subject`.
        ttl: from now on; more than none and at most 90 days.
        user: who acts; by default the subject.

    Raises:
        Refused: the time is none or too long, or the subject is no name, or a carrier has that of
            another role, as which its people would act.
    """
    if not timedelta(0) < ttl <= LONGEST_TTL:
        raise Refused(f"A token may live up to {LONGEST_TTL.days} days.")
    for name in (subject, user):
        if name is not None and (not name.strip() or not name.isprintable()):
            raise Refused("Somebody needs a name that can be printed.")
    if role is Role.CARRIER and subject in set(Role):
        raise Refused(f"{subject} is a role; no carrier can be called so.")
    now = datetime.now(UTC)
    claims: dict[str, Any] = {
        "aud": _AUDIENCE,
        "role": str(role),
        "sub": subject,
        "iat": now,
        "exp": now + ttl,
        "jti": secrets.token_urlsafe(12),
    }
    if user is not None:
        claims["user"] = user
    return jwt.encode(claims, key, algorithm=_ALGORITHM)


def read_token(key: str, token: str) -> Subject:
    """Whose token it is.

    Raises:
        InvalidTokenError: it is not genuine, or too old.
    """
    try:
        claims = jwt.decode(
            token,
            key,
            algorithms=[_ALGORITHM],
            audience=_AUDIENCE,
            # the clock of who issued it may be a little ahead of ours
            options={"require": ["exp", "iat", "sub", "jti"], "verify_iat": False},
        )
        return Subject(
            Role(claims["role"]),
            str(claims["sub"]),
            str(claims.get("user") or claims["sub"]),
            datetime.fromtimestamp(claims["exp"], UTC),
            str(claims["jti"]),
        )
    except jwt.ExpiredSignatureError as error:
        raise InvalidTokenError(expired=True) from error
    except (jwt.InvalidTokenError, KeyError, ValueError) as error:
        raise InvalidTokenError(expired=False) from error


def parse_ttl(text: str) -> timedelta:
    """A time such as ``90s``, ``15m``, ``12h`` or ``7d``.

    Raises:
        ValueError: it is none.
    """
    found = re.fullmatch(r"([0-9]{1,7})([smhd])", text)
    if found is None:
        raise ValueError(f"{text} is no time such as 15m, 12h or 7d")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})
