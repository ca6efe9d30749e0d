"""The HTML bill in a real browser: on a phone and on paper."""

from __future__ import annotations

import html
import io
import json
import re
import subprocess
from pathlib import Path

from pypdf import PdfReader

from tandem.bills import render_html

from . import factory

CHROMIUM = [
    "/usr/bin/chromium",
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
]


def chromium(folder: Path, *arguments: str) -> str:
    command = [*CHROMIUM, f"--user-data-dir={folder / 'profile'}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def test_no_bill_is_wider_than_a_phone(tmp_path: Path) -> None:
    documents = [
        factory.document(12, late=True, third_carrier=True),
        factory.long_names(),
        factory.hostile(),
        factory.many_pools(),
        factory.document(12, minutes=1020, adjusted=True),
    ]
    frames = "".join(
        f'<iframe width="{width}" height="400" srcdoc="{html.escape(render_html(document))}">'
        "</iframe>"
        for document in documents
        for width in (320, 390, 900)
    )
    page = tmp_path / "frames.html"
    page.write_text(
        f"<body>{frames}<script>onload = () => {{ document.title = JSON.stringify("
        "[...document.querySelectorAll('iframe')].map(f => ["
        "f.contentDocument.documentElement.scrollWidth, f.clientWidth,"
        "f.contentDocument.fonts.check('700 16px \"Tandem Bill Sans\"')])); }</script>",
        encoding="utf-8",
    )
    dom = chromium(tmp_path, "--virtual-time-budget=3000", "--dump-dom", page.as_uri())
    title = re.search(r"<title>(.*?)</title>", dom)
    assert title
    measured = json.loads(html.unescape(title[1]))
    assert len(measured) == 15
    for content, frame, has_font in measured:
        assert content <= frame
        assert has_font


def test_it_prints_with_repeated_heads_and_numbered_pages(tmp_path: Path) -> None:
    page = tmp_path / "bill.html"
    page.write_text(render_html(factory.document(60)), encoding="utf-8")
    printed = tmp_path / "bill.pdf"
    chromium(tmp_path, "--no-pdf-header-footer", f"--print-to-pdf={printed}", page.as_uri())
    pages = [sheet.extract_text() for sheet in PdfReader(io.BytesIO(printed.read_bytes())).pages]
    assert 2 <= len(pages) <= 5
    for at, text in enumerate(pages, start=1):
        assert f"Page {at} of {len(pages)}" in text
        assert "Piedmont Telephone, account A000123, 1\N{EN DASH}30 June 2026" in text
    assert "What you have left" in pages[0]
    assert "Date and time" in pages[-1]
