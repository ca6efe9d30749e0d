"""Arguments and options that several commands share."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated

import typer

# Typer gives the parsers of options their defaults too, which are no texts.


def parse_date(text: str | date) -> date:
    """A date as YYYY-MM-DD."""
    if isinstance(text, date):
        return text
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text} is not a date (YYYY-MM-DD)") from error


def parse_instant(text: str) -> datetime:
    """A date and time with offset; the compact form of file names is taken too."""
    try:
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        pass
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(
            f"{text} is not a date and time (like 2026-06-01T00:00:00Z)"
        ) from error
    if instant.tzinfo is None:
        raise typer.BadParameter(f"{text} has no offset; end it with Z for UTC")
    return instant


def parse_percent(text: str | Decimal) -> Decimal:
    """A percentage from 0 to 100, with or without the sign."""
    if isinstance(text, Decimal):
        return text
    try:
        percent = Decimal(text.removesuffix("%").strip())
    except InvalidOperation as error:
        raise typer.BadParameter(f"{text} is not a percentage") from error
    if not (percent.is_finite() and 0 <= percent <= 100):
        raise typer.BadParameter(f"{text} is not between 0 and 100")
    return percent


JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
AsOfOption = Annotated[
    datetime | None,
    typer.Option(
        "--as-of",
        parser=parse_instant,
        metavar="T",
        help="Where the warehouse stands; by default the latest instant in the records.",
    ),
]
ThroughOption = Annotated[
    date,
    typer.Option(
        "--through",
        parser=parse_date,
        metavar="DATE",
        help="Close every open cycle that ends on or before this date.",
    ),
]
