"""tandem.toml: what it may say, and what is said of what it may not."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from tandem.errors import Refused
from tandem.outbox import configuration
from tandem.outbox.configuration import CarrierPlatform, MailServer, Policy, parse
from tandem.outbox.endpoints import open_endpoints
from tandem.settings import Settings
from tests.cli.running import assert_one_sentence
from tests.support.warehouse import PROJECT

EXAMPLE = PROJECT / "tandem.example.toml"
HERE = Path("tandem.toml")


def read(text: str) -> configuration.Configuration:
    return parse(tomllib.loads(text), HERE)


def test_the_example_is_valid_and_shows_every_key_with_its_default() -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    found = read(text)
    assert set(found.carriers) == {"wireless", "wireline"}
    assert found.mail is not None and found.mail.is_smtps is False
    # what is commented out is what holds without it
    assert read(re.sub(r"(?m)^# (\w+ = )", r"\1", text)) == found
    for kind, table in ((CarrierPlatform, "wireless"), (MailServer, "smtp"), (Policy, "outbox")):
        part = text.partition(f"{table}]")[2].partition("\n[")[0]
        shown = set(re.findall(r"(?m)^(?:# )?(\w+) = ", part))
        assert shown == set(kind.__dataclass_fields__) - {"carrier_id", "sender"} | (
            {"from"} if kind is MailServer else set()
        )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[carrier.wireless]", "carrier is not known; there are carriers, outbox, smtp"),
        ("carriers = 3", "carriers is to be a table"),
        ("[carriers]\nwireless = 'x'", "carriers.wireless is to be a table"),
        (
            "[carriers.w]\nurl = 'x'",
            "carriers.w.url is not known; there are api_token_env, attempts, ",
        ),
        ("[carriers.w]\nordering_url = 'orders.example'", "ordering_url is no address"),
        ("[carriers.w]\nordering_url = 'ftp://orders.example'", "ordering_url is no address"),
        ("[carriers.w]\nordering_url = 'https://x:99999/'", "ordering_url is no address"),
        ("[carriers.w]\nordering_url = 'https://[x/'", "ordering_url is no address"),
        ("[carriers.w]\nordering_url = 'https://a b/'", "ordering_url is no address"),
        ("[carriers.w]\nordering_url = 'https://u:s3cret@x/'", "names a user"),
        (
            "[carriers.w]\nordering_url = 'http://x.example/'\ntoken_env = 'T'",
            "would carry the token in the open",
        ),
        ("[carriers.w]\ntimeout_seconds = 0", "timeout_seconds is to be above 0"),
        ("[carriers.w]\ntimeout_seconds = -1", "is to be a number from 0 to 3600"),
        ("[carriers.w]\ntimeout_seconds = nan", "is to be a number from 0 to 3600"),
        ("[carriers.w]\ntimeout_seconds = true", "is to be a number from 0 to 3600"),
        ("[carriers.w]\nattempts = 0", "attempts is to be a whole number from 1 to 100"),
        ("[carriers.w]\nattempts = 1.5", "attempts is to be a whole number from 1 to 100"),
        ("[carriers.w]\ntoken_env = ''", "token_env is to be a text"),
        ("[smtp]\nhost = 'x'", "smtp.from is missing"),
        ("[smtp]\nhost = 'x'\nfrom = 'nobody'", "smtp.from is no address"),
        ("[smtp]\nhost = 'x'\nfrom = 'a@b'\nuser = 'u'", "user and password_env go together"),
        (
            "[smtp]\nhost='x'\nfrom='a@b'\nuser='u'\npassword_env='P'\nstarttls=false",
            "starttls is off: the password would go in the open",
        ),
        ("[smtp]\nhost = 'x'\nfrom = 'a@b'\nstarttls = 'yes'", "is to be true or false"),
        ("[smtp]\nhost = 'x'\nfrom = 'a@b'\npassword = 'p'", "smtp.password is not known"),
        ("[outbox]\ngive_up = 3", "outbox.give_up is not known"),
    ],
)
def test_refused_in_a_sentence(text: str, words: str) -> None:
    with pytest.raises(Refused) as refused:
        read(text)
    assert_one_sentence(str(refused.value))
    assert words in str(refused.value)
    assert str(refused.value).startswith("tandem.toml: ")
    assert "s3cret" not in str(refused.value)


def test_a_token_goes_to_this_machine_without_tls() -> None:
    found = read("[carriers.w]\nordering_url = 'http://localhost:8080/'\ntoken_env = 'T'")
    assert found.carriers["w"].url("ordering") == "http://localhost:8080/"


def test_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(tmp_path, tmp_path / "home", None)
    monkeypatch.delenv("TANDEM_CONFIG", raising=False)
    # without a file nothing can be sent, which is no mistake
    assert configuration.load(settings).carriers == {}
    (tmp_path / "tandem.toml").write_text("[carriers.w]\n")
    assert list(configuration.load(settings).carriers) == ["w"]
    for name, content, words in (
        ("none.toml", None, "cannot be read"),
        ("latin.toml", b"# \xe4\n", "is no UTF-8 text"),
        ("bad.toml", b"[carriers\n", "is no TOML"),
    ):
        path = tmp_path / name
        if content is not None:
            path.write_bytes(content)
        monkeypatch.setenv("TANDEM_CONFIG", str(path))
        with pytest.raises(Refused) as refused:
            configuration.load(settings)
        assert_one_sentence(str(refused.value))
        assert words in str(refused.value)


def test_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    found = read("[carriers.w]\nordering_url = 'https://x.example/'\ntoken_env = 'W_TOKEN'")
    for value, words in ((None, "is not set"), (" ", "is not set"), ("t\u00f6ken", "characters")):
        if value is None:
            monkeypatch.delenv("W_TOKEN", raising=False)
        else:
            monkeypatch.setenv("W_TOKEN", value)
        with pytest.raises(Refused, match=words) as refused, open_endpoints(found, "ordering"):
            pass
        assert "W_TOKEN" in str(refused.value)
        assert_one_sentence(str(refused.value))
    monkeypatch.setenv("W_TOKEN", "good\n")  # as a file that ends a line leaves it
    with open_endpoints(found, "ordering") as (endpoint,):
        assert (endpoint.carrier_id, endpoint.attempts) == ("w", 4)
    # a carrier that is not asked for needs no token
    monkeypatch.delenv("W_TOKEN")
    with open_endpoints(found, "ordering", "other") as endpoints:
        assert endpoints == []
    with open_endpoints(found, "notification") as endpoints:
        assert endpoints == []
