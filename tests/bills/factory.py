"""Documents of bills of every size, consistent in themselves, the same for the same arguments.

`document` charges its calls much as the warehouse does (allowance, then the oldest bucket, then
overage), so totals, pools, lines and call detail of a document agree with each other.
"""

from __future__ import annotations

import datetime as dt
import random
from collections import defaultdict
from collections.abc import Mapping
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal
from typing import Any

CENT = Decimal("0.01")
MILLIONTH = Decimal("0.000001")
CARRIERS = [
    {"carrier_id": "wireless", "carrier_name": "Peachtree Wireless", "service_kind": "wireless"},
    {"carrier_id": "wireline", "carrier_name": "Piedmont Telephone", "service_kind": "wireline"},
]
THIRD = {"carrier_id": "net", "carrier_name": "Chattahoochee Fiber", "service_kind": "internet"}
LINES = (("+14045550123", "wireless"), ("+14045550188", "wireless"), ("+17705550142", "wireline"))
PLACES = (
    "+13035550188",
    "+12125550119",
    "+16785550107",
    "+17705550199",
    "+14045550165",
    "+442079460018",
)


def units(value: Decimal) -> str:
    return str(value.quantize(MILLIONTH))


def document(
    calls: int = 60,
    *,
    seed: int = 1,
    minutes: int = 1170,
    account_id: str = "A000123",
    late: bool = False,
    reversal: bool = False,
    third_carrier: bool = False,
    international: bool = True,
    holder: Mapping[str, Any] | None = None,
    adjusted: bool = False,
) -> dict[str, Any]:
    """One bill.

    Args:
        minutes: about how many minutes of its calls count against the plan.
        adjusted: all that can happen to rollover, in the order in which it is drawn.
    """
    rng = random.Random(seed)
    records = _records(rng, calls, minutes, international=international)
    if third_carrier:
        records += _data(rng, max(calls // 4, 1))
    if late and records:
        records[0] |= {"local_date": "2026-05-30", "is_late": True}
    buckets = [
        _bucket("2025-08-01", "2026-07-31", "30", "plan"),
        _bucket("2026-02-01", "2027-01-31", "46.5", "plan"),
        _bucket("2026-04-01", "2027-03-31", "60", "plan"),
        _bucket("2026-06-01", "2027-05-31", "0", "adjustment", given="25"),
    ]
    if adjusted:
        buckets = [
            _bucket("2025-07-01", "2026-08-31", "40", taken_over=True, debited="12", extended=True),
            _bucket("2025-08-01", "2026-07-31", "30", taken_over=True),
            _bucket("2026-02-01", "2027-01-31", "46.5", "plan"),
            _bucket("2026-04-01", "2026-06-30", "10", "plan"),
            _bucket("2026-06-01", "2027-05-31", "0", "adjustment", given="25"),
            _bucket("2026-06-01", "2027-05-31", "0", "resale", given="15"),
        ]
    pools = _charge(records, buckets)
    if third_carrier:
        pools.append(_pool("data", "Shared data", "megabyte", "2000", records, None, []))
    reversals = [_reversal()] if reversal else []
    lines = _lines(records, reversals, adjusted=adjusted)
    totals: defaultdict[str, Decimal] = defaultdict(Decimal)
    for line in lines:
        totals[line["section"]] += Decimal(line["amount"])
    return {
        "bill_id": f"{account_id}-20260701",
        "account_id": account_id,
        "cycle_start": "2026-06-01",
        "cycle_end": "2026-07-01",
        "issued_at": "2026-07-02T06:00:00+00:00",
        "close_id": 1,
        "currency": "USD",
        "time_zone": "America/New_York",
        "biller": {"carrier_id": "wireline", "carrier_name": "Piedmont Telephone"},
        "carriers": [*CARRIERS, THIRD] if third_carrier else list(CARRIERS),
        "holder": {
            "holder_name": "Eleanor Whitfield",
            "address_line1": "1482 Magnolia Street NE",
            "address_line2": "Apartment 4",
            "city": "Decatur",
            "region": "GA",
            "postal_code": "30030",
            "country": "US",
            "email": None,
        }
        | dict(holder or {}),
        "totals": {
            **{
                f"{section}_amount": str(totals[section].quantize(CENT))
                for section in ("plan_fee", "usage", "one_time", "tax")
            },
            "total_amount": str(sum(totals.values(), Decimal(0)).quantize(CENT)),
        },
        "plans": [
            {
                "plan_id": "SHARE1000",
                "plan_name": "Share 1000",
                "effective_from": "2026-01-01",
                "effective_to": None,
            }
        ],
        "lines": lines,
        "pools": pools,
        "usage_by_line": _usage(records),
        "calls": [_call(record) for record in [*records, *reversals]],
    }


def bare(**overrides: Any) -> dict[str, Any]:
    """A fee and its taxes, not one call, nothing optional."""
    empty = document(0)
    empty["pools"] = []
    empty["usage_by_line"] = []
    return empty | overrides


def negative() -> dict[str, Any]:
    """A bill that gives money back: a reversal larger than everything else."""
    bill = document(3, minutes=20, reversal=True, international=False)
    (line,) = [line for line in bill["lines"] if line["section"] == "one_time"]
    line["amount"] = "-120.00"
    bill["calls"][-1]["charge_amount"] = "-120.000000"
    _retotal(bill)
    return bill


def many_pools(count: int = 9) -> dict[str, Any]:
    """A plan with a pool for everything, of every unit type."""
    bill = document(12)
    kinds = ("minute", "message", "megabyte", "event")
    for index in range(count):
        used = str(37 * index)
        pool = bill["pools"][1] | {
            "pool_id": f"pool{index}",
            "pool_name": f"Allowance {index}",
            "unit_type": kinds[index % 4],
            "allowance_units": "250.000000",
            "plan_used_units": units(min(Decimal(used), Decimal(250))),
            "overage_units": units(max(Decimal(used) - 250, Decimal(0))),
        }
        bill["pools"].append(pool)
    return bill


def archived() -> dict[str, Any]:
    """A plan with rollover was left some periods ago, and now the time to come back is over."""
    bill = document(12)
    pool = bill["pools"][0]
    pool["buckets"] = [
        _bucket("2025-08-01", "2026-08-31", "30"),
        _bucket("2025-10-01", "2026-10-31", "46.5"),
    ]
    for bucket in pool["buckets"]:
        bucket |= {
            "archived_units": bucket["opening_units"],
            "remaining_units": units(Decimal(0)),
            "status": "archived",
        }
    for key in ("allowance", "plan_used", "rollover_used", "overage", "no_charge"):
        pool[f"{key}_units"] = units(Decimal(0))
    pool["rollover"] = _position(pool["buckets"])
    return bill


def _retotal(bill: dict[str, Any]) -> None:
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for line in bill["lines"]:
        sums[line["section"]] += Decimal(line["amount"])
    for section in ("plan_fee", "usage", "one_time", "tax"):
        bill["totals"][f"{section}_amount"] = str(sums[section].quantize(CENT))
    bill["totals"]["total_amount"] = str(sum(sums.values(), Decimal(0)).quantize(CENT))


def _records(
    rng: random.Random, count: int, minutes: int, *, international: bool
) -> list[dict[str, Any]]:
    """Records without charges; those that count against the plan come to about `minutes`."""
    moments = sorted(
        dt.datetime(2026, 6, 1) + dt.timedelta(seconds=rng.randrange(30 * 86400))  # noqa: DTZ001
        for _ in range(count)
    )
    records = [_kind(rng, moment, international=international) for moment in moments]
    for record in records:
        record["weight"] = 0.0 if rng.random() < 0.04 else rng.expovariate(1.0) + 0.03
    counted = sum(
        record["weight"]
        for record in records
        if record["treatment"] == "pool"
        and record["service"] == "voice"
        and not record["no_charge_reason"]
    )
    for record in records:
        weight = record.pop("weight")
        if record["service"] == "sms":
            record |= {"used_units": units(Decimal(1)), "billable": Decimal(1)}
            continue
        counts = record["treatment"] == "pool" and not record["no_charge_reason"]
        share = 1 / max(counted, 1.0) if counts else 1 / max(count, 1) / 2
        seconds = int(weight * share * minutes * 60)
        record["used_units"] = units(Decimal(seconds) / 60)
        step = Decimal(1) if record["carrier_id"] == "wireless" else Decimal("0.1")
        billable = (Decimal(seconds) / 60 / step).to_integral_value(ROUND_CEILING) * step
        record["billable"] = billable
        if not seconds:
            record["no_charge_reason"] = "zero_duration"
        elif record["treatment"] == "metered":
            record["charge"] = (billable * record["rate"]).quantize(MILLIONTH)
    return records


def _kind(rng: random.Random, moment: dt.datetime, *, international: bool) -> dict[str, Any]:
    service_number, carrier_id = rng.choice(LINES)
    record: dict[str, Any] = {
        "service_number": service_number,
        "carrier_id": carrier_id,
        "local_date": moment.date().isoformat(),
        "local_time": moment.time().isoformat(),
        "other_number": rng.choice(PLACES[:5]),
        "direction": rng.choice(("originated", "terminated")),
        "service": "voice",
        "call_type": rng.choice(("local", "long_distance")),
        "unit_type": "minute",
        "funding": None,
        "category": "anytime",
        "no_charge_reason": None,
        "charge": Decimal(0),
        "is_late": False,
        "is_reversal": False,
        "treatment": "pool",
        "rate": None,
    }
    if carrier_id == "wireless" and rng.random() < 0.18:
        record |= {"service": "sms", "unit_type": "message", "call_type": "domestic"}
    elif carrier_id == "wireline" and record["call_type"] == "local":
        record |= {"treatment": "free", "category": "free", "no_charge_reason": "free_service"}
    elif international and carrier_id == "wireline" and rng.random() < 0.25:
        record |= {
            "other_number": PLACES[5],
            "direction": "originated",
            "call_type": "international",
            "treatment": "metered",
            "category": "metered",
            "rate": Decimal("0.085"),
        }
    elif moment.weekday() >= 5 or moment.hour >= 21 or moment.hour < 6:
        record |= {"category": "night_weekend", "no_charge_reason": "night_weekend"}
    elif carrier_id == "wireless" and rng.random() < 0.2:
        record |= {"category": "mobile_to_mobile", "no_charge_reason": "mobile_to_mobile"}
    elif rng.random() < 0.05:
        record["other_number"] = rng.choice(("411", None))
    return record


def _data(rng: random.Random, count: int) -> list[dict[str, Any]]:
    records = []
    for index in range(count):
        used = Decimal(rng.randrange(1, 30_000_000)) / 1_000_000
        billable = used.to_integral_value(ROUND_CEILING)
        records.append(
            {
                "service_number": "+14705550177",
                "carrier_id": "net",
                "local_date": f"2026-06-{1 + index % 30:02d}",
                "local_time": "12:00:00",
                "other_number": None,
                "direction": "originated",
                "service": "data",
                "call_type": "session",
                "unit_type": "megabyte",
                "used_units": units(used),
                "billable": billable,
                "funding": "plan",
                "category": "anytime",
                "no_charge_reason": None,
                "charge": Decimal(0),
                "is_late": False,
                "is_reversal": False,
                "treatment": "pool",
                "rate": None,
                "split": {"plan": billable},
            }
        )
    return records


def _bucket(
    earned: str,
    use_by: str,
    opening: str,
    source: str = "plan",
    *,
    given: str = "0",
    accumulated: str = "0",
    debited: str = "0",
    taken_over: bool = False,
    extended: bool = False,
) -> dict[str, Any]:
    until = dt.date.fromisoformat(use_by)
    started = Decimal(opening) + Decimal(given) + Decimal(accumulated)
    return {
        "bucket_id": f"A000123-anytime-{earned.replace('-', '')}-{source}",
        "source": source,
        "is_taken_over": taken_over,
        "is_extended": extended,
        "earned_cycle_start": earned,
        "use_by": use_by,
        "cycles_left": (until.year - 2026) * 12 + until.month - 6,
        "opening_units": units(Decimal(opening)),
        "given_units": units(Decimal(given)),
        "accumulated_units": units(Decimal(accumulated)),
        "used_units": units(Decimal(0)),
        "debited_units": units(Decimal(debited)),
        "expired_units": units(Decimal(0)),
        "archived_units": units(Decimal(0)),
        "remaining_units": units(started - Decimal(debited)),
        "status": "available",
    }


def _charge(records: list[dict[str, Any]], buckets: list[dict[str, Any]]) -> list[dict[str, Any]]:
    left = {"minute": Decimal(1000), "message": Decimal(200)}
    overage_rate = {
        ("minute", "wireless"): Decimal("0.40"),
        ("minute", "wireline"): Decimal("0.10"),
        ("message", "wireless"): Decimal("0.10"),
    }
    for record in records:
        record.setdefault("split", {})
        if record["treatment"] != "pool" or record["no_charge_reason"] or record["split"]:
            continue
        kind, need = record["unit_type"], record["billable"]
        split = {"plan": min(need, left[kind])}
        left[kind] -= split["plan"]
        need -= split["plan"]
        if kind == "minute":
            split["rollover"] = sum((_draw(bucket, need, split) for bucket in buckets), Decimal(0))
            need -= split["rollover"]
        split["overage"] = need
        record["split"] = {key: value for key, value in split.items() if value and key in ORDER}
        record["funding"] = "+".join(record["split"])
        if need:
            record["rate"] = overage_rate[kind, record["carrier_id"]]
            record["charge"] = (need * record["rate"]).quantize(MILLIONTH)
    for bucket in buckets:
        if not bucket["cycles_left"]:
            bucket["expired_units"] = bucket["remaining_units"]
            bucket["remaining_units"] = units(Decimal(0))
            bucket["status"] = "expired"
        elif not Decimal(bucket["remaining_units"]):
            bucket["status"] = "depleted"
    unused = left["minute"]
    if unused:
        buckets.append(_bucket("2026-06-01", "2027-06-30", "0", accumulated=str(unused)))
    rollover = _position(buckets)
    return [
        _pool("anytime", "Anytime minutes", "minute", "1000", records, rollover, buckets),
        _pool("messages", "Messages", "message", "200", records, None, []),
    ]


def _position(buckets: list[dict[str, Any]]) -> dict[str, str]:
    def total(key: str, **having: object) -> Decimal:
        chosen = [b for b in buckets if all(b[name] == value for name, value in having.items())]
        return sum((Decimal(bucket[f"{key}_units"]) for bucket in chosen), Decimal(0))

    figures = {
        "opening_balance": total("opening"),
        "taken_over_units": total("opening", is_taken_over=True),
        "adjusted_units": total("given") - total("debited"),
        "used_units": total("used"),
        "accumulated_units": total("accumulated"),
        "expired_units": total("expired"),
        "capped_units": Decimal(0),
        "archived_units": total("archived"),
        "closing_balance": total("remaining"),
        "expiring_next_units": total("remaining", cycles_left=1),
    }
    return {key: units(value) for key, value in figures.items()}


ORDER = ("plan", "rollover", "overage")


def _draw(bucket: dict[str, Any], need: Decimal, split: dict[str, Decimal]) -> Decimal:
    taken = min(need - split.get("drawn", Decimal(0)), Decimal(bucket["remaining_units"]))
    split["drawn"] = split.get("drawn", Decimal(0)) + taken
    bucket["used_units"] = units(Decimal(bucket["used_units"]) + taken)
    bucket["remaining_units"] = units(Decimal(bucket["remaining_units"]) - taken)
    return taken


def _pool(
    pool_id: str,
    name: str,
    unit_type: str,
    allowance: str,
    records: list[dict[str, Any]],
    rollover: dict[str, str] | None,
    buckets: list[dict[str, Any]],
) -> dict[str, Any]:
    own = [r for r in records if r["unit_type"] == unit_type and r["treatment"] == "pool"]

    def total(source: str) -> str:
        return units(sum((record["split"].get(source, Decimal(0)) for record in own), Decimal(0)))

    return {
        "pool_id": pool_id,
        "pool_name": name,
        "unit_type": unit_type,
        "allowance_units": units(Decimal(allowance)),
        "plan_used_units": total("plan"),
        "rollover_used_units": total("rollover"),
        "overage_units": total("overage"),
        "no_charge_units": units(
            sum((r["billable"] for r in own if r["no_charge_reason"]), Decimal(0))
        ),
        "rollover": rollover,
        "buckets": buckets,
    }


def _reversal() -> dict[str, Any]:
    return {
        "service_number": LINES[0][0],
        "carrier_id": "wireless",
        "local_date": "2026-05-12",
        "local_time": "09:15:00",
        "other_number": PLACES[0],
        "direction": "originated",
        "service": "voice",
        "call_type": "long_distance",
        "unit_type": "minute",
        "used_units": units(Decimal(0)),
        "billable": Decimal(0),
        "split": {},
        "funding": None,
        "category": "anytime",
        "no_charge_reason": None,
        "charge": Decimal("-3.60"),
        "is_late": False,
        "is_reversal": True,
        "treatment": "pool",
        "rate": Decimal("0.40"),
    }


def _lines(
    records: list[dict[str, Any]], reversals: list[dict[str, Any]], *, adjusted: bool
) -> list[dict[str, Any]]:
    names = {carrier["carrier_id"]: carrier["carrier_name"] for carrier in [*CARRIERS, THIRD]}
    lines: list[dict[str, Any]] = []

    def add(section: str, description: str, amount: Decimal, **values: Any) -> None:
        lines.append(
            {
                "line_number": len(lines) + 1,
                "section": section,
                "plan_id": None,
                "plan_name": None,
                "carrier_id": None,
                "carrier_name": None,
                "service": None,
                "call_type": None,
                "treatment": None,
                "description": description,
                "quantity_units": None,
                "unit_type": None,
                "rate": None,
                "amount": str(amount.quantize(CENT, rounding=ROUND_HALF_UP)),
            }
            | values
        )

    plan = {"plan_id": "SHARE1000", "plan_name": "Share 1000"}
    add("plan_fee", "Share 1000, 1 Jun 2026 to 30 Jun 2026", Decimal(50), **plan)
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    for record in records:
        key = ("carrier_id", "service", "call_type", "treatment", "unit_type")
        groups[tuple(record[part] for part in key)].append(record)
    for (carrier_id, service, call_type, treatment, unit_type), members in sorted(groups.items()):
        words = {"voice": "calls", "sms": "text messages", "data": "data"}[service]
        rates = {record["rate"] for record in members if record["rate"] is not None}
        add(
            "usage",
            f"{call_type.replace('_', ' ').capitalize()} {words}",
            sum((record["charge"] for record in members), Decimal(0)),
            **plan,
            carrier_id=carrier_id,
            carrier_name=names[carrier_id],
            service=service,
            call_type=call_type,
            treatment=treatment,
            quantity_units=units(sum((r["billable"] for r in members), Decimal(0))),
            unit_type=unit_type,
            rate=str(rates.pop()) if len(rates) == 1 else None,
        )
    if adjusted:
        for what, quantity, rate, times in (
            ("expired units bought back, from the period of 1 Jun 2025", 15, "0.20", 1),
            ("life prolonged by 2 periods, from the period of 1 Jul 2025", 40, "0.02", 2),
        ):
            add(
                "one_time",
                f"Anytime minutes, {what}",
                quantity * Decimal(rate) * times,
                **plan,
                quantity_units=units(Decimal(quantity)),
                unit_type="minute",
                rate=rate,
            )
    for record in reversals:
        add(
            "one_time",
            "Calls, long distance, reversed, of 12 May 2026",
            record["charge"],
            carrier_id="wireless",
            carrier_name=names["wireless"],
            service="voice",
            call_type="long_distance",
        )
    base = sum((Decimal(line["amount"]) for line in lines), Decimal(0))
    for description, rate in (
        ("City of Decatur utility users tax", "0.03"),
        ("Georgia state communications tax", "0.04"),
        ("Federal excise tax", "0.03"),
        ("Federal universal service", "0.0125"),
    ):
        add("tax", description, base * Decimal(rate), rate=rate)
    return lines


def _usage(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    names = {carrier["carrier_id"]: carrier["carrier_name"] for carrier in [*CARRIERS, THIRD]}
    groups: dict[tuple[str, str, str, str], list[dict[str, Any]]] = defaultdict(list)
    for record in records:
        groups[
            record["carrier_id"], record["service_number"], record["service"], record["unit_type"]
        ].append(record)

    def total(members: list[dict[str, Any]], source: str) -> str:
        return units(sum((m["split"].get(source, Decimal(0)) for m in members), Decimal(0)))

    return [
        {
            "service_number": service_number,
            "carrier_id": carrier_id,
            "carrier_name": names[carrier_id],
            "service": service,
            "unit_type": unit_type,
            "records": len(members),
            "used_units": units(sum((Decimal(m["used_units"]) for m in members), Decimal(0))),
            "no_charge_units": units(
                sum((m["billable"] for m in members if m["no_charge_reason"]), Decimal(0))
            ),
            "plan_units": total(members, "plan"),
            "rollover_units": total(members, "rollover"),
            "overage_units": total(members, "overage"),
            "metered_units": units(
                sum((m["billable"] for m in members if m["treatment"] == "metered"), Decimal(0))
            ),
            "charge_amount": str(
                sum((m["charge"] for m in members), Decimal(0)).quantize(MILLIONTH)
            ),
        }
        for (carrier_id, service_number, service, unit_type), members in sorted(groups.items())
    ]


def _call(record: dict[str, Any]) -> dict[str, Any]:
    return {
        key: record[key]
        for key in (
            "service_number",
            "carrier_id",
            "local_date",
            "local_time",
            "other_number",
            "direction",
            "service",
            "call_type",
            "unit_type",
            "used_units",
            "funding",
            "category",
            "no_charge_reason",
            "is_late",
            "is_reversal",
        )
    } | {
        "billable_units": units(record["billable"]),
        "charge_amount": str(record["charge"].quantize(MILLIONTH)),
    }


def hostile(
    text: str = '<b onmouseover="x">&amp; #eval("1") [bold]$5$[/bold] {{ 7 * 7 }} \\*',
) -> dict[str, Any]:
    """`text` wherever a document has free text."""
    bill = document(12, reversal=True, account_id=f"A/../1 {text}")
    bill["holder"] = dict.fromkeys(bill["holder"], text) | {"country": "US"}
    bill["biller"]["carrier_name"] = text
    bill["carriers"] = [carrier | {"carrier_name": text} for carrier in bill["carriers"]]
    bill["plans"][0]["plan_name"] = text
    for part in (*bill["lines"], *bill["usage_by_line"]):
        part["carrier_name"] = part["carrier_name"] and text
    for line in bill["lines"]:
        line["description"] = text
    for pool in bill["pools"]:
        pool["pool_name"] = text
    for call in bill["calls"]:
        call["other_number"] = text
        call["no_charge_reason"] = call["no_charge_reason"] and text
        call["call_type"] = text
    return bill


def long_names() -> dict[str, Any]:
    """Words without end and names of every script."""
    word = "Donaudampfschifffahrtsgesellschaftskapitaensmuetzenband" * 2
    bill = document(
        12, holder={"holder_name": word, "city": "東京 서울 Αθήνα Київ עיר مدينة हिन्दी 🎉"}
    )
    bill["biller"]["carrier_name"] = f"{word} Telephone Company of the Southern Piedmont"
    bill["carriers"] = [
        carrier | {"carrier_name": f"{carrier['carrier_name']} {word}"}
        for carrier in bill["carriers"]
    ]
    bill["plans"][0]["plan_name"] = word
    for line in bill["lines"]:
        line["description"] = f"{line['description']} {word}"
    for pool in bill["pools"]:
        pool["pool_name"] = word
    return bill
