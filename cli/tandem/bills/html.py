"""A bill as one HTML file that needs nothing else: no script, no request, its typeface within."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from tandem.bills.view import view_of


def render_html(document: Mapping[str, Any]) -> str:
    """The bill as HTML; equal documents give equal text. Raises `BillError`."""
    return _template().render(bill=view_of(document), fonts=_fonts())


def css_string(text: str) -> Markup:
    """`text` as a quoted CSS string that can end neither itself nor the style element.

    All but letters, digits, spaces and commas are written as CSS escapes.
    """
    safe = "".join(
        c if c.isascii() and (c.isalnum() or c in " ,") else f"\\{ord(c):06x}" for c in text
    )
    return Markup('"%s"') % Markup(safe)  # noqa: S704 - escaped above


@lru_cache(maxsize=1)
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("tandem.bills", "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters["css_string"] = css_string
    return environment.get_template("bill.html.j2")


@lru_cache(maxsize=1)
def _fonts() -> dict[str, str]:
    folder = files("tandem.bills") / "templates" / "fonts"

    def encoded(weight: str) -> str:
        data = (folder / f"TandemBillSans-{weight}.woff2").read_bytes()
        return base64.b64encode(data).decode("ascii")

    return {"regular": encoded("Regular"), "bold": encoded("Bold")}
