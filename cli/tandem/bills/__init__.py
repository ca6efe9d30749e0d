"""Bills as HTML, PDF, JSON, and in the terminal, from one document per bill.

>>> from tandem.bills import render_html, render_pdf, render_files

A document holds every amount and quantity as a decimal string and every date as an ISO date; the
billing marts make it. All renderers take their text from the same view (`tandem.bills.view`).
"""

from __future__ import annotations

from tandem.bills.canonical import render_json
from tandem.bills.files import Format, file_name, render_files
from tandem.bills.html import render_html
from tandem.bills.model import BillError
from tandem.bills.pdf import render_pdf
from tandem.bills.terminal import show

__all__ = [
    "BillError",
    "Format",
    "file_name",
    "render_files",
    "render_html",
    "render_json",
    "render_pdf",
    "show",
]
