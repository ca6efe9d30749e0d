"""The bill as PDF: the same bytes every time, readable by people, machines and screen readers."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import typst
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from tandem.bills import BillError, render_json, render_pdf
from tandem.bills import format as fmt
from tandem.bills.pack import pack
from tandem.bills.view import view_of

from . import factory

EXTREMES = {
    "bare": factory.bare,
    "usual": lambda: factory.document(30, late=True, reversal=True),
    "negative": factory.negative,
    "many pools": factory.many_pools,
    "three carriers": lambda: factory.document(12, third_carrier=True),
    "long names": factory.long_names,
    "adjusted": lambda: factory.document(12, minutes=1020, adjusted=True, reversal=True),
    "archived": factory.archived,
}


class Rendered(NamedTuple):
    document: dict[str, Any]
    reader: PdfReader
    pages: list[str]


def read(pdf: bytes) -> PdfReader:
    return PdfReader(io.BytesIO(pdf), strict=True)


def text_of(pdf: bytes) -> str:
    text = "\n".join(page.extract_text() for page in read(pdf).pages)
    return text.replace("\N{NO-BREAK SPACE}", " ")


@pytest.fixture(params=EXTREMES, scope="module")
def rendered(request: pytest.FixtureRequest) -> Rendered:
    document = EXTREMES[request.param]()
    reader = read(render_pdf(document))
    texts = [page.extract_text().replace("\N{NO-BREAK SPACE}", " ") for page in reader.pages]
    return Rendered(document, reader, texts)


def test_key_figures_can_be_read_out(rendered: Rendered) -> None:
    text = "\n".join(rendered.pages)
    for amount in rendered.document["totals"].values():
        value = fmt.decimal(amount)
        assert value == 0 or fmt.money(value, "USD") in text
    assert "1\N{EN DASH}30 June 2026" in text
    for line in rendered.document["lines"]:
        assert fmt.number(fmt.decimal(line["amount"]), 2) in text


def test_no_word_of_a_long_rollover_position_is_broken() -> None:
    document = factory.document(12, minutes=1020, adjusted=True)
    (rollover,) = [pool.rollover for pool in view_of(document).pools if pool.rollover]
    lines = text_of(render_pdf(document)).splitlines()
    assert len(rollover.steps) == 9
    assert all(any(step.label in line for line in lines) for step in rollover.steps)


def test_every_page_says_whose_it_is_and_where_it_belongs(rendered: Rendered) -> None:
    account = rendered.document["account_id"]
    for at, text in enumerate(rendered.pages, start=1):
        assert f"Account {account}, 1\N{EN DASH}30 June 2026" in text
        assert f"Page {at} of {len(rendered.pages)}" in text


def test_it_is_tagged_titled_and_archival(rendered: Rendered) -> None:
    root = rendered.reader.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"] == "en-US"
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    metadata = rendered.reader.metadata
    assert metadata is not None
    assert str(metadata.title).startswith("Bill for 1\N{EN DASH}30 June 2026")
    assert metadata.creation_date_raw == "D:20260702000000Z"
    xmp = root["/Metadata"].get_data().decode()
    assert re.search(r"pdfaid:part>\s*2\b", xmp)
    assert re.search(r"pdfuaid:part>\s*1\b", xmp)


def test_tables_and_charts_are_in_the_structure() -> None:
    reader = read(render_pdf(factory.document(10)))
    kinds: dict[str, int] = {}
    alternatives = []

    def walk(node: Any) -> None:
        node = node.get_object()
        if isinstance(node, list):
            for child in node:
                walk(child)
        elif hasattr(node, "get"):
            kind = str(node.get("/S", ""))
            kinds[kind] = kinds.get(kind, 0) + 1
            if kind == "/Figure":
                alternatives.append(node.get("/Alt"))
            if "/K" in node and not isinstance(node["/K"], int):
                walk(node["/K"])

    walk(reader.trailer["/Root"]["/StructTreeRoot"])
    assert kinds["/H1"] == 1
    assert kinds["/Table"] >= 5
    assert kinds["/TH"] >= 20
    assert all(str(text).startswith("Bar chart. You used") for text in alternatives)
    assert len(alternatives) == 2


def test_every_call_is_in_the_detail() -> None:
    document = factory.document(30, late=True, reversal=True)
    text = text_of(render_pdf(document))
    for call in document["calls"]:
        assert fmt.call_time(call["local_time"]).replace("\N{NO-BREAK SPACE}", " ") in text
    days = re.findall(r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) \d+ \w{3}", text)
    assert len(days) == len(document["calls"])


def test_a_bill_of_three_thousand_calls() -> None:
    document = factory.document(3000)
    pdf = render_pdf(document)
    reader = read(pdf)
    assert len(reader.pages) > 40
    assert len(pdf) < 1_500_000
    last = reader.pages[-1].extract_text()
    assert f"Page {len(reader.pages)} of {len(reader.pages)}" in last
    days = sum(
        len(re.findall(r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) \d+ \w{3}", page.extract_text()))
        for page in reader.pages[-3:]
    )
    assert days > 100


def test_markup_in_names_is_text() -> None:
    text = '<b>&amp; #eval("1") $5$ *x* _y_ `z` @a \\* [b] "'
    shown = re.sub(r"\s+", " ", text_of(render_pdf(factory.hostile(text))))
    assert shown.count(text) >= 5


def test_names_of_every_script_can_be_searched() -> None:
    name = "東京 서울 Αθήνα Київ Nguyễn Łódź हिन्दी ไทย 🎉"
    data = render_pdf(factory.bare(holder={"holder_name": name}))
    text = text_of(data)
    for word in name.split()[:6]:
        assert word in text
    pdf = read(data)
    # Letters that no typeface here has are drawn as boxes, and named beside them.
    contents = pdf.pages[0].get_contents()
    assert contents is not None
    assert b"/ActualText" in contents.get_data()
    fonts = {str(font) for page in pdf.pages for font in _fonts(page)}
    allowed = ("SourceSans3", "DejaVuSans", "DroidSansFallback", "TandemMissing")
    assert fonts
    assert all(any(name in font for name in allowed) for font in fonts)


def _fonts(page: Any) -> list[Any]:
    return [font.get_object()["/BaseFont"] for font in page["/Resources"]["/Font"].values()]


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.text(max_size=40))
def test_any_text_at_all_makes_a_pdf(text: str) -> None:
    holder = {"holder_name": text, "city": text, "country": "US"}
    assert render_pdf(factory.bare(holder=holder)).startswith(b"%PDF-1.7")


def test_paper_follows_the_country() -> None:
    letter = read(render_pdf(factory.bare())).pages[0].mediabox
    assert (letter.width, letter.height) == (612, 792)
    abroad = read(render_pdf(factory.bare(holder={"country": "DE"}))).pages[0].mediabox
    assert round(abroad.width) == 595


def test_equal_documents_give_equal_bytes_in_any_process() -> None:
    document = factory.document(10)
    program = (
        "import sys, json, hashlib\n"
        "from tandem.bills import render_html, render_json, render_pdf\n"
        "document = json.load(sys.stdin)\n"
        "for render in (render_html, render_json):\n"
        "    print(hashlib.sha256(render(document).encode()).hexdigest())\n"
        "print(hashlib.sha256(render_pdf(document)).hexdigest())\n"
    )
    prints = {
        subprocess.run(
            [sys.executable, "-c", program],
            input=json.dumps(document),
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | {"PYTHONHASHSEED": seed, "TZ": zone, "SOURCE_DATE_EPOCH": seed},
        ).stdout
        for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo"))
    }
    assert len(prints) == 1
    assert render_pdf(document) != render_pdf(factory.document(10, seed=2))


def written(reader: PdfReader, number: int) -> bytes:
    stream = io.BytesIO()
    found = reader.get_object(number)
    assert found is not None
    found.write_to_stream(stream)
    return stream.getvalue()


def test_packing_changes_the_size_and_nothing_else() -> None:
    template = b'#set document(title: "T")\n' + b"= One\n#table(columns: 3, [a], [b], [c])\n" * 40
    plain = typst.compile(template, format="pdf", timestamp=0)
    packed = pack(plain)
    assert len(packed) < len(plain) / 2
    before, after = read(plain), read(packed)
    assert [page.extract_text() for page in before.pages] == [
        page.extract_text() for page in after.pages
    ]
    assert before.trailer["/ID"] == after.trailer["/ID"]
    for number in range(1, int(before.trailer["/Size"])):
        assert written(before, number) == written(after, number)
    with pytest.raises(ValueError, match="trailer"):
        pack(packed)
    with pytest.raises(ValueError, match="trailer"):
        pack(b"no PDF")


def test_packed_streams_are_plain_deflate() -> None:
    pdf = render_pdf(factory.bare())
    streams = re.findall(rb"/Type/ObjStm.*?/Length (\d+)>>\nstream\n", pdf)
    assert streams
    start = pdf.index(b"/Type/ObjStm")
    start = pdf.index(b"stream\n", start) + len(b"stream\n")
    assert zlib.decompress(pdf[start : start + int(streams[0])])


def test_a_wrong_bill_gets_out_in_no_format() -> None:
    document = factory.document(3)
    document["totals"]["total_amount"] = "0.01"
    for render in (render_pdf, render_json):
        with pytest.raises(BillError):
            render(document)


def test_json_is_canonical() -> None:
    document = factory.document(5)
    text = render_json(dict(reversed(document.items())))
    assert text == render_json(document)
    assert json.loads(text) == document
    assert text.endswith("}\n")
    assert "東京" in render_json(factory.long_names())


def test_the_typefaces_ship_with_their_licences() -> None:
    folder = Path(sys.modules["tandem.bills"].__file__ or "").parent / "templates" / "fonts"
    names = {path.name for path in folder.iterdir()}
    assert "README.md" in names
    for font in (name for name in names if name.endswith((".ttf", ".woff2"))):
        assert (
            font in (folder / "README.md").read_text() or font.replace("Bold", "Regular") in names
        )
    assert len([name for name in names if name.startswith("LICENSE-")]) == 3
