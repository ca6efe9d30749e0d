"""tandem token."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tandem.tokens import Role, read_token
from tests.cli.running import assert_one_sentence, environment, tandem
from tests.support.warehouse import Warehouse

SECRET = "of-tests-that-nobody-else-has-0123456789"  # noqa: S105


@pytest.fixture(scope="module")
def built(make_warehouse: Callable[[], Warehouse]) -> Warehouse:
    warehouse = make_warehouse()
    warehouse.load(
        "accounts",
        [
            {
                "account_id": "A1",
                "holder_name": "Holder",
                "bill_cycle_day": "1",
                "time_zone": "America/New_York",
                "tax_jurisdiction_id": "US-GA-GLYNN",
                "opened_on": "2025-01-01",
            }
        ],
    )
    warehouse.build()
    return warehouse


@pytest.mark.parametrize(
    ("role", "subject", "by", "user"),
    [
        (Role.SUBSCRIBER, "A1", None, "A1"),
        (Role.CARRIER, "wireless", "ann", "ann"),
        (Role.SUPPORT, "sue", None, "sue"),
    ],
)
def test_a_token_says_who(
    built: Warehouse, role: Role, subject: str, by: str | None, user: str
) -> None:
    env = environment(built) | {"TANDEM_SECRET": SECRET}
    named = ("--by", by) if by else ()
    done = tandem("token", role, subject, "--ttl", "15m", *named, env=env)
    assert done.code == 0, done.err
    assert len(done.out.splitlines()) == 1  # the token alone, for a shell to take
    said = read_token(SECRET, done.out.strip())
    assert (said.role, said.subject, said.user) == (role, subject, user)
    left = said.expires_at - datetime.now(UTC)
    assert timedelta(minutes=14) < left <= timedelta(minutes=15)
    assert "15 minutes" in done.err and "/portal/enter?token=" in done.err


def test_as_json(built: Warehouse) -> None:
    env = environment(built) | {"TANDEM_SECRET": SECRET}
    url = "https://portal.example.com/"
    done = tandem("token", "subscriber", "A1", "--json", "--url", url, env=env)
    assert done.code == 0, done.err
    told = json.loads(done.out)
    assert sorted(told) == ["link", "seconds", "token"]
    assert told["seconds"] == 3600
    link = urlsplit(told["link"])
    assert (link.scheme, link.netloc, link.path) == ("https", "portal.example.com", "/portal/enter")
    assert parse_qs(link.query) == {"token": [told["token"]]}
    assert read_token(SECRET, told["token"]).account_id == "A1"


@pytest.mark.parametrize(
    ("role", "subject", "said"),
    [
        ("subscriber", "A2", "There is no account A2."),
        ("carrier", "A1", "There is no carrier A1."),
        ("support", " ", "Somebody needs a name that can be printed."),
    ],
)
def test_nobody_gets_one_for_who_is_not_there(
    built: Warehouse, role: str, subject: str, said: str
) -> None:
    done = tandem("token", role, subject, env=environment(built) | {"TANDEM_SECRET": SECRET})
    assert (done.code, done.out) == (1, "")
    assert_one_sentence(done.err)
    assert said in done.err


@pytest.mark.parametrize("ttl", ["0s", "91d"])
def test_times_that_no_token_lives(built: Warehouse, ttl: str) -> None:
    env = environment(built) | {"TANDEM_SECRET": SECRET}
    done = tandem("token", "support", "sue", "--ttl", ttl, env=env)
    assert (done.code, done.out) == (1, "")
    assert "up to 90 days" in done.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("token", "support", "sue", "--ttl", "soon"),
        ("token", "support", "sue", "--ttl", "15"),
        ("token", "king", "sue"),
        ("token", "support"),
    ],
)
def test_wrong_usage(arguments: tuple[str, ...]) -> None:
    done = tandem(*arguments)
    assert (done.code, done.out) == (2, "")


def test_the_secret_is_kept_for_its_owner_alone(built: Warehouse, tmp_path: Path) -> None:
    env = environment(built) | {"TANDEM_HOME": str(tmp_path)}
    first, second = (tandem("token", "support", "sue", env=env).out.strip() for _ in range(2))
    kept = tmp_path / "secret"
    assert kept.stat().st_mode & 0o077 == 0
    assert {read_token(kept.read_text(), token).subject for token in (first, second)} == {"sue"}
    assert first != second
