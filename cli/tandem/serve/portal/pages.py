"""Pages from templates, in the frame that all of them have."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from tandem.bills import format as fmt
from tandem.integrity import words
from tandem.queries import Row
from tandem.serve.portal import visits
from tandem.serve.portal.addresses import PATH, of_account, piece
from tandem.serve.portal.brands import Brands
from tandem.serve.portal.projection import zone
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
        "price": lambda value, currency: fmt.money(value, currency or ""),
        "day": lambda value: fmt.long_date(value) if value else "",
        "short": lambda value: fmt.short_date(value) if value else "",
        "iso": lambda value: value.isoformat() if value else "",
        "clock": lambda value: fmt.call_time(str(value)),
        "phone": fmt.phone,
        "service": fmt.service_name,
        "reason": fmt.no_charge_reason,
        "words": fmt.words,
        "piece": piece,
        "of_account": of_account,
        "carrier": _carrier,
        "networks": _networks,
        "kind": words.title_of,
        "source": lambda value: _SOURCES.get(value, fmt.words(value)),
        "query": lambda pairs: urlencode({k: v for k, v in pairs.items() if v}),
    }
    environment.filters["last_day"] = lambda value: fmt.long_date(value - timedelta(days=1))
    environment.filters["local_date"] = _local_date
    environment.globals["period"] = fmt.period
    environment.globals["listed"] = fmt.listed
    return environment


def money(value: Decimal | None, currency: str | None) -> str:
    """An amount, to the cent."""
    return fmt.money((value or fmt.ZERO).quantize(Decimal("0.01"), ROUND_HALF_UP), currency or "")


def _local_date(value: datetime, account: Row | None) -> date:
    """The day of an instant where an account is; of none in particular, in UTC."""
    return value.astimezone(zone(account["time_zone"] if account else None)).date()


def _carrier(carrier_id: str | None, names: Mapping[str, str]) -> str:
    """The name of a carrier, also of one that the catalog does not have any more."""
    return names.get(carrier_id or "", fmt.clean(carrier_id))


def _networks(plan: Row, names: Mapping[str, str]) -> str:
    """Whose lines a plan is for."""
    if plan["is_any_network"]:
        return "Any network"
    return ", ".join(_carrier(one, names) for one in plan["carrier_ids"])


async def render(request: Request, template: str, status: int = 200, /, **context: Any) -> Response:
    """A page; for whom is read from the visit."""
    subject = _subject(request)
    brands: Brands = request.app.state.brands
    base = {
        "root": PATH,
        "brand": await brands.of(request, subject, may_read=status < 500),
        "subject": subject,
        "form_key": visits.form_key(request, subject) if subject else "",
        "account": None,
        "here": "",
    }
    account = context.get("account")
    if account is not None:
        base["own"] = of_account(account["account_id"])
    text = _environment().get_template(template).render(base | context)
    return HTMLResponse(text, status)


def _subject(request: Request) -> Subject | None:
    token = request.cookies.get(visits.COOKIE)
    try:
        return read_token(request.app.state.key, token) if token else None
    except InvalidTokenError:
        return None
