"""A bill as JSON in one fixed form: equal documents give equal text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tandem.bills.view import view_of


def render_json(document: Mapping[str, Any]) -> str:
    """The document with sorted keys, two spaces of indentation and a newline at the end.

    Figures stay the decimal strings they are. Raises `BillError` for a document that the other
    formats would refuse too, so that no format of a wrong bill gets out.
    """
    view_of(document)
    return json.dumps(document, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
