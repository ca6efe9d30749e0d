"""Tokens: genuine, in time, and of whom."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
import pytest

from tandem import tokens
from tandem.errors import Refused
from tandem.settings import Settings
from tandem.tokens import InvalidTokenError, Role

KEY = "k" * 48


def test_a_token_tells_whose_it_is() -> None:
    found = tokens.read_token(KEY, tokens.issue_token(KEY, Role.CARRIER, "wireless", user="ann"))
    assert (found.role, found.carrier_id, found.account_id, found.user, found.is_staff) == (
        *(Role.CARRIER, "wireless", None, "ann", True),
    )
    left = found.expires_at - datetime.now(UTC)
    assert timedelta(minutes=59) < left <= timedelta(hours=1)
    subscriber = tokens.read_token(KEY, tokens.issue_token(KEY, Role.SUBSCRIBER, "A1"))
    assert (subscriber.account_id, subscriber.user, subscriber.is_staff) == ("A1", "A1", False)
    assert subscriber.session != found.session


def _claims(**more: object) -> dict[str, object]:
    now = datetime.now(UTC)
    return {
        "aud": "tandem",
        "role": "support",
        "sub": "ann",
        "iat": now,
        "exp": now + timedelta(hours=1),
        "jti": "1",
    } | more


@pytest.mark.parametrize(
    "token",
    [
        "",
        "nothing",
        "a.b.c",
        tokens.issue_token("x" * 48, Role.SUPPORT, "ann"),
        tokens.issue_token(KEY, Role.SUPPORT, "ann")[:-2],
        jwt.encode(_claims(), "", algorithm="none"),
        jwt.encode(_claims(role="engineer"), KEY),
        jwt.encode(_claims(aud="another"), KEY),
        jwt.encode({k: v for k, v in _claims().items() if k != "exp"}, KEY),
        jwt.encode({k: v for k, v in _claims().items() if k != "role"}, KEY),
    ],
    ids=["empty", "word", "dots", "key", "cut", "unsigned", "role", "audience", "endless", "none"],
)
def test_what_is_not_genuine(token: str) -> None:
    with pytest.raises(InvalidTokenError) as raised:
        tokens.read_token(KEY, token)
    assert not raised.value.expired


def test_changed_claims_are_not_genuine() -> None:
    head, body, _ = jwt.encode(_claims(sub="A1", role="subscriber"), KEY).split(".")
    _, other, signature = jwt.encode(_claims(sub="A2", role="subscriber"), KEY).split(".")
    assert body != other
    with pytest.raises(InvalidTokenError):
        tokens.read_token(KEY, f"{head}.{body}.{signature}")


def test_an_old_token() -> None:
    old = jwt.encode(_claims(exp=datetime.now(UTC) - timedelta(seconds=1)), KEY)
    with pytest.raises(InvalidTokenError) as raised:
        tokens.read_token(KEY, old)
    assert raised.value.expired


@pytest.mark.parametrize("ttl", [timedelta(0), timedelta(seconds=-1), timedelta(days=91)])
def test_times_that_are_refused(ttl: timedelta) -> None:
    with pytest.raises(Refused, match="90 days"):
        tokens.issue_token(KEY, Role.SUPPORT, "ann", ttl)


@pytest.mark.parametrize("name", ["", " ", "a\nb", "a\x1b[31m"])
def test_names_that_are_refused(name: str) -> None:
    with pytest.raises(Refused, match="name"):
        tokens.issue_token(KEY, Role.SUPPORT, name)


def test_who_acts() -> None:
    """People of two carriers may have one name, and so may the user of the machine."""

    def acting(role: Role, subject: str, user: str | None = None) -> str:
        return tokens.read_token(KEY, tokens.issue_token(KEY, role, subject, user=user)).acts_as

    assert acting(Role.CARRIER, "wireless", "ann") == "wireless/ann"
    assert acting(Role.CARRIER, "wireline", "ann") == "wireline/ann"
    assert acting(Role.CARRIER, "wireless") == "wireless/wireless"
    assert acting(Role.SUPPORT, "ann") == "support/ann"
    assert acting(Role.SUBSCRIBER, "A1", "ann") == "subscriber/A1"
    assert tokens.platform_of("wireless").acts_as == "platform of wireless"
    for role in Role:  # whose people would act as those of the role
        with pytest.raises(Refused, match="is a role"):
            tokens.issue_token(KEY, Role.CARRIER, str(role))


def test_times_in_words() -> None:
    assert tokens.parse_ttl("90s") == timedelta(seconds=90)
    assert tokens.parse_ttl("7d") == timedelta(days=7)
    for text in ("", "7", "-1d", "1w", "1.5h", "99999999d", "१m"):
        with pytest.raises(ValueError, match="no time"):
            tokens.parse_ttl(text)


def test_the_secret_is_made_once_and_is_nobody_elses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(tokens.SECRET_VARIABLE, raising=False)
    settings = Settings(tmp_path, tmp_path / "home", None)
    made = tokens.secret(settings)
    assert tokens.secret(settings) == made and len(made) >= tokens.SHORTEST_SECRET
    path = tmp_path / "home" / "secret"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in path.parent.iterdir()] == ["secret"]
    path.write_text("short")
    with pytest.raises(Refused, match="too short"):
        tokens.secret(settings)


def test_the_secret_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(tmp_path, tmp_path, None)
    monkeypatch.setenv(tokens.SECRET_VARIABLE, "e" * 32)
    assert tokens.secret(settings) == "e" * 32
    monkeypatch.setenv(tokens.SECRET_VARIABLE, "e" * 31)
    with pytest.raises(Refused, match="32 characters"):
        tokens.secret(settings)
    assert list(tmp_path.iterdir()) == []
