"""Pages from templates, in the frame that all of them have."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import Request
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from tandem.bills import format as fmt
from tandem.integrity import words
from tandem.serve.portal import visits
from tandem.serve.portal.brands import Brands
from tandem.tokens import InvalidTokenError, Subject, read_token

_SOURCES = {
    "plan": "From the plan",
    "adjustment": "Given",
    "resale": "Bought back",
}


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("tandem.serve.portal", "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters |= {
        "clean": fmt.clean,
        "units": lambda value: fmt.plain(value or fmt.ZERO),
        "counted": lambda value, unit: fmt.counted(value or fmt.ZERO, unit),
        "units_of": lambda value, unit: fmt.counted(Decimal(value), unit),
        "unit": lambda unit: fmt.unit_words(unit)[1],
        "money": money,
        "day": lambda value: fmt.long_date(value) if value else "",
        "short": lambda value: fmt.short_date(value) if value else "",
        "iso": lambda value: value.isoformat() if value else "",
        "clock": lambda value: fmt.call_time(str(value)),
        "phone": fmt.phone,
        "service": fmt.service_name,
        "reason": fmt.no_charge_reason,
        "words": fmt.words,
        "piece": lambda value: quote(str(value), safe=""),
        "kind": words.title_of,
        "source": lambda value: _SOURCES.get(value, fmt.words(value)),
        "query": lambda pairs: urlencode({k: v for k, v in pairs.items() if v}),
    }
    environment.filters["last_day"] = lambda value: fmt.long_date(value - timedelta(days=1))
    environment.globals["period"] = fmt.period
    environment.globals["listed"] = fmt.listed
    return environment


def money(value: Decimal | None, currency: str = "USD") -> str:
    """An amount, to the cent."""
    return fmt.money((value or fmt.ZERO).quantize(Decimal("0.01")), currency)


async def render(request: Request, template: str, status: int = 200, /, **context: Any) -> Response:
    """A page; for whom is read from the visit."""
    subject = _subject(request)
    brands: Brands = request.app.state.brands
    base = {
        "root": visits.PATH,
        "brand": await brands.of(request, subject, may_read=status < 500),
        "subject": subject,
        "form_key": visits.form_key(request, subject) if subject else "",
        "account": None,
        "here": "",
    }
    text = _environment().get_template(template).render(base | context)
    return HTMLResponse(text, status)


def _subject(request: Request) -> Subject | None:
    token = request.cookies.get(visits.COOKIE)
    try:
        return read_token(request.app.state.key, token) if token else None
    except InvalidTokenError:
        return None
