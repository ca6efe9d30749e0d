"""Figures in units, as tables and sentences tell them."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from tandem.bills.format import ZERO, counted, decimals_of, number, plain

PLACES = 2  # at most

__all__ = ["PLACES", "ZERO", "counted", "number", "places_of", "plain"]


def places_of(values: Iterable[Decimal | None]) -> int:
    """Decimals with which all of these can be told, at most two."""
    return max((decimals_of(value, 0, PLACES) for value in values if value), default=0)
