"""The charges of a bill: the sum at its head and the lines that prove it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from tandem.bills import format as fmt
from tandem.bills.format import ZERO, clean, decimal, money, number
from tandem.bills.model import Fact, Group, Line, Section

CENT = Decimal("0.01")
TIMES = "\N{MULTIPLICATION SIGN}"
PROLONGED = re.compile(r"\bprolonged by (\d{1,4}) (?:period|cycle)s?\b").search

# section: (title, key of its total)
SECTIONS = {
    "plan_fee": ("Plan", "plan_fee_amount"),
    "usage": ("Usage", "usage_amount"),
    "one_time": ("One-time charges and credits", "one_time_amount"),
    "tax": ("Taxes", "tax_amount"),
}


def sums_of(document: Mapping[str, Any], currency: str) -> list[Fact]:
    """How the total comes about, a row per section, each with the reason in a few words."""
    totals = document["totals"]
    lines = document["lines"]
    plans = list(dict.fromkeys(clean(plan["plan_name"]) for plan in document.get("plans") or []))
    notes = {
        "plan_fee": fmt.listed(plans),
        "usage": _usage_note(lines, currency),
        "one_time": _one_time_note(lines, currency),
        "tax": "",
    }
    result = []
    for section, (title, key) in SECTIONS.items():
        amount = decimal(totals[key])
        if section == "one_time" and not any(line["section"] == section for line in lines):
            continue
        label = "One-time" if section == "one_time" else title
        result.append(Fact(label, money(amount, currency), notes[section]))
    return result


def _usage_note(lines: Iterable[Mapping[str, Any]], currency: str) -> str:
    by_treatment: dict[str, Decimal] = {}
    for line in lines:
        if line["section"] == "usage":
            treatment = line.get("treatment") or "other"
            by_treatment[treatment] = by_treatment.get(treatment, ZERO) + decimal(line["amount"])
    if not by_treatment:
        return "none"
    parts = [
        f"{label} {money(by_treatment[key], currency)}"
        for key, label in (("pool", "overage"), ("metered", "outside your plan"))
        if by_treatment.get(key)
    ]
    if not any(by_treatment.values()):
        return "all within your plan"
    return ", ".join(parts)


def _one_time_note(lines: Iterable[Mapping[str, Any]], currency: str) -> str:
    """What was paid for rollover; where there is something else too, how much of each."""
    amounts: dict[str, Decimal] = {}
    for line in lines:
        if line["section"] == "one_time":
            kind = "prolonged" if _prolonged(line) else "bought back"
            kind = "" if line.get("carrier_id") else kind
            amounts[kind] = amounts.get(kind, ZERO) + decimal(line["amount"])
    reversed_amount = amounts.pop("", None)
    if not amounts:
        return ""
    if reversed_amount is None:
        return f"rollover {fmt.listed(list(amounts))}"
    rollover = money(sum(amounts.values(), ZERO), currency)
    return f"rollover {rollover}, reversed {money(reversed_amount, currency)}"


def _prolonged(line: Mapping[str, Any]) -> int:
    """By how many periods the life of units was prolonged, if that is what a line charges; else 0.

    The line says so in its words only.
    """
    found = PROLONGED(clean(line.get("description")))
    return int(found[1]) if found and line["section"] == "one_time" else 0


def sections_of(document: Mapping[str, Any], currency: str) -> list[Section]:
    """Every line of the bill, by section and, where a carrier has part in it, by carrier."""
    totals = document["totals"]
    names = fmt.carrier_names(document)
    lines = sorted(document["lines"], key=lambda line: int(line["line_number"]))
    plans = {line.get("plan_id") for line in lines if line["section"] == "usage"}
    result = []
    for section, (title, key) in SECTIONS.items():
        groups: dict[str, list[Mapping[str, Any]]] = {}
        for line in lines:
            if line["section"] == section:
                carrier_id = line.get("carrier_id")
                name = clean(line.get("carrier_name")) or names.get(carrier_id, clean(carrier_id))
                groups.setdefault(name if section in ("usage", "one_time") else "", []).append(line)
        if not groups:
            continue
        if section == "one_time" and len(groups) > 1 and "" in groups:
            # what is of no carrier is of the account's rollover
            groups = {name or "Rollover": members for name, members in groups.items()}
        result.append(
            Section(
                title=title,
                amount=money(decimal(totals[key]), currency),
                groups=[
                    Group(
                        title=name,
                        amount=number(sum((decimal(m["amount"]) for m in members), ZERO), 2),
                        lines=[
                            _line(line, currency, with_plan=section == "usage" and len(plans) > 1)
                            for line in members
                        ],
                    )
                    for name, members in groups.items()
                ],
            )
        )
    return result


def _line(line: Mapping[str, Any], currency: str, *, with_plan: bool) -> Line:
    amount = decimal(line["amount"])
    unit_type = line.get("unit_type")
    quantity = line.get("quantity_units")
    description = clean(line.get("description")) or clean(line.get("plan_name")) or "Charge"
    plan_name = clean(line.get("plan_name"))
    if with_plan and plan_name and plan_name not in description:
        description = f"{description}, {plan_name}"
    text = ""
    if quantity is not None and line["section"] in ("usage", "one_time"):
        units = decimal(quantity)
        decimals = 0 if unit_type in ("message", "event") else 1
        text = f"{number(units, fmt.decimals_of(units, decimals, 2))}"
        short = fmt.unit_words(unit_type)[2]
        text = f"{text}{fmt.NBSP}{short}" if short else text
        periods = _prolonged(line)
        text += f"{fmt.NBSP}{TIMES}{fmt.NBSP}{periods}" if periods > 1 else ""
    return Line(
        description=description,
        how=_how(line, amount, currency),
        quantity=text,
        amount=number(amount, 2),
        is_zero=not amount,
    )


def _how(line: Mapping[str, Any], amount: Decimal, currency: str) -> str:
    """In a few words, what made the amount of a line."""
    rate = decimal(line["rate"]) if line.get("rate") is not None else None
    section, treatment = line["section"], line.get("treatment")
    if section == "tax":
        return fmt.percent(rate) if rate is not None else ""
    per_unit = ""
    if rate is not None and section != "plan_fee":
        per_unit = f"{money(rate, currency)} per {fmt.unit_words(line.get('unit_type'))[0]}"
    if section != "usage":
        return f"{per_unit} and period" if _prolonged(line) else per_unit
    if treatment == "free":
        return "no charge"
    if treatment == "pool":
        return _how_pooled(line, amount, rate, per_unit)
    return per_unit or "by tariff"


def _how_pooled(
    line: Mapping[str, Any], amount: Decimal, rate: Decimal | None, per_unit: str
) -> str:
    if not amount:
        return "within your plan"
    if rate is None:
        return "overage"
    # the quantity counts what the plan paid for too; a cent is what rounding may make up
    paid_by_plan = decimal(line["quantity_units"]) * rate - amount > CENT
    return f"in part overage at {per_unit}" if paid_by_plan else f"overage at {per_unit}"
