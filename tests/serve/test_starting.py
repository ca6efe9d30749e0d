"""What keeps the server from starting."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tandem.errors import Refused
from tandem.serve.authentication import Tokens
from tests.cli.running import assert_one_sentence, tandem


def refused(tmp_path: Path, text: str, *arguments: object, token: str | None = None) -> str:
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
        | ({"SOME_TOKEN": token} if token else {}),
    )
    assert done.code == 1
    assert_one_sentence(done.err)
    return done.err


MADE_UP = "s3cret"
NAMED = '[carriers.wireless]\napi_token_env = "SOME_TOKEN"\n'


def test_without_tokens(tmp_path: Path) -> None:
    assert "names no api_token_env" in refused(tmp_path, "")
    said = refused(tmp_path, '[carriers.wireless]\ntoken_env = "SOME_TOKEN"\n')
    assert "names no api_token_env" in said


def test_with_a_token_that_is_not_set(tmp_path: Path) -> None:
    assert "SOME_TOKEN, named as a token by tandem.toml, is not set" in refused(tmp_path, NAMED)


def test_with_one_token_for_two(tmp_path: Path) -> None:
    both = NAMED + NAMED.replace("wireless", "wireline")
    said = refused(tmp_path, both, token=MADE_UP)
    assert "same token" in said and MADE_UP not in said
    with pytest.raises(Refused):
        Tokens({})


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
