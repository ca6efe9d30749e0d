"""What a bill says, before any question of paper or screen.

`view_of` turns the document of one bill into finished text, grouped the way the bill is read:
what is new, why, where the units came from, what is left, then the proof. HTML, PDF and terminal
only lay this out, so the three can't disagree. All widths of charts are percentages as text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tandem.bills import format as fmt
from tandem.bills.charges import SECTIONS, sections_of, sums_of
from tandem.bills.detail import details_of, usage_of
from tandem.bills.format import ZERO, clean, decimal, money
from tandem.bills.model import BillError, Fact, View
from tandem.bills.pools import pool_of
from tandem.bills.rollover import notes_of

LETTER_COUNTRIES = frozenset({"", "US", "USA", "CA", "CAN", "MX", "MEX", "PH", "CL", "CO", "PR"})


def view_of(document: Mapping[str, Any]) -> View:
    """The view of a bill document.

    Raises `BillError` when a part is missing, a figure is no number, or the lines don't add up to
    the totals: a bill whose sums are wrong must not reach a customer.
    """
    bill_id = clean(document.get("bill_id")) or "without an id"
    try:
        _check_sums(document, bill_id)
        return _view(document)
    except BillError:
        raise
    except KeyError as error:
        raise BillError(bill_id, f"the document lacks {error}") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise BillError(bill_id, str(error)) from error


def _check_sums(document: Mapping[str, Any], bill_id: str) -> None:
    totals = document["totals"]
    sums = dict.fromkeys(SECTIONS, ZERO)
    for line in document["lines"]:
        section = line["section"]
        if section not in sums:
            raise BillError(bill_id, f"a line has the unknown section {section!r}")
        sums[section] += decimal(line["amount"])
    for section, (_, key) in SECTIONS.items():
        if sums[section] != decimal(totals[key]):
            raise BillError(
                bill_id, f"{section} lines sum to {sums[section]}, {key} is {totals[key]}"
            )
    if sum(sums.values(), ZERO) != decimal(totals["total_amount"]):
        raise BillError(bill_id, f"the sections do not sum to {totals['total_amount']}")


def _view(document: Mapping[str, Any]) -> View:
    start, end = fmt.date_of(document["cycle_start"]), fmt.date_of(document["cycle_end"])
    issued = fmt.local_date(document["issued_at"], document.get("time_zone"))
    currency = clean(document["currency"])
    biller = fmt.carrier_name(document["biller"])
    carriers = list(fmt.carrier_names(document).values()) or [biller]
    holder = document.get("holder") or {}
    period = fmt.period(start, end)
    account = clean(document["account_id"])
    bill_id = clean(document["bill_id"])
    total = decimal(document["totals"]["total_amount"])
    pools = [pool_of(pool, end, document) for pool in document.get("pools") or []]
    charted = [pool for pool in pools if pool.is_charted]
    calls = document.get("calls") or []
    view = View(
        bill_id=bill_id,
        account=account,
        language="en-US",
        paper="us-letter" if clean(holder.get("country")).upper() in LETTER_COUNTRIES else "a4",
        issued_on=[issued.year, issued.month, issued.day],
        biller=biller,
        carriers=carriers,
        one_bill_for=_one_bill_for(carriers, biller),
        title=f"Bill for {period}",
        period=period,
        facts=[
            Fact("Account", account),
            Fact("Period", period),
            Fact("Issued", fmt.long_date(issued)),
            Fact("Bill number", bill_id),
        ],
        address=_address(holder),
        total=money(total, currency),
        total_note="A credit in your favor." if total < 0 else "",
        sums=sums_of(document, currency),
        pools=pools,
        charted=charted,
        pooled=charted[0].unit
        if charted and charted[0].unit in ("minutes", "messages")
        else "usage",
        rolling=sum(pool.rollover is not None for pool in pools),
        amounts_in=fmt.CURRENCY_SIGNS.get(currency, currency),
        sections=sections_of(document, currency),
        usage=usage_of(document.get("usage_by_line") or []),
        details=details_of(calls, document.get("usage_by_line") or [], document, end.year),
        records=fmt.records(len(calls)),
        records_count=len(calls),
        time_zone=clean(document.get("time_zone")),
    )
    view.notes = _notes(document, view, calls, currency)
    return view


def _one_bill_for(carriers: list[str], biller: str) -> str:
    if carriers == [biller]:
        return ""
    return f"One bill for {fmt.listed(carriers)}"


def _address(holder: Mapping[str, Any]) -> list[str]:
    town = clean(holder.get("city"))
    region = " ".join(filter(None, (clean(holder.get("region")), clean(holder.get("postal_code")))))
    country = clean(holder.get("country"))
    lines = [
        clean(holder.get("holder_name")),
        clean(holder.get("address_line1")),
        clean(holder.get("address_line2")),
        ", ".join(filter(None, (town, region))),
        "" if country.upper() in ("US", "USA") else country,
    ]
    return [line for line in lines if line]


def _notes(
    document: Mapping[str, Any], view: View, calls: list[Mapping[str, Any]], currency: str
) -> list[Fact]:
    """The small print, only as far as this bill needs it."""
    notes = [
        Fact(
            "New charges",
            "are what this period added. Payments and earlier balances are not part of this bill,"
            " so what you owe may differ.",
        )
    ]
    has_rollover = any(pool.rollover for pool in view.pools)
    treatments = {line.get("treatment") for line in document["lines"]}
    if view.charted:
        notes.append(
            Fact(
                "Overage",
                "is what you used after the allowance of your plan"
                f" {'and your rollover were' if has_rollover else 'was'} used up.",
            )
        )
    if "metered" in treatments:
        notes.append(
            Fact("Outside your plan", "is what is priced one by one, such as international calls.")
        )
    if has_rollover:
        notes.append(
            Fact(
                "Use by",
                "is the last day on which rollover can be used; it expires when that day ends."
                " The oldest is used first.",
            )
        )
        notes += notes_of(document["pools"])
    if calls:
        notes.append(
            Fact(
                "Rounding.",
                "A call is billed in the steps of your plan, so it can be longer on the bill than"
                " on the phone. Charges of single calls are kept to a millionth of"
                f" {'a dollar' if currency == 'USD' else clean(currency)}; each line of charges"
                " adds them up and is rounded once, to the cent.",
            )
        )
    if any(call.get("is_late") for call in calls):
        notes.append(
            Fact(
                "Late",
                "marks a call of an earlier period that reached us after its bill had gone out."
                " It is billed here, once, at the rates of its own date.",
            )
        )
    if any(call.get("is_reversal") for call in calls):
        notes.append(
            Fact(
                "Reversed",
                "marks a call that was withdrawn after it had been billed; its charge is taken"
                " back.",
            )
        )
    return notes
