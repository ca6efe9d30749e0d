"""How figures are written on a bill: money, units, dates, numbers of lines, words for codes.

Everything here takes the decimal strings of the bill document and works in `Decimal`; no binary
floating point comes near an amount. The same text goes to HTML, PDF and the terminal.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

MINUS = "\N{MINUS SIGN}"
FIGURE_SPACE = "\N{FIGURE SPACE}"
NBSP = "\N{NO-BREAK SPACE}"
EN_DASH = "\N{EN DASH}"
ZERO = Decimal(0)
HUNDRED = Decimal(100)

MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
WEEKDAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
CURRENCY_SIGNS = {"USD": "$", "CAD": "CA$", "MXN": "MX$", "EUR": "€", "GBP": "£"}

# unit type: (one, many, short)
UNITS = {
    "minute": ("minute", "minutes", "min"),
    "message": ("message", "messages", "msg"),
    "megabyte": ("MB", "MB", "MB"),
    "event": ("event", "events", "events"),
}
SERVICES = {
    "voice": "Calls",
    "video": "Video calls",
    "sms": "Text messages",
    "mms": "Picture messages",
    "im": "Instant messages",
    "page": "Pages",
    "data": "Data",
    "event": "Events",
}
NO_CHARGE_REASONS = {
    "night_weekend": "nights & weekends",
    "nights_weekends": "nights & weekends",
    "mobile_to_mobile": "mobile to mobile",
    "free_service": "free with your plan",
    "zero_duration": "not connected",
}

_BIDI_CONTROLS = frozenset(
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)
_PLAIN = re.compile(r"[ -~]*").fullmatch


def clean(value: object) -> str:
    """The text of `value` as one line that is safe to lay out anywhere.

    Control characters (terminal escapes among them) and bidirectional overrides go, since they
    could rearrange or repaint the figures beside them; private-use characters and stray
    surrogates, which no font can show, become U+FFFD. Letters of every script stay.
    """
    if value is None:
        return ""
    text = str(value)
    if not _PLAIN(text):
        text = "".join(map(_clean_character, unicodedata.normalize("NFC", text)))
    return " ".join(text.split()) if "  " in text or text != text.strip() else text


@lru_cache(maxsize=4096)
def _clean_character(character: str) -> str:
    if character in _BIDI_CONTROLS or character == "\ufeff":
        return ""
    category = unicodedata.category(character)
    if category in ("Cc", "Zl", "Zp"):
        return " "
    if category in ("Co", "Cs", "Cn"):
        return "\N{REPLACEMENT CHARACTER}"
    return character


def decimal(value: object) -> Decimal:
    """A figure of the document as `Decimal`; null counts as zero.

    Raises `TypeError` for a float, which cannot carry an amount exactly, and `ValueError` for
    text that is no finite number.
    """
    if value is None:
        return ZERO
    if isinstance(value, Decimal):
        return value
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise TypeError(f"{value!r} is no decimal string")
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise ValueError(f"{value!r} is no number") from None
    if not number.is_finite():
        raise ValueError(f"{value!r} is no finite number")
    return number


def decimals_of(value: Decimal, at_least: int, at_most: int) -> int:
    """Decimals needed to write `value` exactly, within the two bounds."""
    exponent = value.normalize().as_tuple().exponent
    needed = -exponent if isinstance(exponent, int) else 0
    return min(max(needed, at_least), at_most)


def number(value: Decimal, decimals: int) -> str:
    """`value` rounded half up, grouped by thousands: `1,234.50`, with a real minus sign.

    A figure that is not zero but would round to it is written as a bound, `<0.01`.
    """
    step = Decimal(1).scaleb(-decimals)
    rounded = abs(value).quantize(step, rounding=ROUND_HALF_UP)
    if not rounded and value:
        return f"<{step}" if value > 0 else f"{MINUS}<{step}"
    return f"{MINUS if value < 0 else ''}{rounded:,}"


def aligned(amount: Decimal, places: int) -> str:
    """An amount of a single call, as exact as it is up to `places` decimals but never with fewer
    than two, filled up with spaces as wide as digits so that decimal points stand in line."""
    own = decimals_of(amount, 2, places)
    return number(amount, own) + FIGURE_SPACE * (places - own)


def money(value: Decimal, currency: str) -> str:
    """An amount with its currency: `$68.52`, `CHF 12.00`; a minus sign goes in front."""
    sign = CURRENCY_SIGNS.get(currency, f"{currency}{NBSP}" if currency else "")
    return f"{MINUS if value < 0 else ''}{sign}{number(abs(value), decimals_of(value, 2, 6))}"


def percent(value: Decimal) -> str:
    """A tax rate given as a fraction: `0.0425` is `4.25%`."""
    return f"{number(value * 100, decimals_of(value * 100, 0, 4))}%"


def share(part: Decimal, whole: Decimal) -> Decimal:
    """How many percent of `whole` a part is, from 0 to 100: the width of a bar."""
    return min(part * HUNDRED / whole, HUNDRED) if whole > 0 and part > 0 else ZERO


def percent_text(value: Decimal) -> str:
    """A width in percent, with as many decimals as a drawing needs."""
    return str(value.quantize(Decimal("0.001"), rounding=ROUND_HALF_UP))


def unit_words(unit_type: str | None) -> tuple[str, str, str]:
    """One, many and the short form of a unit type."""
    if not unit_type:
        return ("unit", "units", "")
    words = UNITS.get(unit_type)
    if words is None:
        name = clean(unit_type).replace("_", " ")
        words = (name, name, name)
    return words


def plain(value: Decimal) -> str:
    """A figure of units in running text, with two decimals at most: `1,100`, `46.5`."""
    return number(value, decimals_of(value, 0, 2))


def counted(value: Decimal, unit_type: str | None) -> str:
    """A figure with its unit in words: `1 minute`, `1,100 minutes`."""
    one, many, _ = unit_words(unit_type)
    return f"{plain(value)}{NBSP}{one if value == 1 else many}"


@lru_cache(maxsize=8192)
def clock(units: str) -> str:
    """The length of a call in minutes as minutes and seconds: `9.500000` is `9:30`."""
    seconds = int((decimal(units) * 60).quantize(Decimal(1), rounding=ROUND_HALF_UP))
    sign = MINUS if seconds < 0 else ""
    minutes, seconds = divmod(abs(seconds), 60)
    return f"{sign}{minutes}:{seconds:02d}"


@lru_cache(maxsize=1024)
def words(code: str | None) -> str:
    """A code of the catalog as words: `long_distance` is `Long distance`."""
    text = clean(code).replace("_", " ").strip()
    return text[:1].upper() + text[1:]


def service_name(service: str | None) -> str:
    return SERVICES.get(service or "", words(service))


def no_charge_reason(reason: str) -> str:
    """Why a call cost nothing; rules of the catalog beyond the usual ones speak by their name."""
    known = NO_CHARGE_REASONS.get(reason)
    return known if known is not None else words(reason).lower()


@lru_cache(maxsize=8192)
def phone(number_text: str | None) -> str:
    """A number as people write it; North American ones as `(404) 555-0123`."""
    text = clean(number_text)
    national = re.fullmatch(r"\+1([2-9]\d\d)(\d{3})(\d{4})", text)
    if national:
        return f"({national[1]}){NBSP}{national[2]}-{national[3]}"
    return text


def date_of(value: object) -> dt.date:
    return value if isinstance(value, dt.date) else dt.date.fromisoformat(str(value)[:10])


def long_date(day: dt.date) -> str:
    """Day, month in words, year: nobody takes it for another date, in whatever country."""
    return f"{day_month(day)} {day.year}"


def short_date(day: dt.date) -> str:
    return f"{day.day} {MONTHS[day.month - 1][:3]} {day.year}"


def day_month(day: dt.date) -> str:
    return f"{day.day} {MONTHS[day.month - 1]}"


@lru_cache(maxsize=1024)
def call_date(value: str, year: int) -> str:
    """The day of a call with its weekday, which decides on weekend rules: `Wed 3 Jun`."""
    day = date_of(value)
    text = f"{WEEKDAYS[day.weekday()]} {day.day} {MONTHS[day.month - 1][:3]}"
    return text if day.year == year else f"{text} {day.year}"


@lru_cache(maxsize=2048)
def call_time(value: str) -> str:
    """The local time of a call, `18:22:10` is `6:22 pm`."""
    hour, minute = (int(part) for part in value.split(":")[:2])
    return f"{(hour + 11) % 12 + 1}:{minute:02d}{NBSP}{'am' if hour % 24 < 12 else 'pm'}"


def period(start: dt.date, end: dt.date) -> str:
    """A half-open range of dates by its first and last day, as in `1-30 June 2026`."""
    last = end - dt.timedelta(days=1)
    if (start.year, start.month) == (last.year, last.month):
        if start == last:
            return long_date(start)
        return f"{start.day}{EN_DASH}{long_date(last)}"
    first = day_month(start) if start.year == last.year else long_date(start)
    return f"{first} {EN_DASH} {long_date(last)}"


def local_date(moment: object, time_zone: object) -> dt.date:
    """The date of a moment where the account is; a zone unknown to this machine counts as UTC."""
    instant = moment if isinstance(moment, dt.datetime) else dt.datetime.fromisoformat(str(moment))
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=dt.UTC)
    try:
        zone: dt.tzinfo = ZoneInfo(str(time_zone))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        zone = dt.UTC
    return instant.astimezone(zone).date()


def next_month(day: dt.date) -> dt.date:
    """The same day of next month, or that month's last day."""
    first = (day.replace(day=1) + dt.timedelta(days=32)).replace(day=1)
    last = (first + dt.timedelta(days=32)).replace(day=1) - dt.timedelta(days=1)
    return first.replace(day=min(day.day, last.day))


def carrier_name(carrier: Mapping[str, Any]) -> str:
    """The name of a carrier, or its id where it has none."""
    return clean(carrier.get("carrier_name")) or clean(carrier["carrier_id"])


def carrier_names(document: Mapping[str, Any]) -> dict[str, str]:
    """The names of the carriers of a bill by their id."""
    carriers = document.get("carriers") or []
    return {carrier["carrier_id"]: carrier_name(carrier) for carrier in carriers}


def records(count: int) -> str:
    return f"{count:,} record{'' if count == 1 else 's'}"


def listed(items: list[str]) -> str:
    """`A`, `A and B`, `A, B and C`."""
    return f"{', '.join(items[:-1])} and {items[-1]}" if len(items) > 1 else "".join(items)
