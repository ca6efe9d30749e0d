"""The bill as HTML: safe, accessible, complete, and alone."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from typing import Any

import pytest

from tandem.bills import format as fmt
from tandem.bills import render_html
from tandem.bills.html import css_string

from . import factory
from .page import Page

EXTREMES = {
    "bare": factory.bare,
    "no calls": lambda: factory.document(0),
    "usual": lambda: factory.document(60, late=True, reversal=True),
    "negative": factory.negative,
    "many pools": factory.many_pools,
    "three carriers": lambda: factory.document(20, third_carrier=True),
    "hostile": factory.hostile,
    "long names": factory.long_names,
    "adjusted": lambda: factory.document(40, minutes=1020, adjusted=True, reversal=True),
    "archived": factory.archived,
}


@pytest.fixture(params=EXTREMES, scope="module")
def rendered(request: pytest.FixtureRequest) -> tuple[dict[str, Any], str, Page]:
    document = EXTREMES[request.param]()
    html = render_html(document)
    return document, html, Page(html)


def test_structure_is_accessible(rendered: tuple[dict[str, Any], str, Page]) -> None:
    _, html, page = rendered
    assert html.startswith("<!DOCTYPE html>")
    assert page.open == []
    assert page.all("html") == [{"lang": "en-US"}]
    assert len(page.all("h1")) == len(page.all("main")) == len(page.all("title")) == 1
    assert len(page.all("caption")) == len(page.all("table")) > 0
    assert all(cell.get("scope") in {"col", "row", "rowgroup"} for cell in page.all("th"))
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h\d", tag)]
    assert all(after - before <= 1 for before, after in pairwise(levels))
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert max(Counter(ids).values()) == 1
    for _, attributes in page.elements:
        for reference in (attributes.get("aria-labelledby") or "").split():
            assert reference in ids
    for drawing in page.all("svg"):
        assert drawing.get("aria-hidden") == "true" or drawing.get("aria-label")


def test_nothing_is_requested_or_run(rendered: tuple[dict[str, Any], str, Page]) -> None:
    _, _, page = rendered
    assert not {tag for tag, _ in page.elements} & {"script", "link", "img", "iframe", "form"}
    for _, attributes in page.elements:
        assert not {name for name in attributes if name.startswith("on")}
        assert not {"src", "href", "srcset"} & set(attributes)
    css = "".join(page.styles)
    assert "@import" not in css
    targets = re.findall(r"url\(([^)]{0,20})", css)
    assert targets
    assert all(target.startswith(("data:font/woff2", "#")) for target in targets)


def test_figures_are_those_of_the_document(rendered: tuple[dict[str, Any], str, Page]) -> None:
    document, _, page = rendered
    for amount in document["totals"].values():
        value = fmt.decimal(amount)
        assert value == 0 or fmt.money(value, "USD") in page.text
    cells = [cell.strip() for row in page.rows for cell in row]
    for line in document["lines"]:
        assert fmt.number(fmt.decimal(line["amount"]), 2) in cells


def test_a_table_of_buckets_adds_up_and_says_where_they_are_from() -> None:
    page = Page(render_html(factory.document(40, minutes=1020, adjusted=True)))
    rows = [[cell.strip() for cell in row] for row in page.rows]
    (head,) = [row for row in rows if row[0] == "Use by"]
    assert head[2:] == [
        "Left", "Started with", "Used", "Taken back", "Expired", "From the period of",
    ]  # fmt: skip
    (prolonged,) = [row for row in rows if row[0].startswith("31 Aug 2026")]
    assert prolonged[2:] == [
        "2.8", "40.0", "25.2", "12.0", "0.0", "1 Jul 2025 previous billing, prolonged",
    ]  # fmt: skip


def test_every_call_is_in_the_detail(rendered: tuple[dict[str, Any], str, Page]) -> None:
    document, _, page = rendered

    def key(moment: str, number: str, charge: object) -> tuple[str, str, object]:
        return (fmt.clean(moment), number, charge)

    year = 2026
    wanted = Counter(
        key(
            f"{fmt.call_date(call['local_date'], year)} {fmt.call_time(call['local_time'])}",
            fmt.phone(call["other_number"]),
            fmt.decimal(call["charge_amount"]).normalize(),
        )
        for call in document["calls"]
    )
    shown = Counter(
        key(
            row[0],
            re.sub(r"^(from|to)\s|number unknown| (late|reversed)$", "", row[1]),
            fmt.decimal(
                row[-1].strip("\N{FIGURE SPACE}").replace("\N{MINUS SIGN}", "-")
            ).normalize(),
        )
        for row in page.rows
        if re.match(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun) \d+ \w{3}", row[0])
    )
    assert shown == wanted


def test_markup_in_names_is_text() -> None:
    text = '<b onmouseover="x">&amp; #eval("1") [bold]$5$[/bold] {{ 7 * 7 }} \\*'
    page = Page(render_html(factory.hostile(text)))
    assert page.text.count(text) > 20
    assert not any("onmouseover" in attributes for _, attributes in page.elements)


def test_the_style_sheet_cannot_be_left() -> None:
    escaped = css_string('"; } </style><script>\\ é\n')
    assert re.fullmatch(r'"(?:[A-Za-z0-9 ,]|\\[0-9a-f]{6})*"', escaped)
    document = factory.document(1, account_id='1"; } </style><script>alert(1)</script>')
    page = Page(render_html(document))
    assert len(page.all("style")) == 1
    assert not page.all("script")


def test_equal_documents_give_equal_text() -> None:
    assert render_html(factory.document(60)) == render_html(factory.document(60))
    assert render_html(factory.document(60)) != render_html(factory.document(60, seed=2))


def test_a_long_bill_stays_light() -> None:
    document = factory.document(3000)
    html = render_html(document)
    assert len(html) < 800_000
    assert html.count("<tr>") >= 3000
