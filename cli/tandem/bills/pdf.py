"""A bill as PDF, set by Typst, whose compiler comes within its Python package.

Equal documents give equal bytes: the only date in the file is the day the bill was issued, its id
is a hash of its content, and no typeface of the machine is used. The file is tagged and archival
(PDF/UA-1, PDF/A-2a). Texts reach the template as data, never as markup.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import typst

from tandem.bills.model import BillError
from tandem.bills.pack import pack
from tandem.bills.view import view_of

TEMPLATES = Path(__file__).parent / "templates"
STANDARDS: list[typst.PDFStandard] = ["a-2a", "ua-1"]


def render_pdf(document: Mapping[str, Any]) -> bytes:
    """The bill as PDF; equal documents give equal bytes. Raises `BillError`."""
    view = view_of(document)
    data = json.dumps(view, default=_fields, ensure_ascii=False, separators=(",", ":"))
    try:
        pdf = _compiler().compile(
            format="pdf", sys_inputs={"bill": data}, pdf_standards=STANDARDS, timestamp=0
        )
    except typst.TypstError as error:
        raise BillError(view.bill_id, f"no PDF: {error.message}") from error
    if not isinstance(pdf, bytes):
        raise BillError(view.bill_id, "the PDF has no pages")
    return pack(pdf)


def _fields(part: object) -> dict[str, Any]:
    return {name: getattr(part, name) for name in part.__slots__}  # type: ignore[attr-defined]


@lru_cache(maxsize=1)
def _compiler() -> typst.Compiler:
    fonts = typst.Fonts(
        include_system_fonts=False,
        include_embedded_fonts=False,
        font_paths=[str(TEMPLATES / "fonts")],
    )
    return typst.Compiler(TEMPLATES / "bill.typ", root=TEMPLATES, font_paths=fonts)
