"""Exact arithmetic: no binary floating point anywhere in units or money (rules, preamble)."""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

Number = int | Fraction | Decimal

ZERO_CENTS = Decimal("0.00")
ZERO_MICRO = Decimal("0.000000")


def round_int(value: Number) -> int:
    """Half up = away from zero at the half (rules, preamble)."""
    exact = Fraction(value)
    size = (abs(exact.numerator) * 2 + exact.denominator) // (exact.denominator * 2)
    return size if exact >= 0 else -size


def round_to(value: Number, places: int) -> Decimal:
    return Decimal(round_int(Fraction(value) * 10**places)).scaleb(-places)


def money(value: Number) -> Decimal:
    """Amounts on bill lines, settlement and journal: 2 decimals."""
    return round_to(value, 2)


def charge(value: Number) -> Decimal:
    """Amounts per usage record: 6 decimals."""
    return round_to(value, 6)


def in_units(base_quantity: int, base_units_per_unit: int) -> Decimal:
    """Figures in units: numeric(20,6)."""
    return round_to(Fraction(base_quantity, base_units_per_unit), 6)


def ceil_to(quantity: int, increment: int) -> int:
    """ceil(quantity / increment) * increment, in whole numbers (rules 2.2)."""
    return -(-quantity // increment) * increment


def cents(amount: Decimal) -> int:
    whole = Fraction(amount) * 100
    assert whole.denominator == 1, f"not an amount in cents: {amount}"
    return whole.numerator


def apportion(amount: Decimal, weights: Mapping[str, Number]) -> dict[str, Decimal]:
    """The largest-remainder method (rules 6): floor each share towards minus infinity, hand the
    missing cents to the largest fractions, ties to the first carrier_id."""
    total = cents(amount)
    whole = sum((Fraction(weight) for weight in weights.values()), Fraction(0))
    shares: dict[str, int] = {}
    fractions: list[tuple[Fraction, str]] = []
    for carrier_id, weight in weights.items():
        exact = Fraction(total) * Fraction(weight) / whole
        floored = exact.numerator // exact.denominator
        shares[carrier_id] = floored
        fractions.append((-(exact - floored), carrier_id))
    missing = total - sum(shares.values())
    for _, carrier_id in sorted(fractions)[:missing]:
        shares[carrier_id] += 1
    return {carrier_id: Decimal(share).scaleb(-2) for carrier_id, share in shares.items()}
