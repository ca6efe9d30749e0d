"""The bill in a terminal."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from tandem.bills import show
from tandem.bills.terminal import PATTERNS, bar
from tandem.bills.view import view_of

from . import factory


def shown(document: dict[str, Any], *, width: int = 100, colour: bool = False) -> str:
    stream = io.StringIO()
    show(document, Console(file=stream, width=width, force_terminal=colour, no_color=not colour))
    return stream.getvalue()


@pytest.mark.parametrize(
    "make",
    [
        factory.bare,
        lambda: factory.document(60, late=True, reversal=True),
        factory.negative,
        factory.many_pools,
        lambda: factory.document(40, third_carrier=True),
        factory.hostile,
        factory.long_names,
        lambda: factory.document(40, minutes=1020, adjusted=True, reversal=True),
        factory.archived,
    ],
)
def test_it_fits_and_has_the_total(make: Callable[[], dict[str, Any]]) -> None:
    document = make()
    for width in (140, 60):
        text = shown(document, width=width)
        assert max(cell_len(line) for line in text.splitlines()) <= min(width, 100)
        assert view_of(document).total in text


def test_names_are_neither_markup_nor_escapes() -> None:
    document = factory.document(5)
    document["biller"]["carrier_name"] = "[bold red]Bell[/] \x1b[31mSystem\x1b]0;x\x07 :smile:"
    text = shown(document)
    assert "[bold red]Bell[/] [31mSystem ]0;x :smile:" in text
    assert "\x1b" not in text


def test_bars_are_in_proportion_and_differ_without_colour() -> None:
    document = factory.document(5)
    document["pools"][0] |= {
        "allowance_units": "1000",
        "plan_used_units": "1000",
        "rollover_used_units": "990",
        "overage_units": "0.1",
    }
    text = bar(view_of(document).pools[0].segments, 40).plain
    assert len(text) == 40
    assert text[-1] == PATTERNS["overage"][0]
    assert text.count(PATTERNS["plan"][0]) == 20
    assert text.count(PATTERNS["rollover"][0]) == 19


def test_rollover_buckets_have_a_gauge_and_a_date() -> None:
    text = shown(factory.document(60, minutes=700))
    line = next(line for line in text.splitlines() if "31 Jul 2026" in line)
    assert "expires next" in line
    assert "█" in line
    assert "30.0" in line


def test_adjusted_rollover_fits_and_no_step_is_broken() -> None:
    text = shown(factory.document(40, minutes=1020, adjusted=True))
    lines = text.splitlines()
    at = next(at for at, line in enumerate(lines) if "brought forward" in line)
    assert [line.split("  ")[-1] for line in (line.rstrip() for line in lines[at : at + 2])] == [
        "+ 15 bought back",
        "= 119.3 left from 1 July",
    ]
    line = next(line for line in lines if line.startswith("   31 Aug 2026"))
    assert line.split() == [
        *("31", "Aug", "2026", "█░░░░░░", "2.8", "40.0", "25.2", "12.0", "0.0"),
        *("1", "Jul", "2025"),
    ]
    assert "previous billing" in text
    assert "40.0 min \N{MULTIPLICATION SIGN} 2" in text.replace("\N{NO-BREAK SPACE}", " ")


def test_a_long_detail_is_cut_and_says_so() -> None:
    text = shown(factory.document(3000))
    assert "3,000 records in all" in text
    assert "more like these" in text
    assert len(text.splitlines()) < 150
