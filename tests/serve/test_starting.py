"""What keeps the server from starting."""

from __future__ import annotations

import socket
from pathlib import Path

from tandem.serve.authentication import Tokens
from tandem.tokens import Role
from tests.cli.running import assert_one_sentence, tandem
from tests.serve.support import ORDERS, SECRET, assert_error, serving
from tests.support.warehouse import Warehouse


def refused(
    tmp_path: Path,
    text: str,
    *arguments: object,
    token: str | None = None,
    secret: str | None = None,
) -> str:
    """What `tandem serve` says, and that it ends."""
    path = tmp_path / "tandem.toml"
    path.write_text(text)
    done = tandem(
        "serve",
        *arguments,
        env={
            "TANDEM_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing",
            "TANDEM_CONFIG": str(path),
        }
        | ({"SOME_TOKEN": token} if token else {})
        | {"TANDEM_SECRET": secret or SECRET},
    )
    assert done.code == 1
    assert_one_sentence(done.err)
    return done.err


MADE_UP = "s3cret" * 8
NAMED = '[carriers.wireless]\napi_token_env = "SOME_TOKEN"\n'


def test_without_tokens_of_carriers(warehouse: Warehouse, tmp_path: Path) -> None:
    """People have theirs from `tandem token`; orders are nobody's then."""
    config = tmp_path / "tandem.toml"
    config.write_text('[carriers.wireless]\ntoken_env = "SOME_TOKEN"\n')
    with serving(warehouse, config) as served:
        with served.person(Role.SUPPORT, "sue") as sue:
            # nothing has been built here, but she is let in
            assert_error(sue.get("/api/v1/exceptions"), 503, "notReady")
            assert_error(sue.get(ORDERS), 403, "forbidden")
        with served.client("wireless") as wireless:
            assert_error(wireless.get(ORDERS), 401, "invalidToken")


def test_on_a_database_that_an_older_version_set_up(warehouse: Warehouse, tmp_path: Path) -> None:
    """It lacks the role as which the server asks in its own name."""
    config = tmp_path / "tandem.toml"
    config.write_text("")
    warehouse.execute("alter role tandem_server rename to tandem_server_of_tests")
    try:
        with serving(warehouse, config) as served, served.client(None) as client:
            assert_error(client.get("/health"), 503, "notReady")
    finally:
        warehouse.execute("alter role tandem_server_of_tests rename to tandem_server")


def test_with_a_secret_that_is_too_short(tmp_path: Path) -> None:
    said = refused(tmp_path, "", secret="short")  # noqa: S106
    assert "TANDEM_SECRET needs 32 characters" in said


def test_with_rates_that_are_none(tmp_path: Path) -> None:
    for option in (
        *("--per-minute", "--unknown-per-minute"),
        *("--pdfs-per-minute", "--all-pdfs-per-minute"),
    ):
        assert tandem("serve", option, 0).code == 2


def test_with_a_token_that_is_not_set(tmp_path: Path) -> None:
    assert "SOME_TOKEN, named as a token by tandem.toml, is not set" in refused(tmp_path, NAMED)


def test_with_a_token_that_can_be_guessed(tmp_path: Path) -> None:
    said = refused(tmp_path, NAMED, token=MADE_UP[:31])
    assert "SOME_TOKEN" in said and "31 characters and needs 32" in said and "openssl" in said
    assert MADE_UP[:31] not in said


def test_with_a_reader_that_is_no_login(tmp_path: Path) -> None:
    config = tmp_path / "tandem.toml"
    config.write_text("")
    done = tandem(
        "serve",
        env={
            "TANDEM_SECRET": SECRET,
            "TANDEM_CONFIG": str(config),
            "TANDEM_READER_DATABASE_URL": f"postgresql:/a:{MADE_UP}@127.0.0.1/x",
        },
    )
    assert done.code == 1
    assert_one_sentence(done.err)
    assert "TANDEM_READER_DATABASE_URL is no URL" in done.err and MADE_UP not in done.err


def test_with_one_token_for_two(tmp_path: Path) -> None:
    both = NAMED + NAMED.replace("wireless", "wireline")
    said = refused(tmp_path, both, token=MADE_UP)
    assert "same token" in said and MADE_UP not in said


def test_where_somebody_listens_already(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = refused(tmp_path, NAMED, "--port", port, token=MADE_UP)
    assert "Cannot listen" in said
    said = refused(tmp_path, NAMED, "--host", "no.such.host.invalid", token=MADE_UP)
    assert "no address" in said


def test_tokens_are_told_apart() -> None:
    tokens = Tokens({"wireless": "one", "wireline": "two"})
    assert tokens.carrier_of("one") == "wireless"
    assert tokens.carrier_of("two") == "wireline"
    assert [tokens.carrier_of(text) for text in ("", "three", "on", "onee", "\udcff")] == [None] * 5
