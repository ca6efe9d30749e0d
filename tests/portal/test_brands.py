"""What tandem.toml may say of a carrier's portal, and the letters on its colour."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from tandem.errors import Refused
from tandem.outbox.configuration import Configuration, parse
from tandem.serve.portal.brands import Brands


def read(text: str) -> Configuration:
    return parse(tomllib.loads(text), Path("tandem.toml"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[carriers.a]\nportal_colour = "red"', "carriers.a.portal_colour is no colour"),
        ('[carriers.a]\nportal_colour = "#fff; } body {"', "is no colour"),
        ('[carriers.a]\nportal_host = "https://a.example/"', "is no name of a host"),
        ('[carriers.a]\nportal_host = "a b"', "is no name of a host"),
        (
            '[carriers.a]\nportal_host = "x.example"\n[carriers.b]\nportal_host = "X.example"',
            "carriers.b.portal_host is that of a already",
        ),
    ],
)
def test_what_cannot_be_meant(text: str, words: str) -> None:
    with pytest.raises(Refused, match=words):
        read(text)


@pytest.mark.parametrize(
    ("colour", "letters"),
    [
        ("#000000", "#ffffff"),
        ("#ffd200", "#000000"),
        ("#4b2e83", "#ffffff"),
        ("#FFFFFF", "#000000"),
    ],
)
def test_letters_can_be_read(colour: str, letters: str) -> None:
    platforms = read(f'[carriers.a]\nportal_colour = "{colour}"').carriers.values()
    sheet = Brands(platforms).colours("a")
    assert f"--brand: {colour};" in sheet and f"--on-brand: {letters};" in sheet
