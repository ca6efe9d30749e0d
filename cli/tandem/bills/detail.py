"""The usage of a bill: by line, and record by record with what paid for each."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from tandem.bills import format as fmt
from tandem.bills.format import ZERO, clean, counted, decimal, number
from tandem.bills.model import Call, Cell, Day, Detail, LineUsage, Usage

USAGE_COLUMNS = (
    ("used_units", "Used"),
    ("no_charge_units", "No charge"),
    ("plan_units", "Plan"),
    ("rollover_units", "Rollover"),
    ("overage_units", "Overage"),
    ("metered_units", "Outside plan"),
)
TAGS = (("is_late", "late"), ("is_reversal", "reversed"))


def usage_of(rows: list[Mapping[str, Any]]) -> Usage:
    """Usage by line; units of one type have the same number of decimals throughout."""
    shown = [
        (key, label)
        for key, label in USAGE_COLUMNS
        if key == "used_units" or any(decimal(row.get(key)) for row in rows)
    ]
    decimals: dict[str, int] = {}
    for row in rows:
        unit_type = row["unit_type"]
        for key, _ in shown:
            needed = fmt.decimals_of(decimal(row.get(key)), 0, 2)
            decimals[unit_type] = max(decimals.get(unit_type, 0), needed)

    def cell(value: Decimal, places: int) -> Cell:
        return Cell(number(value, places), not value)

    return Usage(
        columns=["Records", *(label for _, label in shown), "Charge"],
        rows=[
            LineUsage(
                number=fmt.phone(row["service_number"]),
                carrier=fmt.carrier_name(row),
                service=_service_and_unit(row),
                cells=[
                    cell(decimal(row["records"]), 0),
                    *(cell(decimal(row.get(key)), decimals[row["unit_type"]]) for key, _ in shown),
                    cell(decimal(row["charge_amount"]), 2),
                ],
            )
            for row in rows
        ],
    )


def _service_and_unit(row: Mapping[str, Any]) -> str:
    name = fmt.service_name(row["service"])
    short = fmt.unit_words(row["unit_type"])[2]
    return name if row["unit_type"] in ("message", "event") else f"{name}, {short}"


def details_of(
    calls: list[Mapping[str, Any]],
    usage: list[Mapping[str, Any]],
    document: Mapping[str, Any],
    year: int,
) -> list[Detail]:
    """Every record, by service number and unit, lines in the order of the usage table."""
    names = fmt.carrier_names(document)
    groups: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {
        (row["carrier_id"], row["service_number"], row["unit_type"]): [] for row in usage
    }
    for call in calls:
        key = (call["carrier_id"], call["service_number"], call["unit_type"])
        groups.setdefault(key, []).append(call)
    return [
        _detail(number_text, names.get(carrier_id, clean(carrier_id)), unit_type, members, year)
        for (carrier_id, number_text, unit_type), members in groups.items()
        if members
    ]


def _detail(
    number_text: str, carrier: str, unit_type: str, calls: list[Mapping[str, Any]], year: int
) -> Detail:
    billable = [decimal(call["billable_units"]) for call in calls]
    charges = [decimal(call["charge_amount"]) for call in calls]
    whole = unit_type in ("message", "event")
    decimals = max(fmt.decimals_of(value, 0 if whole else 1, 2) for value in billable)
    places = max(fmt.decimals_of(charge, 2, 4) for charge in charges)
    _, many, short = fmt.unit_words(unit_type)
    services = list(dict.fromkeys(fmt.service_name(call["service"]) for call in calls))
    days: dict[str, list[Call]] = {}
    for call, units, charge in zip(calls, billable, charges, strict=True):
        days.setdefault(str(call["local_date"]), []).append(
            Call(
                time=fmt.call_time(str(call["local_time"])),
                number=_other(call),
                kind=_kind(call, with_service=len(services) > 1),
                length=_length(call["used_units"], unit_type),
                billed=number(units, decimals),
                paid=_paid(call),
                charge=fmt.aligned(charge, places),
                tag=", ".join(tag for key, tag in TAGS if call.get(key)),
                is_free=not charge,
            )
        )
    return Detail(
        number=fmt.phone(number_text),
        carrier=carrier,
        what=fmt.listed([services[0], *(name.lower() for name in services[1:])]),
        summary=f"{fmt.records(len(calls))}, {counted(sum(billable, ZERO), unit_type)} billed",
        length_label={"minute": "Length", "megabyte": "Used"}.get(unit_type, ""),
        billed_label=many[:1].upper() + many[1:],
        billed_unit=short,
        days=[Day(fmt.call_date(date, year), members) for date, members in days.items()],
    )


def _other(call: Mapping[str, Any]) -> str:
    number_text = fmt.phone(call.get("other_number"))
    if not number_text:
        return "" if call["unit_type"] == "megabyte" else "number unknown"
    return f"{'from' if call['direction'] == 'terminated' else 'to'}{fmt.NBSP}{number_text}"


def _kind(call: Mapping[str, Any], *, with_service: bool) -> str:
    kind = fmt.words(call.get("call_type"))
    if kind and not with_service:
        return kind
    return ", ".join(filter(None, (fmt.service_name(call["service"]), kind.lower())))


def _length(used: object, unit_type: str) -> str:
    if unit_type == "minute":
        return fmt.clock(str(used))
    return number(decimal(used), 2) if unit_type == "megabyte" else ""


def _paid(call: Mapping[str, Any]) -> str:
    """What paid for a call or, if nothing had to, the reason."""
    if call.get("is_reversal"):
        return "Charge taken back"
    funding = call.get("funding")
    reason = call.get("no_charge_reason")
    if funding:
        text = " + ".join(clean(part) for part in str(funding).split("+"))
        text = text[:1].upper() + text[1:]
        return f"{text}, part free: {fmt.no_charge_reason(reason)}" if reason else text
    if reason:
        why = fmt.no_charge_reason(reason)
        return why[:1].upper() + why[1:] if why.startswith("free") else f"Free: {why}"
    return {"metered": "Outside plan", "free": "Free"}.get(
        call.get("category") or "", fmt.words(call.get("category"))
    )
