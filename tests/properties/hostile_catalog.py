"""The shipped catalog plus plans that no marketing department would sell, for cases that hurt."""

from __future__ import annotations

import csv
from pathlib import Path

Seeds = dict[str, list[dict[str, str]]]


def read_seeds(folder: Path) -> Seeds:
    return {path.stem: _read(path) for path in sorted(folder.glob("*.csv"))}


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def hostile_catalog(folder: Path) -> Seeds:
    """All seeds of ``folder`` with additions:

    TRIO: three carriers, tolerance of 2 days, usage pooled, odd increments, a life of one cycle;
    data are deferred with a share of nothing.
    HALF: mobile to mobile counts half, a cap, no retention, a fee below the fixed fees of its
    agreement; messages that live one cycle, all of the fee deferred with the minutes.
    LEFT, RIGHT: not integrated, side by side under the general agreement; a limited free rule over
    nights; LEFT has events with a cap.
    TINY: an allowance of 7 minutes and rollover with a life of two cycles, rollover first; messages
    that are deferred too; events of which none can be carried over (a cap of 0), for credits only.
    MESSY: events and messages with rollover, one wireless-like carrier of another kind (two lines
    of radio2), everything in `*`.
    """
    seeds = read_seeds(folder)

    def add(name: str, **values: str) -> None:
        header = seeds[name][0].keys()
        row = dict.fromkeys(header, "")
        unknown = set(values) - set(header)
        assert not unknown, (name, unknown)
        seeds[name].append(row | values)

    def plan(
        plan_id: str, fee: str, *, integrated: bool, tolerance: int = 0, retention: int = 0
    ) -> None:
        add(
            "plans",
            plan_id=plan_id,
            plan_name=plan_id.title(),
            monthly_fee=fee,
            currency="USD",
            is_integrated=str(integrated).lower(),
            sync_tolerance_days=str(tolerance),
            rollover_retention_cycles=str(retention),
            valid_from="2020-01-01",
        )

    def pool(plan_id: str, pool_id: str, unit: str, allowance: str, **values: str) -> None:
        base = {
            "plan_id": plan_id,
            "pool_id": pool_id,
            "pool_name": pool_id.title(),
            "unit_type": unit,
            "allowance": allowance,
            "burn_order": "allowance_first",
            "has_rollover": "false",
        }
        if "rollover_cycles" in values:
            base |= {"has_rollover": "true", "resale_rate": "0.001", "extension_rate": "0.0007"}
        add("plan_pools", **(base | values))

    def service(
        plan_id: str,
        carrier: str,
        service_: str,
        call_type: str,
        direction: str,
        *,
        priority: int,
        pool_id: str = "",
        tariff: str = "",
        minimum: int = 0,
        increment: int = 1,
        overage: str = "",
    ) -> None:
        treatment = "pool" if pool_id else "metered" if tariff else "free"
        add(
            "plan_services",
            plan_id=plan_id,
            carrier_id=carrier,
            service=service_,
            call_type=call_type,
            direction=direction,
            treatment=treatment,
            pool_id=pool_id,
            tariff_id=tariff,
            minimum_quantity=str(minimum),
            increment=str(increment),
            overage_rate=overage,
            priority=str(priority),
        )

    def rest(plan_id: str, carrier: str, start: int) -> None:
        for place, (name, tariff) in enumerate(
            (
                ("voice", "LONG_DISTANCE"),
                ("video", "VIDEO"),
                ("sms", "MESSAGE"),
                ("mms", "MESSAGE"),
                ("im", "MESSAGE"),
                ("page", "MESSAGE"),
                ("data", "DATA"),
                ("event", "EVENT"),
            )
        ):
            service(plan_id, carrier, name, "*", "*", priority=start + place, tariff=tariff)

    def agreement(
        agreement_id: str,
        plan_id: str,
        fees: dict[str, str],
        *,
        basis: str = "billable",
        share: str = "usage_carrier",
        unit: str = "minute",
        percents: dict[str, str] | None = None,
    ) -> None:
        add(
            "settlement_agreements",
            agreement_id=agreement_id,
            plan_id=plan_id,
            usage_basis=basis,
            basis_unit_type=unit,
            usage_share=share,
            valid_from="2020-01-01",
        )
        for carrier, fee in fees.items():
            add(
                "settlement_terms",
                agreement_id=agreement_id,
                carrier_id=carrier,
                fixed_fee=fee,
                remainder_percent=(percents or {}).get(carrier, ""),
            )

    add(
        "carriers",
        carrier_id="radio2",
        carrier_name="Second Radio",
        service_kind="wireless",
        rating_platform_id="elsewhere",
        is_biller="false",
    )

    plan("TRIO", "41.37", integrated=True, tolerance=2, retention=1)
    # resale and extension cost less than the lowest overage rate of the pool
    pool(
        "TRIO",
        "anytime",
        "minute",
        "333",
        rollover_cycles="1",
        resale_rate="0.0333",
        extension_rate="0.069",
        deferral_fee_share="0.37",
    )
    pool(
        "TRIO",
        "data",
        "megabyte",
        "70.5",
        rollover_cycles="2",
        rollover_cap="90",
        deferral_fee_share="0",
    )
    service(
        "TRIO",
        "wireless",
        "voice",
        "*",
        "*",
        priority=1,
        pool_id="anytime",
        minimum=7,
        increment=13,
        overage="0.333333",
    )
    service(
        "TRIO",
        "wireline",
        "voice",
        "*",
        "*",
        priority=2,
        pool_id="anytime",
        minimum=1,
        increment=1,
        overage="0.07",
    )
    service(
        "TRIO",
        "internet",
        "data",
        "*",
        "*",
        priority=3,
        pool_id="data",
        increment=7,
        overage="0.0137",
    )
    for place, carrier in enumerate(("wireless", "wireline", "internet")):
        rest("TRIO", carrier, 20 + 20 * place)
    agreement("TRIO-A", "TRIO", {"wireless": "7.77", "internet": "3.33"}, share="pooled")

    plan("HALF", "9.99", integrated=True, retention=0)
    pool(
        "HALF",
        "anytime",
        "minute",
        "100",
        rollover_cycles="6",
        rollover_cap="120.5",
        resale_rate="0.049",
        extension_rate="0.001",
        deferral_fee_share="1",
    )
    pool("HALF", "messages", "message", "4", rollover_cycles="1", resale_rate="0.03")
    service("HALF", "wireless", "sms", "*", "*", priority=4, pool_id="messages", overage="0.04")
    service(
        "HALF",
        "wireless",
        "voice",
        "*",
        "*",
        priority=1,
        pool_id="anytime",
        minimum=60,
        increment=60,
        overage="0.123457",
    )
    service("HALF", "wireline", "voice", "local", "*", priority=2)
    service(
        "HALF",
        "wireline",
        "voice",
        "*",
        "*",
        priority=3,
        pool_id="anytime",
        minimum=6,
        increment=6,
        overage="0.05",
    )
    rest("HALF", "wireless", 20)
    rest("HALF", "wireline", 40)
    add(
        "no_charge_rules",
        plan_id="HALF",
        rule_id="half_mobile",
        rule="mobile_to_mobile",
        scope="on_net",
        unit_factor="0.5",
        priority="5",
        carrier_id="*",
        service="*",
    )
    add(
        "no_charge_rules",
        plan_id="HALF",
        rule_id="third_evening",
        rule="rate_period",
        scope="any",
        rate_period_id="evenings",
        unit_factor="0.333",
        priority="7",
    )
    add(
        "rate_periods",
        rate_period_id="evenings",
        iso_weekday="3",
        start_time="17:30",
        end_time="24:00",
    )
    add(
        "rate_periods",
        rate_period_id="evenings",
        iso_weekday="4",
        start_time="00:00",
        end_time="00:01",
    )
    agreement("HALF-A", "HALF", {"wireless": "12.01", "wireline": "7.5", "internet": "0.4"})

    plan("LEFT", "5.00", integrated=False, retention=2)
    pool(
        "LEFT",
        "anytime",
        "minute",
        "50",
        rollover_cycles="2",
        resale_rate="0.1",
        extension_rate="0.01",
        deferral_fee_share="0.5",
    )
    pool(
        "LEFT",
        "events",
        "event",
        "3",
        rollover_cycles="3",
        rollover_cap="5",
        resale_rate="0.5",
        extension_rate="0.25",
        deferral_fee_share="0.2",
    )
    service("LEFT", "wireless", "event", "*", "*", priority=2, pool_id="events", overage="0.6")
    service(
        "LEFT",
        "wireless",
        "voice",
        "*",
        "*",
        priority=1,
        pool_id="anytime",
        increment=1,
        overage="0.11",
    )
    rest("LEFT", "wireless", 20)
    add(
        "no_charge_rules",
        plan_id="LEFT",
        rule_id="few_nights",
        service="voice",
        rule="rate_period",
        scope="any",
        rate_period_id="nights_weekends",
        unit_factor="0",
        allowance="33.5",
        priority="1",
    )
    plan("RIGHT", "3.33", integrated=False, retention=1)
    pool("RIGHT", "anytime", "minute", "20")
    service(
        "RIGHT",
        "wireline",
        "voice",
        "*",
        "*",
        priority=1,
        pool_id="anytime",
        increment=30,
        overage="0.2",
    )
    rest("RIGHT", "wireline", 20)

    plan("TINY", "20.00", integrated=True, tolerance=1, retention=2)
    pool(
        "TINY",
        "anytime",
        "minute",
        "7",
        rollover_cycles="2",
        burn_order="rollover_first",
        deferral_fee_share="0.1",
    )
    pool(
        "TINY",
        "messages",
        "message",
        "3",
        rollover_cycles="3",
        resale_rate="0.07",
        extension_rate="0.005",
        deferral_fee_share="0.333333",
    )
    pool("TINY", "events", "event", "2", rollover_cycles="12", rollover_cap="0")
    for place, carrier in enumerate(("wireless", "wireline")):
        service(
            "TINY",
            carrier,
            "voice",
            "*",
            "*",
            priority=1 + place,
            pool_id="anytime",
            minimum=60,
            increment=60,
            overage="0.4",
        )
        service(
            "TINY", carrier, "sms", "*", "*", priority=3 + place, pool_id="messages", overage="0.1"
        )
        service(
            "TINY", carrier, "event", "*", "*", priority=5 + place, pool_id="events", overage="0.9"
        )
        rest("TINY", carrier, 20 + 20 * place)
    agreement(
        "TINY-A",
        "TINY",
        {"wireless": "0", "wireline": "0"},
        basis="all",
        unit="message",
        percents=None,
    )

    plan("MESSY", "0.00", integrated=False)
    pool("MESSY", "anytime", "minute", "10")
    pool("MESSY", "events", "event", "2", rollover_cycles="1")
    service("MESSY", "*", "voice", "toll_free", "*", priority=1)
    service(
        "MESSY", "*", "voice", "international", "originated", priority=2, tariff="INTERNATIONAL"
    )
    service(
        "MESSY", "*", "voice", "*", "*", priority=3, pool_id="anytime", increment=6, overage="0.3"
    )
    service("MESSY", "*", "event", "*", "*", priority=4, pool_id="events", overage="0.77")
    rest("MESSY", "*", 20)

    for jurisdiction, code, category, carrier, rate in (
        ("US-CA", "ODD", "usage", "radio2", "0.333333"),
        ("US-CO", "ODD", "*", "*", "0.005"),
        ("US-GA", "ODD", "one_time", "*", "0.5"),
    ):
        add(
            "tax_rates",
            jurisdiction_id=jurisdiction,
            tax_code=code,
            description=code,
            charge_category=category,
            carrier_id=carrier,
            rate=rate,
            valid_from="2025-02-01",
            valid_to="2025-06-01",
        )
    return seeds
