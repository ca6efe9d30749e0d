"""Self-tests of the rater: the worked examples of rules.md and cases chosen to hurt, all figures
worked out by hand."""

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from .arith import apportion, ceil_to, charge, money, round_int
from .marts import MARTS
from .rater import CloseRefusedError, Rater
from .world import LATER, World, change, rule, small_catalog

SEEDS = Path(__file__).parents[2] / "seeds"
D = date.fromisoformat


def split(row: dict[str, Any]) -> tuple[int, int, int, int]:
    """no-charge, plan, rollover, overage in whole minutes."""
    parts = [row[f"{s}_quantity"] for s in ("no_charge", "plan", "rollover", "overage")]
    assert all(part % 60 == 0 for part in parts)
    return tuple(part // 60 for part in parts)


def figures(row: dict[str, Any], *names: str) -> list[int]:
    return [int(row[name]) for name in names]


MATRIX = (
    "opening_balance",
    "adjusted_units",
    "rollover_used_units",
    "expired_units",
    "accumulated_units",
    "archived_units",
    "closing_balance",
)


def check_invariants(rater: Rater) -> None:
    """Domain, invariants 1 to 3."""
    usages = rater.mart("rating.rated_usage")
    for row in usages:
        parts = [
            row[f"{s}_quantity"] for s in ("no_charge", "plan", "rollover", "overage", "metered")
        ]
        assert row["billable_quantity"] == sum(parts)
    for row in rater.mart("rollover.rollover_buckets"):
        parts = [row[f"{s}_quantity"] for s in ("used", "debited", "expired", "remaining")]
        assert row["earned_quantity"] == sum(parts)
        assert min(parts) >= 0
    for row in rater.mart("rollover.rollover_matrix"):
        # each figure is rounded to 6 decimals of a unit on its own
        assert Decimal("0.000004") > abs(
            row["opening_balance"]
            + row["adjusted_units"]
            - row["rollover_used_units"]
            - row["expired_units"]
            + row["accumulated_units"]
            - row["archived_units"]
            - row["closing_balance"]
        )
    for row in rater.mart("control.money_control"):
        assert row["bills_amount"] == row["lines_amount"]
        assert row["bills_amount"] == row["settlement_amount"] + row["tax_amount"]
    settled: dict[str, Decimal] = {}
    for row in rater.mart("settlement.settlement_lines"):
        settled[row["bill_id"]] = settled.get(row["bill_id"], Decimal(0)) + row["total_amount"]
    posted: dict[str, Decimal] = {}
    for row in rater.mart("accounting.journal"):
        if row["bill_id"]:
            posted[row["bill_id"]] = posted.get(row["bill_id"], Decimal(0)) + row["amount"]
    for row in rater.mart("billing.bills"):
        assert settled[row["bill_id"]] == row["total_amount"] - row["tax_amount"]
        assert posted.get(row["bill_id"], Decimal(0)) == row["total_amount"]
    for row in rater.mart("accounting.deferred_revenue"):
        assert row["balance_amount"] >= 0
    accepted = sum(load.result.accepted for load in rater.feeds.loads if load.feed == "cdrs")
    control = rater.mart("control.usage_control")
    assert accepted == sum(row["accepted"] for row in control)
    assert accepted == (
        len([row for row in usages if not row["is_reversal"]])
        + len(rater.mart("rating.suspended_usage"))
        + len(rater.mart("rating.voided_usage"))
    )


# --- arithmetic --------------------


def test_half_up_is_away_from_zero() -> None:
    assert [round_int(Decimal(x)) for x in ("0.5", "1.5", "2.5", "-0.5", "-2.5", "0.49")] == [
        1, 2, 3, -1, -3, 0,
    ]  # fmt: skip
    assert money(Decimal("0.005")) == Decimal("0.01")
    assert money(Decimal("-0.005")) == Decimal("-0.01")
    assert str(charge(Decimal("1.0000005"))) == "1.000001"
    assert ceil_to(61, 60) == 120
    assert ceil_to(60, 60) == 60


def test_apportioning() -> None:
    thirds = apportion(Decimal("1.00"), {"b": 1, "a": 1, "c": 1})
    assert {k: str(v) for k, v in thirds.items()} == {"a": "0.34", "b": "0.33", "c": "0.33"}
    # a negative amount: shares -0.333.. floor to -0.34 each, two cents come back to a and b
    minus = apportion(Decimal("-1.00"), {"b": 1, "a": 1, "c": 1})
    assert {k: str(v) for k, v in minus.items()} == {"a": "-0.33", "b": "-0.33", "c": "-0.34"}
    assert apportion(Decimal("0.01"), {"a": 0, "b": 5}) == {"a": Decimal(0), "b": Decimal("0.01")}


# --- the worked examples --------------------


def test_example_of_section_3() -> None:
    seeds = change(
        small_catalog(), "plan_pools", {"plan_id": "SOLO"}, allowance="1000", rollover_cycles="12",
        rollover_cap="0",
    )  # fmt: skip
    w = World(seeds).solo()
    w.adjust("credit", "30", "2025-01-05")
    w.close("2025-02-01")
    w.adjust("credit", "50", "2025-02-02")
    w.call("2025-02-03T10:00:00", 990)
    first = w.call("2025-02-04T10:00:00", 9, 30)
    assert split(w.usage(first)) == (0, 10, 0, 0)
    last = w.call("2025-02-06T10:00:00", 100)
    row = w.usage(last)
    assert split(row) == (0, 0, 80, 20)
    assert str(row["charge_amount"]) == "8.000000"
    fundings = [
        (f["source"], f["bucket_id"], f["quantity"] // 60)
        for f in w.rows("rating.usage_funding", cdr_id=last)
    ]
    assert fundings == [
        ("rollover", "A-any-20250101-adjustment-j002", 30),
        ("rollover", "A-any-20250201-adjustment-j003", 50),
        ("overage", None, 20),
    ]


def test_example_of_section_4() -> None:
    w = World().solo()
    w.call("2025-01-10T10:00:00", 60)
    w.call("2025-02-10T10:00:00", 130)
    w.call("2025-03-10T10:00:00", 90)
    w.close("2025-02-01")
    assert figures(w.matrix("2025-01-01"), *MATRIX) == [0, 0, 0, 0, 40, 0, 40]
    bucket = w.bucket("A-any-20250101-plan")
    assert (bucket["available_from"], bucket["expires_on"]) == (D("2025-02-01"), D("2025-04-01"))
    w.close("2025-03-01")
    assert figures(w.matrix("2025-02-01"), *MATRIX) == [40, 0, 30, 0, 0, 0, 10]
    assert w.matrix("2025-02-01")["expiring_next_units"] == 10
    w.close("2025-04-01")
    assert figures(w.matrix("2025-03-01"), *MATRIX) == [10, 0, 0, 10, 10, 0, 10]
    assert w.bucket("A-any-20250101-plan")["status"] == "expired"
    assert figures(w.matrix("2025-04-01"), *MATRIX) == [10, 0, 0, 0, 0, 0, 10]
    assert w.one("rollover.rollover_requests")["balance_units"] == 10
    check_invariants(w.rater)


def test_example_of_section_6() -> None:
    w = World()
    w.account()
    w.line()
    w.line("wireline")
    w.share()
    w.call("2025-01-10T10:00:00", 560)
    w.call("2025-01-10T11:00:00", 240, carrier="wireline", call_type="long_distance")
    w.close("2025-02-01")
    assert w.settled("2025-02-01") == {
        "wireless": ("10.00", "9.80", "0.00", "19.80"),
        "wireline": ("6.00", "4.20", "0.00", "10.20"),
    }
    w.call("2025-02-10T10:00:00", 2)
    w.call("2025-02-10T11:00:00", 1, carrier="wireline", call_type="long_distance")
    w.close("2025-03-01")
    assert w.settled("2025-03-01") == {
        "wireless": ("10.00", "9.33", "0.00", "19.33"),
        "wireline": ("6.00", "4.67", "0.00", "10.67"),
    }
    statement = w.one("settlement.settlement_statements", carrier_id="wireline", close_id=2)
    assert statement["net_payable_amount"] == 0
    assert statement["total_amount"] == Decimal("10.67")
    statement = w.one("settlement.settlement_statements", carrier_id="wireless", close_id=2)
    assert statement["net_payable_amount"] == Decimal("19.33")
    assert statement["collected_by"] == "wireline"
    check_invariants(w.rater)


# --- feeds --------------------


def test_duplicates_and_conflicts_of_records() -> None:
    rater = Rater(small_catalog())
    row: dict[str, str | None] = {
        "cdr_id": "1", "calling_number": "+14041", "called_number": "+14042",
        "direction": "originated", "service": "voice", "call_type": None,
        "started_at": "2025-01-01T10:00:00+02:00", "quantity": "60",
    }  # fmt: skip
    same = {**row, "call_type": "local", "started_at": "2025-01-01T08:00:00Z", "action": "new"}
    other = {**row, "quantity": "61"}
    void = {**row, "action": "void"}
    result = rater.load("cdrs", [row, same, other, void], "wireless")
    assert (result.read, result.accepted, result.duplicate) == (4, 2, 1)
    assert result.rejected == [(3, "conflicting_duplicate")]
    # another carrier's record may have the same id
    assert rater.load("cdrs", [row], "wireline").accepted == 1
    assert [row["load_id"] for row in rater.mart("control.load_control")] == [1, 2]


def test_order_status_transitions() -> None:
    w = World().solo()
    take = w.order
    assert take("LINE", "2025-03-01", order="x", status="submitted").accepted == 1
    assert take("LINE", "2025-03-01", order="x", status="submitted").duplicate == 1
    assert take("LINE", "2025-03-01", order="x", status="completed").accepted == 1
    assert take("LINE", "2025-03-01", order="x", status="failed").duplicate == 1
    assert take("LINE", "2025-03-01", order="x", status="submitted").duplicate == 1
    assert take("LINE", "2025-03-02", order="x", at="2025-03-01T00:00:00Z").rejected == [
        (1, "conflicting_duplicate")
    ]
    assert take("LINE", "2025-03-01", order="x", status="withdrawn").accepted == 1
    assert take("LINE", "2025-03-01", order="x", status="completed").duplicate == 1


def test_accounts_are_replaced_never_duplicates() -> None:
    w = World().solo()
    assert w.account(day=1).accepted == 1
    assert w.account(day=10).accepted == 1
    w.call("2025-01-15T00:00:00", 1)
    assert w.one("rating.rated_usage")["cycle_start"] == D("2025-01-10")


def test_of_two_rows_in_one_batch_the_last_loaded_stands() -> None:
    w = World().solo()
    w.line(since="2025-02-01T00:00:00Z")  # the same batch as that of solo()
    call = w.call("2025-01-15T00:00:00", 1)
    assert w.one("rating.suspended_usage", cdr_id=call)["reason"] == "unknown_line"


# --- lines --------------------


def test_a_line_period_ends_before_its_deactivation() -> None:
    w = World()
    w.account()
    w.order("SOLO", "2025-01-01")
    w.line(since="2025-01-10T00:00:00Z", until="2025-01-20T00:00:00Z")
    calls = [
        w.call(at, 1)
        for at in (
            "2025-01-09T23:59:59.999999",
            "2025-01-10T00:00:00",
            "2025-01-19T23:59:59",
            "2025-01-20T00:00:00",
        )
    ]
    rated = {row["cdr_id"] for row in w.rows("rating.rated_usage")}
    assert rated == set(calls[1:3])


def test_reused_number_goes_to_the_one_activated_last() -> None:
    w = World().solo()
    w.account("B")
    w.order("SOLO", "2025-01-01", account="B")
    w.line(account="B", number=w.number(), since="2025-01-15T00:00:00Z")
    before = w.call("2025-01-14T10:00:00", 1)
    after = w.call("2025-01-15T10:00:00", 1)
    assert w.usage(before)["account_id"] == "A"
    assert w.usage(after)["account_id"] == "B"


def test_line_periods_stay_when_reactivated_later_and_go_when_corrected() -> None:
    w = World()
    w.account()
    w.order("SOLO", "2025-01-01")
    w.line(since="2025-01-01T00:00:00Z", until="2025-01-10T00:00:00Z")
    w.change_line("2025-01-20T00:00:00Z", since="2025-01-20T00:00:00Z")
    calls = [w.call(f"2025-01-{day}T10:00:00", 1) for day in ("05", "15", "25")]
    assert {r["cdr_id"] for r in w.rows("rating.rated_usage")} == {calls[0], calls[2]}
    # a correction of the present period: it replaces that one only
    w.change_line("2025-01-21T00:00:00Z", since="2025-01-12T00:00:00Z")
    assert {r["cdr_id"] for r in w.rows("rating.rated_usage")} == set(calls)


def test_a_change_at_the_very_time_of_a_batch_is_in_the_batch() -> None:
    w = World()
    w.account()
    w.order("SOLO", "2025-01-01")
    w.line(as_of="2025-01-05T00:00:00+00:00", since="2025-01-03T00:00:00Z")
    w.change_line("2025-01-05T00:00:00Z", since="2025-01-02T00:00:00Z")
    call = w.call("2025-01-02T10:00:00", 1)
    assert w.one("rating.suspended_usage", cdr_id=call)["reason"] == "unknown_line"


def test_suspense_reasons_in_their_order() -> None:
    w = World()
    w.line()
    first = w.call("2025-01-15T10:00:00", 1)
    stranger = w.call("2025-01-15T10:00:00", 1, carrier="wireline")
    assert w.one("rating.suspended_usage", cdr_id=stranger)["reason"] == "unknown_line"
    assert w.one("rating.suspended_usage", cdr_id=first)["reason"] == "unknown_account"
    w.account(day=10, opened="2025-01-12")
    early = w.call("2025-01-09T23:59:59", 1)
    no_plan = w.call("2025-01-11T10:00:00", 1)
    w.order("SOLO", "2025-01-12")
    assert w.one("rating.suspended_usage", cdr_id=early)["reason"] == "before_billing"
    assert w.one("rating.suspended_usage", cdr_id=no_plan)["reason"] == "no_plan"
    assert w.usage(first)["plan_id"] == "SOLO"
    sms = w.call("2025-01-15T10:00:00", service="sms", seconds=1)
    assert w.one("rating.suspended_usage", cdr_id=sms)["reason"] == "no_tariff"
    abroad = w.call("2025-01-15T10:00:00", 1, to="+4930111", call_type="international")
    assert w.one("rating.suspended_usage", cdr_id=abroad)["reason"] == "no_rate"
    check_invariants(w.rater)


# --- cycles --------------------


def test_cycle_boundary_at_local_midnight() -> None:
    w = World().solo(zone="America/New_York")
    before = w.call("2025-02-01T04:59:59", 1)  # 23:59:59 on 31 January in New York
    after = w.call("2025-02-01T05:00:00", 1)
    assert w.usage(before)["cycle_end"] == D("2025-02-01")
    assert w.usage(after)["cycle_start"] == D("2025-02-01")


def test_cycle_boundary_on_the_days_on_which_clocks_change() -> None:
    w = World().solo(zone="America/New_York", day=9)
    # clocks go forward on 9 March 2025 at 02:00: midnight is still -05:00 on the 9th ...
    march = [w.call(f"2025-03-09T0{hour}:59:59", 1) for hour in (4, 5)]
    assert [w.usage(c)["cycle_start"] for c in march] == [D("2025-02-09"), D("2025-03-09")]
    # ... and -04:00 on 9 April
    april = [w.call(f"2025-04-09T0{hour}:59:59", 1) for hour in (3, 4)]
    assert [w.usage(c)["cycle_start"] for c in april] == [D("2025-03-09"), D("2025-04-09")]


def test_night_by_the_local_clock_on_the_day_on_which_clocks_change() -> None:
    seeds = small_catalog()
    seeds["no_charge_rules"] = [rule("SOLO", "night", "rate_period")]
    w = World(seeds).solo(zone="America/New_York")
    # 2 November 2025, clocks go back at 02:00: 05:59:59 EST = 10:59:59Z, 06:00 EST = 11:00Z
    night = w.call("2025-11-02T10:59:59.999999", 1)
    morning = w.call("2025-11-02T11:00:00", 1)
    assert split(w.usage(night)) == (1, 0, 0, 0)
    assert w.usage(night)["no_charge_reason"] == "night"
    assert w.usage(night)["category"] == "night_weekend"
    assert split(w.usage(morning)) == (0, 1, 0, 0)


def test_first_billing_date() -> None:
    w = World(first_billing_date=D("2025-03-20")).solo()
    early = w.call("2025-02-28T23:59:59", 1)
    call = w.call("2025-03-01T00:00:00", 1)
    assert w.one("rating.suspended_usage", cdr_id=early)["reason"] == "before_billing"
    assert w.usage(call)["cycle_start"] == D("2025-03-01")


def test_change_of_bill_cycle_day() -> None:
    w = World().solo()
    w.call("2025-01-10T10:00:00", 60)
    w.close("2025-02-01")
    w.account(day=15)
    inside = w.call("2025-02-14T10:00:00", 1)
    after = w.call("2025-02-15T10:00:00", 1)
    assert (w.usage(inside)["cycle_start"], w.usage(inside)["cycle_end"]) == (
        D("2025-02-01"),
        D("2025-02-15"),
    )
    assert w.usage(after)["cycle_start"] == D("2025-02-15")
    # 14 days of the regular month 15 January to 15 February: 31; 100 * 14 / 31 = 45.161290 min
    # = 2709.677 s -> 2710 s
    summary = w.one("unbilled.unbilled_summary", cycle_start=D("2025-02-01"))
    assert summary["allowance_units"] == Decimal("45.166667")
    # a bucket of two cycles: those that end on 15 February and 15 March
    assert w.bucket("A-any-20250101-plan")["expires_on"] == D("2025-03-15")
    w.close("2025-02-15")
    assert w.lines("2025-02-15")[0] == ("plan_fee", "13.55")  # 30 * 14 / 31 = 13.548
    check_invariants(w.rater)


def test_change_of_time_zone_loses_no_call() -> None:
    w = World().solo(zone="America/New_York")
    w.close("2025-02-01")
    w.account(zone="America/Chicago")
    # 05:30Z on 1 February: the new cycle began at New York's midnight; in Chicago it is January
    gap = w.call("2025-02-01T05:30:00", 1)
    row = w.usage(gap)
    assert (row["cycle_start"], row["is_late"]) == (D("2025-02-01"), False)
    w.account(zone="Europe/London")
    late = w.call("2025-02-01T04:30:00", 1)  # February in London, but New York's January
    assert (w.usage(late)["cycle_start"], w.usage(late)["is_late"]) == (D("2025-02-01"), True)
    end = [w.call(at, 1) for at in ("2025-02-28T23:59:59", "2025-03-01T00:00:00")]
    assert [w.usage(c)["cycle_start"] for c in end] == [D("2025-02-01"), D("2025-03-01")]


# --- rating --------------------


def test_zero_seconds() -> None:
    w = World().solo()
    pool = w.usage(w.call("2025-01-05T10:00:00"))
    assert pool["no_charge_reason"] == "zero_duration"
    assert split(pool) == (0, 0, 0, 0)
    assert pool["billable_quantity"] == 0
    assert pool["category"] == "anytime"
    metered = w.usage(
        w.call("2025-01-05T10:00:00", to="+443011", call_type="international")
    )  # no connection fee
    assert (metered["charge_amount"], metered["category"]) == (Decimal(0), "metered")


def test_minimum_and_increment() -> None:
    w = World()
    w.account()
    w.line("wireline")
    w.share()
    quantities = [
        w.usage(
            w.call("2025-01-05T10:00:00", seconds=s, carrier="wireline", call_type="long_distance")
        )["billable_quantity"]
        for s in (1, 59, 60, 61, 66, 67)
    ]
    assert quantities == [60, 60, 60, 66, 66, 72]


def test_free_service() -> None:
    w = World().solo()
    row = w.usage(w.call("2025-01-05T10:00:00", 2, 1, call_type="toll_free"))
    assert (row["billable_quantity"], row["no_charge_quantity"]) == (180, 180)
    assert (row["no_charge_reason"], row["category"]) == ("free_service", "free")
    assert row["rate"] is None


def test_metered_longest_prefix_and_validity() -> None:
    w = World().solo()

    def abroad(at: str, to: str | None, seconds: int) -> dict[str, Any]:
        return w.usage(w.call(at, seconds=seconds, to=to, call_type="international"))

    # 35 s -> 36 s at 0.12 + 0.50 = 0.572
    landline = abroad("2025-01-31T10:00:00", "+443012345", 35)
    assert (landline["metered_quantity"], str(landline["charge_amount"])) == (36, "0.572000")
    mobile = abroad("2025-01-31T10:00:00", "+447012345", 1)  # 30 s at 0.29
    assert str(mobile["charge_amount"]) == "0.145000"
    dearer = abroad("2025-02-01T10:00:00", "+447012345", 1)  # 30 s at 0.31
    assert str(dearer["charge_amount"]) == "0.155000"
    short = w.call("2025-01-31T10:00:00", 1, to="447", call_type="international")
    assert w.one("rating.suspended_usage", cdr_id=short)["reason"] == "no_rate"


def test_metered_with_the_tariffs_own_quantities() -> None:
    w = World()
    w.account()
    w.line("wireline")
    w.order("LINE", "2025-01-01", "wireline")
    row = w.usage(
        w.call("2025-01-05T10:00:00", seconds=19, carrier="wireline", call_type="long_distance")
    )
    # 24 s at 0.07 a minute
    assert (row["metered_quantity"], str(row["charge_amount"])) == (24, "0.028000")
    assert (row["pool_id"], row["category"]) == (None, "metered")


def test_unit_factor_half() -> None:
    seeds = small_catalog()
    seeds["no_charge_rules"] = [rule("SOLO", "half", "rate_period", unit_factor="0.5")]
    change(
        seeds, "plan_services", {"plan_id": "SOLO", "priority": "10"}, minimum_quantity="1",
        increment="1",
    )  # fmt: skip
    w = World(seeds).solo()
    row = w.usage(w.call("2025-01-05T23:00:00", seconds=61))
    # 30.5 s -> 31 s, charged normally
    assert (row["billable_quantity"], row["plan_quantity"]) == (31, 31)
    assert (row["no_charge_quantity"], row["no_charge_reason"]) == (0, None)
    assert row["category"] == "night_weekend"


def test_the_first_rule_applies_alone() -> None:
    seeds = small_catalog()
    seeds["no_charge_rules"] = [
        rule("SOLO", "night", "rate_period", priority="20"),
        rule("SOLO", "m2m", "mobile_to_mobile", unit_factor="0.5", priority="10"),
    ]
    w = World(seeds).solo()
    row = w.usage(w.call("2025-01-05T23:00:00", 10, other_party_type="mobile"))
    assert (row["category"], split(row)) == ("mobile_to_mobile", (0, 5, 0, 0))


def test_mobile_to_mobile_derives_the_other_party() -> None:
    seeds = small_catalog()
    seeds["no_charge_rules"] = [rule("SOLO", "m2m", "mobile_to_mobile")]
    w = World(seeds).solo()
    w.account("B")
    w.line(account="B", since="2025-01-10T00:00:00Z")
    w.line("wireline", account="B")
    other = w.number("wireless", "B")
    before = w.usage(w.call("2025-01-09T10:00:00", 1, to=other))
    after = w.usage(w.call("2025-01-10T10:00:00", 1, to=other))
    fixed = w.usage(w.call("2025-01-10T10:00:00", 1, to=w.number("wireline", "B")))
    explicit = w.usage(w.call("2025-01-10T10:00:00", 1, to=other, other_party_type="unknown"))
    categories = [row["category"] for row in (before, after, fixed, explicit)]
    assert categories == ["anytime", "mobile_to_mobile", "anytime", "anytime"]


def test_on_net_needs_a_carrier_of_ours() -> None:
    seeds = small_catalog()
    seeds["no_charge_rules"] = [rule("SOLO", "m2m", "mobile_to_mobile", scope="on_net")]
    w = World(seeds).solo()
    rows = [
        w.usage(
            w.call(
                "2025-01-09T10:00:00",
                1,
                other_party_type="mobile",
                other_party_carrier_id=carrier,
            )
        )
        for carrier in (None, "them", "internet")
    ]
    assert [split(r) for r in rows] == [(0, 1, 0, 0), (0, 1, 0, 0), (1, 0, 0, 0)]


def test_limited_no_charge_allowance_in_charging_order_and_prorated() -> None:
    seeds = small_catalog()
    seeds["no_charge_rules"] = [rule("SOLO", "night", "rate_period", allowance="31")]
    w = World(seeds).solo(on="2025-01-11")  # 21 of 31 days: 21 min; allowance 67.7419 min = 4065 s
    second = w.call("2025-01-13T23:00:00", 15)
    first = w.call("2025-01-12T23:00:00", 10)
    third = w.call("2025-01-14T23:00:00", 5)
    assert split(w.usage(first)) == (10, 0, 0, 0)
    assert split(w.usage(second)) == (11, 4, 0, 0)
    row = w.usage(third)
    assert split(row) == (0, 5, 0, 0)
    assert (row["no_charge_reason"], row["category"]) == (None, "night_weekend")
    summary = w.one("unbilled.unbilled_summary")
    assert summary["night_weekend_units"] == 21
    assert summary["allowance_units"] == Decimal("67.750000")


# --- charging --------------------


def test_ties_in_started_at_go_by_carrier_then_id() -> None:
    w = World()
    w.account()
    w.line()
    w.line("wireline")
    w.share()
    at = "2025-01-05T10:00:00"
    w.call("2025-01-02T10:00:00", 985)
    w.call(at, 10, cdr="b")
    w.call(at, 10, cdr="B")
    w.call(at, 10, cdr="a", carrier="wireline", call_type="long_distance")
    # byte order: "B" before "b"; wireless before wireline
    assert [split(w.usage(c)) for c in ("B", "b", "a")] == [
        (0, 10, 0, 0),
        (0, 5, 0, 5),
        (0, 0, 0, 10),
    ]
    assert str(w.usage("a")["charge_amount"]) == "1.000000"  # the rate of its own row


def test_one_record_over_plan_rollover_and_overage() -> None:
    w = World().solo()
    w.call("2025-01-10T10:00:00", 60)
    w.close("2025-02-01")  # earns 40
    w.call("2025-02-10T10:00:00", 90)
    call = w.call("2025-02-11T10:00:00", 60)
    assert split(w.usage(call)) == (0, 10, 40, 10)
    assert str(w.usage(call)["charge_amount"]) == "4.000000"
    assert w.one("unbilled.unbilled_detail", cdr_id=call)["source"] == "plan+rollover+overage"
    summary = w.one("unbilled.unbilled_summary")
    assert figures(summary, "plan_remaining_units", "rollover_available_units") == [0, 0]
    assert figures(summary, "rollover_used_units", "overage_units", "overage_amount") == [40, 10, 4]


def test_rollover_first() -> None:
    w = World(
        change(small_catalog(), "plan_pools", {"plan_id": "SOLO"}, burn_order="rollover_first")
    )
    w.solo()
    w.call("2025-01-10T10:00:00", 60)
    w.close("2025-02-01")
    call = w.call("2025-02-11T10:00:00", 150)
    assert split(w.usage(call)) == (0, 100, 40, 10)
    sources = [f["source"] for f in w.rows("rating.usage_funding", cdr_id=call)]
    assert sources == ["rollover", "plan", "overage"]
    assert w.matrix("2025-02-01")["overage_assessed_units"] == 50


def test_proration_of_a_plan_begun_in_mid_cycle() -> None:
    w = World().solo(on="2025-01-17")  # 15 of 31 days: 48.387 min = 2903.2 s -> 2903 s
    w.call("2025-01-20T10:00:00", 48)
    over = w.call("2025-01-21T10:00:00", 1)
    row = w.usage(over)
    assert (row["plan_quantity"], row["overage_quantity"]) == (23, 37)
    assert str(row["charge_amount"]) == "0.246667"  # 37 / 60 * 0.40
    w.close("2025-02-01")
    assert w.lines("2025-02-01") == [("plan_fee", "14.52"), ("usage", "0.25")]


def test_plan_change_in_mid_cycle() -> None:
    w = World().solo()
    w.order("PLAIN", "2025-01-11", action="change_plan")
    # 10 days SOLO: 100 * 10 / 31 = 1935.48 s -> 1935; 21 days PLAIN: 60 * 21 / 31 = 2438.7 -> 2439
    before = w.call("2025-01-10T23:59:00", 72)
    after = w.call("2025-01-11T00:00:00", 10)
    assert (w.usage(before)["plan_id"], w.usage(after)["plan_id"]) == ("SOLO", "PLAIN")
    assert w.one("unbilled.unbilled_summary")["allowance_units"] == Decimal("72.900000")
    row = w.usage(after)  # 4374 s less 4320 s
    assert (row["plan_quantity"], row["overage_quantity"]) == (54, 546)
    assert str(row["charge_amount"]) == "4.550000"  # 546 / 60 * 0.50, PLAIN's rate
    w.close("2025-02-01")
    assert w.lines("2025-02-01")[:2] == [("plan_fee", "9.68"), ("plan_fee", "13.55")]
    # the plan on the last day has no rollover for the pool: nothing earned
    assert w.rows("rollover.rollover_buckets") == []
    check_invariants(w.rater)


def test_two_plans_side_by_side() -> None:
    w = World().solo()
    w.line("wireline")
    w.order("LINE", "2025-01-01", "wireline")
    w.call("2025-01-10T10:00:00", 110)
    w.call("2025-01-10T10:00:00", 10, carrier="wireline", call_type="long_distance")
    w.call("2025-01-10T10:00:00", 10, carrier="wireline")
    w.close("2025-02-01")
    assert w.lines("2025-02-01") == [
        ("plan_fee", "12.00"),
        ("plan_fee", "30.00"),
        ("usage", "0.00"),
        ("usage", "0.70"),
        ("usage", "4.00"),
    ]
    plans = [(r["plan_id"], r["effective_to"]) for r in w.rows("integrity.effective_plans")]
    assert plans == [("LINE", None), ("SOLO", None)]
    # both under `*`: fees 42.00 by weight: all pool usage is wireless
    assert w.settled("2025-02-01") == {
        "wireless": ("0.00", "42.00", "4.00", "46.00"),
        "wireline": ("0.00", "0.00", "0.70", "0.70"),
    }
    check_invariants(w.rater)


# --- late usage, voids, reversals --------------------


def test_late_record_takes_its_own_rules_and_the_allowance_of_the_cycle_it_lands_in() -> None:
    w = World().solo()
    w.call("2025-01-10T10:00:00", 100)
    w.order("PLAIN", "2025-02-01", action="change_plan")
    w.close("2025-02-01")
    w.call("2025-02-02T10:00:00", 30)
    late = w.call("2025-01-20T10:00:00", 40)
    row = w.usage(late)
    assert (row["plan_id"], row["is_late"], row["cycle_start"]) == ("SOLO", True, D("2025-02-01"))
    # by its true started_at it comes first; the pool `any` of PLAIN's cycle: 60 min
    assert split(row) == (0, 40, 0, 0)
    on_time = w.one("rating.rated_usage", plan_id="PLAIN")
    assert split(on_time) == (0, 20, 0, 10)
    later = w.call("2025-01-21T10:00:00", 30)
    assert split(w.usage(later)) == (0, 20, 0, 10)
    assert str(w.usage(later)["charge_amount"]) == "4.000000"  # the overage rate of its own date


def test_late_record_of_a_pool_the_cycle_has_not() -> None:
    w = World().solo()
    w.order("SOLO", "2025-02-01", action="cancel")
    w.close("2025-02-01")  # earns 100
    late = w.call("2025-01-20T10:00:00", 10)
    row = w.usage(late)
    assert split(row) == (0, 0, 0, 10)  # allowance 0, and no draw as the pool is frozen
    w.close("2025-03-01")
    assert w.lines("2025-03-01") == [("usage", "4.00")]
    assert w.settled("2025-03-01") == {"wireless": ("0.00", "0.00", "4.00", "4.00")}


def test_late_usage_where_the_frozen_history_has_no_plan() -> None:
    w = World()
    w.account()
    w.line()
    call = w.call("2025-01-20T10:00:00", 10)
    w.close("2025-02-01")
    assert w.one("rating.suspended_usage")["reason"] == "no_plan"
    w.order("SOLO", "2025-01-15")
    row = w.usage(call)
    assert (row["plan_id"], row["is_late"], row["cycle_start"]) == ("SOLO", True, D("2025-02-01"))
    assert split(row) == (0, 10, 0, 0)
    spans = w.one("integrity.effective_plans")
    assert spans["effective_from"] == D("2025-02-01")  # no fee for the gap
    w.close("2025-03-01")
    assert w.lines("2025-03-01")[0] == ("plan_fee", "30.00")


def test_void_before_the_bill_takes_the_record_out() -> None:
    w = World().solo()
    call = w.call("2025-01-10T10:00:00", 100)
    after = w.call("2025-01-11T10:00:00", 10)
    assert split(w.usage(after)) == (0, 0, 0, 10)
    w.void(call, "2025-01-10T10:00:00")
    assert split(w.usage(after)) == (0, 10, 0, 0)
    voided = {row["action"]: row for row in w.rows("rating.voided_usage")}
    assert voided["new"]["account_id"] == "A"
    assert voided["void"]["voided_load_id"] == voided["new"]["load_id"]
    w.close("2025-02-01")
    w.call("2025-02-11T10:00:00", 1)
    assert w.rows("rating.rated_usage", is_reversal=True) == []
    check_invariants(w.rater)


def test_void_of_an_unknown_record_waits_for_it() -> None:
    w = World().solo()
    w.void("x", "2025-01-10T10:00:00")
    assert w.one("rating.voided_usage")["voided_load_id"] is None
    w.call("2025-01-10T10:00:00", 10, cdr="x")
    assert w.rows("rating.rated_usage") == []
    assert len(w.rows("rating.voided_usage")) == 2
    check_invariants(w.rater)


def test_void_after_the_bill_makes_one_reversal_with_tax_and_settlement() -> None:
    w = World().solo(tax="TOWN")
    w.call("2025-01-09T10:00:00", 100)
    call = w.call("2025-01-10T10:00:00", 10)  # 10 min over: 4.00
    w.close("2025-02-01")
    # SALES 4 % of 34.00, TEL 3 % of 4.00, FUND 10 % of 30.00
    assert w.lines("2025-02-01") == [
        ("plan_fee", "30.00"),
        ("usage", "4.00"),
        ("tax", "0.12"),
        ("tax", "1.36"),
        ("tax", "3.00"),
    ]
    w.void(call, "2025-01-10T10:00:00")
    w.void("other", "2025-01-10T10:00:00")
    row = w.usage(call, is_reversal=True)
    assert (row["cycle_start"], str(row["charge_amount"])) == (D("2025-02-01"), "-4.000000")
    assert (row["is_late"], row["is_closed"], row["billable_quantity"]) == (False, False, 0)
    assert row["quantity"] == 0
    assert row["load_id"] == 6
    w.close("2025-03-01")
    # the base of TEL is -4.00, of SALES 26.00, of FUND 30.00 at 11 %
    assert w.lines("2025-03-01") == [
        ("plan_fee", "30.00"),
        ("one_time", "-4.00"),
        ("tax", "-0.12"),
        ("tax", "1.04"),
        ("tax", "3.30"),
    ]
    assert w.settled("2025-03-01") == {"wireless": ("0.00", "30.00", "-4.00", "26.00")}
    w.close("2025-04-01")
    assert len(w.rows("rating.rated_usage", is_reversal=True)) == 1
    usage_revenue = w.rows("accounting.journal", credit_account="usage_revenue")
    assert [str(r["amount"]) for r in usage_revenue] == ["4.00", "-4.00"]
    check_invariants(w.rater)


def test_reversal_gives_no_units_back() -> None:
    w = World().solo()
    call = w.call("2025-01-10T10:00:00", 60)
    w.close("2025-02-01")
    w.void(call, "2025-01-10T10:00:00")
    assert w.bucket("A-any-20250101-plan")["remaining_quantity"] == 40 * 60
    assert w.one("unbilled.unbilled_summary")["plan_used_units"] == 0
    w.close("2025-03-01")
    assert w.lines("2025-03-01") == [("plan_fee", "30.00"), ("one_time", "0.00")]


def test_a_bill_of_a_reversal_alone() -> None:
    w = World().solo(tax="TOWN", closed="2025-02-01")
    call = w.call("2025-01-10T10:00:00", 110)
    w.close("2025-02-01")
    w.close("2025-03-01")
    assert w.rows("billing.bills", cycle_end=D("2025-03-01")) == []
    w.void(call, "2025-01-10T10:00:00")
    w.close("2025-04-01")
    bill = w.one("billing.bills", cycle_end=D("2025-04-01"))
    assert (str(bill["one_time_amount"]), str(bill["total_amount"])) == ("-4.00", "-4.28")
    check_invariants(w.rater)


# --- several open cycles, backlogs, closed is closed --------------------


def test_several_open_cycles_neither_earn_nor_expire_before_their_close() -> None:
    w = World().solo()
    w.call("2025-01-10T10:00:00", 60)
    w.close("2025-02-01")  # 40 units, for February and March
    w.call("2025-02-10T10:00:00", 110)
    w.call("2025-03-10T10:00:00", 110)
    april = w.call("2025-04-10T10:00:00", 110)
    drawn = [int(w.matrix(f"2025-0{m}-01")["rollover_used_units"]) for m in (2, 3, 4)]
    assert drawn == [10, 10, 0]
    assert split(w.usage(april)) == (0, 100, 0, 10)  # past `expires_on`, though not expired yet
    assert figures(w.matrix("2025-04-01"), "opening_balance", "expired_units") == [20, 0]
    assert w.one("unbilled.unbilled_summary", cycle_start=D("2025-04-01"))[
        "rollover_available_units"
    ] == Decimal(0)


def scenario(w: World) -> None:
    w.account(tax="TOWN")
    w.line()
    w.line("wireline")
    w.share()
    w.call("2025-01-10T10:00:00", 400)
    w.call("2025-01-31T23:59:59", 300, carrier="wireline", call_type="long_distance")
    w.adjust("credit", "25", "2025-02-03")
    w.call("2025-02-10T10:00:00", 1400)
    w.call("2025-03-10T10:00:00", 900)
    w.adjust("debit", "60", "2025-03-05")
    w.order("SHARE", "2025-04-10", action="cancel", carrier="wireless")
    w.order("SHARE", "2025-04-11", action="cancel", carrier="wireline")
    w.call("2025-04-09T10:00:00", 100)
    w.order("SOLO", "2025-06-05")
    w.call("2025-06-10T10:00:00", 300)
    w.call("2025-07-10T10:00:00", 10)


MARTS_OF_A_CLOSE = (
    "rating.rated_usage",
    "rating.usage_funding",
    "rollover.rollover_buckets",
    "rollover.rollover_matrix",
    "rollover.adjustment_history",
    "rollover.rollover_archive",
    "billing.bill_lines",
    "settlement.settlement_lines",
    "accounting.journal",
    "accounting.deferred_revenue",
    "integrity.effective_plans",
)


def test_backlog_in_one_go_is_one_by_one() -> None:
    one, many = World(), World()
    scenario(one)
    scenario(many)
    one.close("2025-08-01")
    many.close_each(*(f"2025-0{month}-01" for month in range(2, 9)))
    for mart in MARTS_OF_A_CLOSE:
        assert one.rows(mart) == many.rows(mart), mart
    check_invariants(one.rater)


def test_closing_again_changes_nothing() -> None:
    w = World()
    scenario(w)
    assert w.close("2025-04-01") == 1
    before = {mart: w.rows(mart) for mart in MARTS_OF_A_CLOSE}
    assert w.close("2025-04-01") is None
    assert {mart: w.rows(mart) for mart in MARTS_OF_A_CLOSE} == before


def test_closed_is_closed() -> None:
    w = World()
    scenario(w)
    w.close("2025-04-01")
    closed = ("billing.bill_lines", "settlement.settlement_lines", "accounting.journal")
    before = {mart: w.rows(mart) for mart in closed}
    used = w.rows("rating.rated_usage", is_closed=True)
    w.call("2025-01-05T10:00:00", 500)  # late
    w.order("SHARE", "2025-02-01", action="cancel", carrier="wireless", order="late1")
    w.order("SHARE", "2025-02-01", action="cancel", carrier="wireline", order="late2")
    w.line(until="2024-06-01T00:00:00Z", as_of="2025-08-01T00:00:00Z")
    w.rater.replace_catalog(change(small_catalog(), "plans", {"plan_id": "SHARE"}, monthly_fee="1"))
    assert {mart: w.rows(mart) for mart in closed} == before
    assert w.rows("rating.rated_usage", is_closed=True) == used
    # the late cancel counts from the first open cycle on
    assert w.rows("integrity.effective_plans", plan_id="SHARE")[0]["effective_to"] == D(
        "2025-04-01"
    )


def test_close_waits_for_the_local_end_and_refuses_the_future() -> None:
    w = World().solo(zone="America/New_York", tax="ELSEWHERE")
    with pytest.raises(CloseRefusedError, match="after today"):
        w.close("2025-02-01", datetime(2025, 1, 31, 23, tzinfo=UTC))
    assert w.close("2025-02-01", datetime(2025, 2, 1, 4, 59, tzinfo=UTC)) is None
    with pytest.raises(CloseRefusedError, match="A"):
        w.close("2025-02-01", datetime(2025, 2, 1, 5, tzinfo=UTC))
    w.account(zone="America/New_York")
    assert w.close("2025-02-01", datetime(2025, 2, 1, 5, tzinfo=UTC)) == 1


def test_close_of_one_bill_cycle_day() -> None:
    w = World().solo()
    w.account("B", day=15)
    assert w.rater.close(D("2025-03-01"), bill_cycle_day=15, now=LATER) == 1
    assert w.rows("billing.bills") == []
    assert w.rater.close(D("2025-03-01"), now=LATER) == 2
    assert len(w.rows("billing.bills", account_id="A")) == 2


# --- rollover: cap, adjustments --------------------


def test_cap_limits_only_the_new_bucket() -> None:
    seeds = change(
        small_catalog(), "plan_pools", {"plan_id": "SOLO"}, rollover_cap="150", rollover_cycles="5"
    )
    w = World(seeds).solo()
    w.adjust("credit", "120", "2025-01-05")
    w.close_each("2025-02-01", "2025-03-01")
    assert figures(w.matrix("2025-01-01"), "accumulated_units", "capped_units") == [30, 70]
    assert figures(w.matrix("2025-02-01"), "accumulated_units", "capped_units") == [0, 100]
    w.adjust("credit", "100", "2025-03-05")
    w.close("2025-04-01")  # the balance is above the cap: room is not negative
    row = w.matrix("2025-03-01")
    assert figures(row, "accumulated_units", "capped_units", "closing_balance") == [0, 100, 250]
    check_invariants(w.rater)


def test_cap_counts_the_balance_after_expiry() -> None:
    seeds = change(
        small_catalog(), "plan_pools", {"plan_id": "SOLO"}, rollover_cap="100", rollover_cycles="1"
    )
    w = World(seeds).solo()
    w.close_each("2025-02-01", "2025-03-01")
    assert figures(w.matrix("2025-02-01"), *MATRIX) == [100, 0, 0, 100, 100, 0, 100]


def test_credit_lives_x_cycles_counting_its_own() -> None:
    w = World().solo()
    adjustment = w.adjust("credit", "10.5", "2025-01-20")
    bucket = w.bucket(f"A-any-20250101-adjustment-{adjustment}")
    assert (bucket["available_from"], bucket["expires_on"]) == (D("2025-01-01"), D("2025-03-01"))
    assert bucket["earned_quantity"] == 630
    call = w.call("2025-01-10T10:00:00", 111)  # before adjusted_at, yet adjustments come first
    row = w.usage(call)
    assert (row["plan_quantity"], row["rollover_quantity"], row["overage_quantity"]) == (
        6000,
        630,
        30,
    )


def test_debits_come_after_what_gives_and_take_the_oldest() -> None:
    w = World().solo()
    w.call("2025-01-10T10:00:00", 60)
    w.close("2025-02-01")  # 40
    debit = w.adjust("debit", "70", "2025-02-02")
    credit = w.adjust("credit", "20", "2025-02-10")
    history = w.one("rollover.adjustment_history", adjustment_id=debit)
    assert figures(history, "quantity", "applied_quantity", "unapplied_quantity") == [70, 60, 10]
    assert history["cycle_start"] == D("2025-02-01")
    assert w.bucket("A-any-20250101-plan")["debited_quantity"] == 40 * 60
    assert w.bucket(f"A-any-20250201-adjustment-{credit}")["status"] == "depleted"
    assert w.matrix("2025-02-01")["adjusted_units"] == -40


def test_draw_order_of_equal_age() -> None:
    w = World().solo()
    w.call("2025-01-10T10:00:00", 95)
    w.close("2025-02-01")  # a plan bucket of 5 from February
    w.adjust("credit", "5", "2025-02-02", adjustment="zz")
    w.adjust("credit", "5", "2025-02-03", adjustment="aa")
    call = w.call("2025-02-10T10:00:00", 112)
    funded = [(f["bucket_id"], f["quantity"] // 60) for f in w.rows("rating.usage_funding")]
    assert [f for f in funded if f[0]] == [
        ("A-any-20250101-plan", 5),
        ("A-any-20250201-adjustment-aa", 5),
        ("A-any-20250201-adjustment-zz", 2),
    ]
    assert split(w.usage(call)) == (0, 100, 12, 0)


def test_resale_of_expired_units() -> None:
    w = World().solo()
    w.close_each("2025-02-01", "2025-03-01", "2025-04-01")  # January's 100 expire in March
    assert w.bucket("A-any-20250101-plan")["status"] == "expired"
    first = w.adjust("resale", "60", "2025-04-02", bucket="2025-01-01")
    second = w.adjust("resale", "60", "2025-04-03", bucket="2025-01-01")
    none = w.adjust("resale", "5", "2025-04-04", bucket="2024-01-01")
    applied = {
        r["adjustment_id"]: figures(r, "applied_quantity", "unapplied_quantity")
        for r in w.rows("rollover.adjustment_history")
    }
    assert applied == {first: [60, 0], second: [40, 20], none: [0, 5]}
    over = w.rows("integrity.bundle_exceptions", exception_type="over_resale")
    assert len(over) == 2
    bucket = w.bucket(f"A-any-20250401-resale-{first}")
    assert (bucket["earned_quantity"], bucket["expires_on"]) == (3600, D("2025-06-01"))
    w.close("2025-05-01")
    assert w.lines("2025-05-01") == [
        ("plan_fee", "30.00"),
        ("one_time", "3.00"),
        ("one_time", "2.00"),
    ]
    assert w.matrix("2025-04-01")["adjusted_units"] == 100
    # resold units can't be sold a third time
    third = w.adjust("resale", "1", "2025-05-04", bucket="2025-01-01")
    assert w.one("rollover.adjustment_history", adjustment_id=third)["applied_quantity"] == 0
    check_invariants(w.rater)


def test_extension_is_for_the_whole_bucket() -> None:
    w = World().solo()
    w.call("2025-01-10T10:00:00", 60)
    w.close("2025-02-01")  # 40, expires on 1 April
    w.call("2025-02-10T10:00:00", 110)
    w.adjust("debit", "5", "2025-02-01")
    w.adjust("extension", "1", "2025-02-15", bucket="2025-01-01", cycles=3)
    bucket = w.bucket("A-any-20250101-plan")
    assert bucket["expires_on"] == D("2025-07-01")
    w.close("2025-03-01")
    # 40 remaining at the start of the cycle, before adjustments, * 0.01 * 3
    assert ("one_time", "1.20") in w.lines("2025-03-01")
    w.close_each("2025-04-01", "2025-05-01", "2025-06-01", "2025-07-01")
    assert w.bucket("A-any-20250101-plan")["expired_quantity"] == 25 * 60
    late = w.adjust("extension", "1", "2025-07-15", bucket="2025-01-01", cycles=3)
    assert w.one("rollover.adjustment_history", adjustment_id=late)["applied_quantity"] == 0
    check_invariants(w.rater)


def test_adjustments_that_cannot_count_stay_visible() -> None:
    w = World().solo("PLAIN")
    no_rollover = w.adjust("credit", "10", "2025-01-10")
    no_pool = w.adjust("credit", "10", "2025-01-10", pool="nothing")
    w.close("2025-02-01")
    rows = {r["adjustment_id"]: r for r in w.rows("rollover.adjustment_history")}
    assert figures(rows[no_rollover], "applied_quantity", "unapplied_quantity") == [0, 10]
    assert rows[no_rollover]["cycle_start"] == D("2025-01-01")
    assert (rows[no_pool]["unapplied_quantity"], rows[no_pool]["cycle_start"]) == (10, None)


def test_late_adjustment_counts_in_the_first_open_cycle() -> None:
    w = World().solo()
    w.close("2025-02-01")
    late = w.adjust("credit", "10", "2025-01-10")
    assert w.bucket(f"A-any-20250201-adjustment-{late}")["expires_on"] == D("2025-04-01")


# --- rollover: leaving and returning --------------------


def leave(r: str, on: str, cycles: str = "2") -> World:
    """40 units earned in January, then the plan is cancelled."""
    seeds = change(small_catalog(), "plans", {"plan_id": "SOLO"}, rollover_retention_cycles=r)
    change(seeds, "plan_pools", {"plan_id": "SOLO"}, rollover_cycles=cycles)
    w = World(seeds).solo()
    w.call("2025-01-10T10:00:00", 60)
    w.order("SOLO", on, action="cancel")
    w.close("2025-02-01")
    return w


@pytest.mark.parametrize(
    ("r", "on", "archived_on"),
    [
        # mid-cycle: R cycles follow February; with R = 0 February is the first without
        ("0", "2025-02-10", "2025-03-01"),
        ("1", "2025-02-10", "2025-04-01"),
        ("2", "2025-02-10", "2025-05-01"),
        # on a boundary: the day before is in January, R cycles follow January; with R = 0 February
        # is the first cycle whose last day has none
        ("0", "2025-02-01", "2025-03-01"),
        ("1", "2025-02-01", "2025-03-01"),
        ("2", "2025-02-01", "2025-04-01"),
    ],
)
def test_leaving(r: str, on: str, archived_on: str) -> None:
    w = leave(r, on)
    bucket_id = "A-any-20250101-plan"
    assert w.bucket(bucket_id)["status"] == "retained"
    ends = ["2025-03-01", "2025-04-01", "2025-05-01"]
    for end in ends[: ends.index(archived_on)]:
        w.close(end)
        assert w.bucket(bucket_id)["status"] == "retained", end
    w.close(archived_on)
    assert w.bucket(bucket_id)["status"] == "archived"
    archived = w.one("rollover.rollover_archive")
    assert (archived["archived_on"], archived["quantity"]) == (D(archived_on), 40 * 60)
    row = w.rows("rollover.rollover_matrix", rollover_status="archived")
    assert [(r["archived_units"], r["closing_balance"], r["ended_at"]) for r in row] == [
        (40, 0, D(on))
    ]
    w.close("2025-06-01")
    assert len(w.rows("rollover.rollover_archive")) == 1
    assert w.rows("rollover.rollover_matrix", cycle_start=D("2025-05-01")) == []
    check_invariants(w.rater)


def test_return_within_retention_with_the_life_left() -> None:
    w = leave("2", "2025-02-10")
    bucket_id = "A-any-20250101-plan"
    assert w.bucket(bucket_id)["expires_on"] == D("2025-04-01")
    w.close("2025-03-01")  # frozen
    assert w.bucket(bucket_id)["expires_on"] == D("2025-05-01")
    w.order("SOLO", "2025-03-20")
    assert w.bucket(bucket_id)["status"] == "available"
    # March's last day has the plan: it draws, and it ages; 12 days: 100 * 12 / 31 = 2322.58 s
    call = w.call("2025-03-25T10:00:00", 50)
    assert w.usage(call)["plan_quantity"] == 2323
    assert w.usage(call)["rollover_quantity"] == 677
    w.close_each("2025-04-01", "2025-05-01")
    assert w.bucket(bucket_id)["expired_quantity"] == 2400 - 677
    row = w.matrix("2025-04-01")
    assert (row["rollover_status"], row["became_customer_at"]) == ("active", D("2025-01-01"))
    check_invariants(w.rater)


def test_return_after_archiving_begins_anew() -> None:
    w = leave("0", "2025-02-10")
    w.close("2025-03-01")
    w.order("SOLO", "2025-03-01")
    call = w.call("2025-03-25T10:00:00", 130)
    assert split(w.usage(call)) == (0, 100, 0, 30)


def test_a_record_of_the_cycle_of_leaving_draws_nothing() -> None:
    w = leave("2", "2025-02-15")  # 14 of 28 days: 50 min
    call = w.call("2025-02-10T10:00:00", 60)
    assert split(w.usage(call)) == (0, 50, 0, 10)


def test_retention_counts_from_the_last_leaving() -> None:
    w = leave("1", "2025-02-10")
    w.order("SOLO", "2025-03-05")
    w.order("SOLO", "2025-03-20", action="cancel")  # left again in March: R = 1 is April
    w.close_each("2025-03-01", "2025-04-01")
    assert w.bucket("A-any-20250101-plan")["status"] == "retained"
    w.close("2025-05-01")
    assert w.bucket("A-any-20250101-plan")["status"] == "archived"


def test_midnights_that_come_twice_or_not_at_all() -> None:
    w = World().solo(zone="America/Havana", day=2)
    # 2 November 2025: clocks go back from 01:00 to 00:00; the day begins at the first midnight
    twice = [w.call(at, 1) for at in ("2025-11-02T03:59:59", "2025-11-02T04:00:00")]
    assert [w.usage(c)["cycle_start"] for c in twice] == [D("2025-10-02"), D("2025-11-02")]
    w = World().solo(zone="Africa/Cairo", day=25)
    # 25 April 2025: clocks go from 00:00 to 01:00, at 22:00Z
    jump = [w.call(at, 1) for at in ("2025-04-24T21:59:59", "2025-04-24T22:00:00")]
    assert [w.usage(c)["cycle_start"] for c in jump] == [D("2025-03-25"), D("2025-04-25")]


def test_an_open_cycle_of_leaving_moves_no_expiry_before_its_close() -> None:
    w = leave("2", "2025-02-10", cycles="1")  # the 40 units are for February alone
    w.order("SOLO", "2025-03-01")
    call = w.call("2025-03-10T10:00:00", 110)
    assert split(w.usage(call)) == (0, 100, 0, 10)
    w.close("2025-03-01")  # February was frozen: now they are for March
    assert split(w.usage(call)) == (0, 100, 10, 0)


def test_closing_an_account_is_leaving() -> None:
    w = World().solo(closed="2025-02-11")
    w.close_each("2025-02-01", "2025-03-01")
    row = w.matrix("2025-02-01")
    assert (row["rollover_status"], row["ended_at"]) == ("retained", D("2025-02-11"))
    assert w.lines("2025-03-01") == [("plan_fee", "10.71")]  # 30 * 10 / 28
    w.close("2025-04-01")
    assert w.rows("billing.bills", cycle_end=D("2025-04-01")) == []
    assert len(w.rows("rollover.rollover_archive")) == 1


def test_buckets_go_on_between_plans_with_rollover() -> None:
    w = World().solo()
    w.line("wireline")
    w.close("2025-02-01")  # SOLO earns 100, X = 2
    w.share(on="2025-02-10")
    w.close("2025-03-01")
    bucket = w.bucket("A-any-20250101-plan")
    assert (bucket["status"], bucket["expires_on"]) == ("available", D("2025-04-01"))
    # SOLO 9 of 28 days: 1928.57 -> 1929 s; SHARE 19 of 28: 40714.29 -> 40714 s; X of SHARE = 6
    new = w.bucket("A-any-20250201-plan")
    assert (new["earned_quantity"], new["expires_on"]) == (42643, D("2025-09-01"))
    # defer: fees 9.64 + 20.36 = 30.00, * 0.40 * earned / allowance (all of it)
    assert w.one("accounting.journal", event="defer")["amount"] == Decimal("12.00")
    check_invariants(w.rater)


def test_the_first_plan_by_id_decides_for_a_shared_pool() -> None:
    seeds = small_catalog()
    seeds["plan_services"] += [
        {**row, "plan_id": "ASIDE", "carrier_id": "internet"}
        for row in seeds["plan_services"]
        if row["plan_id"] == "PLAIN"
    ]
    seeds["plans"] += [
        {**row, "plan_id": "ASIDE"} for row in seeds["plans"] if row["plan_id"] == "PLAIN"
    ]
    seeds["plan_pools"] += [
        {**row, "plan_id": "ASIDE"} for row in seeds["plan_pools"] if row["plan_id"] == "PLAIN"
    ]
    w = World(seeds).solo()
    w.order("ASIDE", "2025-01-01", "internet")
    w.close("2025-02-01")  # ASIDE comes before SOLO and has no rollover for the pool
    assert w.rows("rollover.rollover_buckets") == []
    call = w.call("2025-02-10T10:00:00", 170)
    assert split(w.usage(call)) == (0, 160, 0, 10)  # but both give their allowance


# --- bills and taxes --------------------


def test_no_tax_line_on_a_base_of_nothing_but_on_a_tax_of_nothing() -> None:
    w = World(change(small_catalog(), "plans", {"plan_id": "SOLO"}, monthly_fee="0.00"))
    w.solo(tax="TOWN")
    w.call("2025-01-10T10:00:00", 100)
    w.call("2025-01-11T10:00:00", seconds=24, to="+447011", call_type="international")
    w.close("2025-02-01")  # 30 s at 0.29 = 0.145 -> 0.15; TEL 0.0045, SALES 0.006
    assert w.lines("2025-02-01") == [
        ("plan_fee", "0.00"),
        ("usage", "0.15"),
        ("usage", "0.00"),
        ("tax", "0.00"),
        ("tax", "0.01"),
    ]


def test_usage_lines_are_rounded_once() -> None:
    w = World().solo()
    w.call("2025-01-01T10:00:00", 100)
    for second in range(3):  # 3 * 0.145 = 0.435 -> 0.44, not 3 * 0.15
        w.call(f"2025-01-11T10:00:0{second}", 0, 1, to="+447011", call_type="international")
    w.close("2025-02-01")
    line = w.one("billing.bill_lines", treatment="metered")
    assert (str(line["amount"]), str(line["quantity_units"])) == ("0.44", "1.500000")
    bill = w.one("billing.bills")
    assert bill["bill_id"] == "A-20250201"
    assert str(bill["total_amount"]) == "30.44"


# --- settlement --------------------


def share_world(seeds: Any = None, plan: str = "SHARE") -> World:
    w = World(seeds)
    w.account()
    for carrier in sorted(w.rater.catalog.plans[plan].carriers):
        w.line(carrier)
    w.share(plan)
    return w


def test_fee_below_the_fixed_fees() -> None:
    seeds = change(small_catalog(), "plans", {"plan_id": "SHARE"}, monthly_fee="5.00")
    change(seeds, "settlement_agreements", {"agreement_id": "AG-SHARE"}, usage_share="pooled")
    w = share_world(seeds)
    w.call("2025-01-10T10:00:00", 1010)  # 10 over: 4.00, pooled
    w.call("2025-01-10T11:00:00", 505, carrier="wireline", call_type="long_distance")  # 50.50
    w.close("2025-02-01")
    # 5.00 by 10 : 6 = 3.125 : 1.875 -> the tie of fractions goes to the first carrier;
    # 54.50 by 1010 : 505
    assert w.settled("2025-02-01") == {
        "wireless": ("3.13", "36.33", "0.00", "39.46"),
        "wireline": ("1.87", "18.17", "0.00", "20.04"),
    }


def test_negative_remainder() -> None:
    seeds = change(
        small_catalog(), "settlement_agreements", {"agreement_id": "AG-SHARE"}, usage_share="pooled"
    )
    change(seeds, "plans", {"plan_id": "SHARE"}, monthly_fee="16.00")
    w = share_world(seeds)
    w.call("2025-01-10T10:00:00", 1000)
    call = w.call("2025-01-11T10:00:00", 1)
    w.close("2025-02-01")
    assert w.settled("2025-02-01")["wireless"] == ("10.00", "0.40", "0.00", "10.40")
    w.void(call, "2025-01-11T10:00:00")
    w.call("2025-02-10T10:00:00", 1)
    w.call("2025-02-10T11:00:00", 2, carrier="wireline", call_type="long_distance")
    w.close("2025-03-01")
    # -0.40 by 1 : 2 = -0.1333, -0.2667; floors -0.14, -0.27; the missing cent to .667: wireless
    assert w.settled("2025-03-01") == {
        "wireless": ("10.00", "-0.13", "0.00", "9.87"),
        "wireline": ("6.00", "-0.27", "0.00", "5.73"),
    }
    check_invariants(w.rater)


def test_weights_of_nothing() -> None:
    w = share_world()
    w.close("2025-02-01")  # 14.00 by the fixed fees 10 : 6
    assert w.settled("2025-02-01") == {
        "wireless": ("10.00", "8.75", "0.00", "18.75"),
        "wireline": ("6.00", "5.25", "0.00", "11.25"),
    }
    seeds = change(small_catalog(), "settlement_terms", {"agreement_id": "AG-SHARE"}, fixed_fee="0")
    w = share_world(change(seeds, "plans", {"plan_id": "SHARE"}, monthly_fee="0.01"))
    w.close("2025-02-01")  # those 0 too: equally; the tie to the first
    assert w.settled("2025-02-01") == {
        "wireless": ("0.00", "0.01", "0.00", "0.01"),
        "wireline": ("0.00", "0.00", "0.00", "0.00"),
    }


def test_percents_replace_usage() -> None:
    seeds = small_catalog()
    change(
        seeds, "settlement_terms", {"agreement_id": "AG-SHARE", "carrier_id": "wireless"},
        remainder_percent="65",
    )  # fmt: skip
    change(
        seeds, "settlement_terms", {"agreement_id": "AG-SHARE", "carrier_id": "wireline"},
        remainder_percent="35",
    )  # fmt: skip
    w = share_world(seeds)
    w.call("2025-01-10T10:00:00", 10)
    w.close("2025-02-01")
    assert w.settled("2025-02-01")["wireless"] == ("10.00", "9.10", "0.00", "19.10")
    line = w.one("settlement.settlement_lines", carrier_id="wireline")
    assert line["usage_weight"] == 35


def test_basis_all_counts_no_charge_of_pool_usage() -> None:
    seeds = small_catalog()
    seeds["no_charge_rules"] = [rule("SHARE", "night", "rate_period")]
    billable = share_world(seeds)
    change(seeds, "settlement_agreements", {"agreement_id": "AG-SHARE"}, usage_basis="all")
    everything = share_world(seeds)
    for w in (billable, everything):
        w.call("2025-01-10T23:00:00", 30)
        w.call("2025-01-10T11:00:00", 10, carrier="wireline", call_type="long_distance")
        w.call("2025-01-10T11:00:00", 90, carrier="wireline")  # free: never weighs
        w.close("2025-02-01")
    assert billable.settled("2025-02-01")["wireless"][1] == "0.00"
    assert everything.settled("2025-02-01")["wireless"][1] == "10.50"


def test_of_a_star_agreement_only_the_carriers_of_the_plan_take_part() -> None:
    w = World().solo()
    w.close("2025-02-01")
    assert w.settled("2025-02-01") == {"wireless": ("0.00", "30.00", "0.00", "30.00")}


def test_a_carrier_outside_the_terms_keeps_its_usage_revenue() -> None:
    seeds = small_catalog()
    seeds["settlement_terms"] = [
        row
        for row in seeds["settlement_terms"]
        if (row["agreement_id"], row["carrier_id"]) != ("AG-SHARE", "wireline")
    ]
    change(seeds, "settlement_agreements", {"agreement_id": "AG-SHARE"}, usage_share="pooled")
    w = share_world(seeds)
    w.call("2025-01-10T10:00:00", 1000)
    w.call("2025-01-11T10:00:00", 10)
    w.call("2025-01-11T11:00:00", 10, carrier="wireline", call_type="long_distance")
    w.close("2025-02-01")
    assert w.settled("2025-02-01") == {
        "wireless": ("10.00", "24.00", "0.00", "34.00"),
        "wireline": ("0.00", "0.00", "1.00", "1.00"),
    }


def test_three_carriers() -> None:
    w = share_world(plan="TRIO")
    w.call("2025-01-10T10:00:00", 100)
    w.call("2025-01-10T11:00:00", 100, carrier="wireline")
    w.call("2025-01-10T12:00:00", 101, carrier="internet")  # 1 over at 0.10
    w.close("2025-02-01")
    # 60.00 under `*`: by 101 : 100 : 100 of 301 -> 20.1329, 19.9335, 19.9335
    assert w.settled("2025-02-01") == {
        "internet": ("0.00", "20.13", "0.10", "20.23"),
        "wireless": ("0.00", "19.94", "0.00", "19.94"),
        "wireline": ("0.00", "19.93", "0.00", "19.93"),
    }
    check_invariants(w.rater)


def test_fixed_fees_are_summed_over_segments() -> None:
    w = World()
    w.account()
    for carrier in ("wireless", "wireline"):
        w.line(carrier)
        w.order("SHARE", "2025-01-01", carrier)
        w.order("SHARE", "2025-01-11", carrier, action="cancel")
        w.order("SHARE", "2025-01-21", carrier, at="2025-01-20T00:00:00Z")
    w.close("2025-02-01")
    # fees 9.68 + 10.65; fixed 3.23 + 3.55 and 1.94 + 2.13; remainder 9.48 by 10 : 6 -> 5.925, 3.555
    assert w.lines("2025-02-01") == [("plan_fee", "9.68"), ("plan_fee", "10.65")]
    assert w.settled("2025-02-01") == {
        "wireless": ("6.78", "5.93", "0.00", "12.71"),
        "wireline": ("4.07", "3.55", "0.00", "7.62"),
    }


# --- deferral --------------------


def test_deferral_over_the_life_of_a_bucket() -> None:
    seeds = change(small_catalog(), "plan_pools", {"plan_id": "SOLO"}, deferral_fee_share="0.5")
    w = World(seeds).solo()
    w.call("2025-01-10T10:00:00", 60)
    w.close("2025-02-01")  # 30.00 * 0.5 * 40 / 100 = 6.00
    w.adjust("debit", "10", "2025-02-03")
    w.call("2025-02-10T10:00:00", 107)  # 7 of the 30 left
    w.close("2025-03-01")
    w.call("2025-03-10T10:00:00", 100)
    w.close("2025-04-01")  # 23 expire
    entries = [
        (r["event"], r["debit_account"], r["credit_account"], str(r["amount"]))
        for r in w.rows("accounting.journal", bucket_id="A-any-20250101-plan")
    ]
    assert entries == [
        ("defer", "plan_revenue", "deferred_revenue", "6.00"),
        ("breakage", "deferred_revenue", "breakage_revenue", "1.50"),
        ("recognise", "deferred_revenue", "rollover_revenue", "1.05"),  # 6 * 17 / 40 = 2.55
        ("breakage", "deferred_revenue", "breakage_revenue", "3.45"),
    ]
    row = w.one("accounting.deferred_revenue", bucket_id="A-any-20250101-plan")
    assert [str(row[c]) for c in ("usage_amount", "breakage_amount", "balance_amount")] == [
        "1.05", "4.95", "0.00",
    ]  # fmt: skip


def test_deferral_of_archived_units_is_breakage() -> None:
    seeds = change(small_catalog(), "plan_pools", {"plan_id": "SOLO"}, deferral_fee_share="0.5")
    w = World(seeds).solo()
    w.order("SOLO", "2025-02-01", action="cancel")
    w.close_each("2025-02-01", "2025-03-01")
    events = [
        (r["event"], str(r["amount"])) for r in w.rows("accounting.journal") if r["bucket_id"]
    ]
    assert events == [("defer", "15.00"), ("breakage", "15.00")]


# --- orders --------------------


def sync_of(w: World, carrier: str = "wireless", as_of: str | None = None) -> list[str]:
    rows = w.rows("integrity.order_sync", as_of, carrier_id=carrier)
    return [row["sync_status"] for row in rows]


def test_an_integrated_order_counts_once_in_sync() -> None:
    w = World()
    w.account()
    w.line()
    w.order("SHARE", "2025-01-03", at="2025-01-02T00:00:00Z")
    call = w.call("2025-01-10T10:00:00", 1)
    assert w.one("rating.suspended_usage", cdr_id=call)["reason"] == "no_plan"
    assert sync_of(w) == ["missing_counterpart"]
    assert sync_of(w, as_of="2025-01-02T23:59:59Z") == ["awaiting_counterpart"]
    assert len(w.rows("integrity.pass_through_orders")) == 1
    # within 72 h of each other, within 3 days: of the pair the later date
    w.order("SHARE", "2025-01-06", "wireline", at="2025-01-05T00:00:00Z")
    assert sync_of(w) == ["in_sync"]
    assert w.one("integrity.effective_plans")["effective_from"] == D("2025-01-06")
    assert len(w.rows("integrity.fulfillment_notices")) == 1
    assert w.usage(call)["plan_id"] == "SHARE"


def test_tolerance_and_the_hours_between_requests() -> None:
    w = World()
    w.account()
    w.order("SHARE", "2025-01-03", at="2025-01-02T00:00:00Z")
    w.order("SHARE", "2025-01-07", "wireline", at="2025-01-05T00:00:00Z")
    assert sync_of(w) == ["mismatched"]
    w = World()
    w.account()
    w.order("SHARE", "2025-01-06", at="2025-01-02T00:00:00Z")
    w.order("SHARE", "2025-01-06", "wireline", at="2025-01-05T00:00:01Z", order="b")
    assert sync_of(w) == ["missing_counterpart"]
    w = World()
    w.account()
    w.order("SHARE", "2025-01-06", at="2025-01-02T00:00:00Z", names="b")
    w.order("SHARE", "2025-01-06", "wireline", at="2025-01-05T00:00:01Z", order="b")
    assert sync_of(w) == ["in_sync"]


def test_matching_is_one_to_one_and_prefers_the_living_then_the_named_then_the_near() -> None:
    w = World()
    w.account()
    w.order("SHARE", "2025-01-06", at="2025-01-02T12:00:00Z", order="a", names="far")
    w.order("SHARE", "2025-01-06", "wireline", at="2025-01-02T12:00:00Z", order="near")
    w.order("SHARE", "2025-01-06", "wireline", at="2025-01-02T20:00:00Z", order="far")
    counterpart = w.one("integrity.order_sync", carrier_id="wireless")["counterpart_order_id"]
    assert counterpart == "far"
    w.order(
        "SHARE", "2025-01-06", "wireline", at="2025-01-02T20:00:00Z", order="far",
        status="withdrawn",
    )  # fmt: skip
    counterpart = w.one("integrity.order_sync", carrier_id="wireless")["counterpart_order_id"]
    assert counterpart == "near"


def test_leaving_an_integrated_plan_concerns_its_carriers() -> None:
    w = share_world()
    w.order("SOLO", "2025-02-10", action="change_plan", order="go")
    rows = w.rows("integrity.order_sync", order_id="go")
    assert [(r["counterpart_carrier_id"], r["sync_status"]) for r in rows] == [
        ("wireline", "awaiting_counterpart")
    ]
    assert [r["plan_id"] for r in w.rows("integrity.effective_plans")] == ["SHARE"]
    w.order("SOLO", "2025-02-10", "wireline", action="change_plan")
    plans = [(r["plan_id"], r["effective_to"]) for r in w.rows("integrity.effective_plans")]
    assert plans == [("SHARE", D("2025-02-10")), ("SOLO", None)]


def test_orders_out_of_sync_healed_late() -> None:
    w = World()
    w.account()
    w.line()
    w.order("SOLO", "2025-01-01")
    w.order("SHARE", "2025-01-20", action="change_plan", at="2025-01-19T00:00:00Z", order="a")
    w.close_each("2025-02-01", "2025-03-01")
    assert w.lines("2025-03-01") == [("plan_fee", "30.00")]
    assert w.one("billing.bill_lines", bill_id="A-20250301")["plan_id"] == "SOLO"
    w.order(
        "SHARE", "2025-01-21", "wireline", action="change_plan", at="2025-03-10T00:00:00Z",
        names="a", order="b",
    )  # fmt: skip
    # from the first open cycle on, however late the counterpart came
    plans = [
        (r["plan_id"], r["effective_from"], r["effective_to"])
        for r in w.rows("integrity.effective_plans")
    ]
    assert plans == [
        ("SOLO", D("2025-01-01"), D("2025-03-01")),
        ("SHARE", D("2025-03-01"), None),
    ]
    exceptions = w.rows("integrity.bundle_exceptions", order_id="a")
    assert [(e["exception_type"], e["opened_at"], e["resolved_at"]) for e in exceptions] == [
        (
            "missing_counterpart",
            datetime(2025, 1, 20, tzinfo=UTC),
            datetime(2025, 3, 10, tzinfo=UTC),
        )
    ]


def test_an_older_order_healed_late_does_not_undo_a_newer_one() -> None:
    w = World()
    w.account()
    w.order("SHARE", "2025-01-05", order="a", at="2025-01-04T00:00:00Z")
    w.order("TRIO", "2025-01-25", order="c", at="2025-01-24T00:00:00Z", action="change_plan")
    for carrier in ("wireline", "internet"):
        w.order("TRIO", "2025-01-25", carrier, at="2025-01-24T00:00:00Z", action="change_plan")
    w.close("2025-02-01")
    w.order("SHARE", "2025-01-05", "wireline", order="b", at="2025-01-04T00:00:00Z")
    plans = [
        (r["plan_id"], r["effective_from"], r["effective_to"])
        for r in w.rows("integrity.effective_plans")
    ]
    assert plans == [("TRIO", D("2025-01-25"), None)]


def test_an_order_that_counted_at_a_close_keeps_counting() -> None:
    w = share_world()
    w.close("2025-02-01")
    keys = [row["order_id"] for row in w.rows("integrity.order_sync")]
    # a named order takes the counterpart away
    w.order(
        "SHARE", "2025-06-01", "wireline", names=keys[0], order="thief", at="2025-01-02T00:00:00Z"
    )
    assert sync_of(w) == ["mismatched"]
    assert w.one("integrity.effective_plans")["effective_to"] is None
    # but withdrawn it ends, from the first open cycle on
    w.order(
        "SHARE", "2025-01-01", "wireline", order=keys[1], at="2025-01-01T00:00:00Z",
        status="withdrawn",
    )  # fmt: skip
    assert w.one("integrity.effective_plans")["effective_to"] == D("2025-02-01")


def test_withdrawal_after_the_grace_opens_a_new_exception() -> None:
    w = World()
    w.account()
    w.order("SHARE", "2025-01-05", order="a")
    w.order("SHARE", "2025-01-05", "wireline", order="b")
    w.call("2025-01-20T00:00:00", 1)
    assert w.rows("integrity.bundle_exceptions", order_id="a") == []
    w.order(
        "SHARE", "2025-01-05", "wireline", order="b", status="withdrawn",
        status_at="2025-01-15T00:00:00Z",
    )  # fmt: skip
    exception = w.one("integrity.bundle_exceptions", order_id="a")
    assert exception["exception_type"] == "counterpart_failed"
    assert exception["opened_at"] == datetime(2025, 1, 15, tzinfo=UTC)
    assert exception["resolved_at"] is None
    assert exception["notify_carrier_id"] == "wireline"


def test_the_type_stays_what_it_was_without_the_healer() -> None:
    w = World()
    w.account()
    w.order("SHARE", "2025-01-05", order="a")
    w.order("SHARE", "2025-01-05", "wireline", order="b", status="failed")
    w.order(
        "SHARE", "2025-01-05", "wireline", order="c", at="2025-01-05T10:00:00Z", status="submitted"
    )
    w.order(
        "SHARE", "2025-01-05", "wireline", order="c", at="2025-01-05T10:00:00Z",
        status="completed", status_at="2025-01-08T00:00:00Z",
    )  # fmt: skip
    w.call("2025-01-20T00:00:00", 1)
    exception = w.one("integrity.bundle_exceptions", order_id="a")
    assert exception["exception_type"] == "counterpart_failed"
    assert exception["resolved_at"] == datetime(2025, 1, 8, tzinfo=UTC)


def test_three_carriers_need_two_counterparts() -> None:
    w = World()
    w.account()
    w.order("TRIO", "2025-01-05", "wireless")
    w.order("TRIO", "2025-01-05", "wireline")
    assert w.rows("integrity.effective_plans") == []
    w.order("TRIO", "2025-01-05", "internet")
    assert len(w.rows("integrity.effective_plans")) == 1
    assert len(w.rows("integrity.order_sync", sync_status="in_sync")) == 6
    assert len(w.rows("integrity.fulfillment_notices")) == 1


def test_on_one_date_the_last_requested_wins() -> None:
    w = World().solo()
    w.order("PLAIN", "2025-02-01", at="2025-01-20T00:00:00Z", action="change_plan")
    w.order("SOLO", "2025-02-01", at="2025-01-19T00:00:00Z", action="change_plan")
    assert [r["plan_id"] for r in w.rows("integrity.effective_plans")] == ["SOLO", "PLAIN"]


def test_cancel_of_a_plan_that_is_not_in_effect() -> None:
    w = World().solo()
    w.order("PLAIN", "2025-01-10", action="cancel")
    assert w.one("integrity.effective_plans")["effective_to"] is None


def test_withdrawn_and_unknown_plans_count_for_nothing() -> None:
    w = World().solo()
    w.order("NOSUCH", "2025-01-05")
    w.order("PLAIN", "2025-01-05", status="failed")
    assert [r["plan_id"] for r in w.rows("integrity.effective_plans")] == ["SOLO"]
    assert w.one("integrity.bundle_exceptions", exception_type="unknown_plan")["found"] == "NOSUCH"


def test_plan_mismatch_and_casi_discrepancies() -> None:
    w = World().solo()
    w.line(plan="PLAIN", as_of="2025-01-05T00:00:00+00:00")
    w.line("wireline", as_of="2025-01-05T00:00:00+00:00")
    exception = w.one("integrity.bundle_exceptions", exception_type="plan_mismatch")
    assert (exception["expected"], exception["found"]) == ("SOLO", "PLAIN")
    found = w.one("integrity.casi_discrepancies")
    assert (found["discrepancy_type"], found["field"]) == ("field_mismatch", "plan_id")
    w.line(number="+14045550000", plan="SOLO", as_of="2025-01-06T00:00:00+00:00")
    kinds = {r["discrepancy_type"] for r in w.rows("integrity.casi_discrepancies")}
    assert kinds == {"field_mismatch", "missing_in_batch", "missing_in_casi"}


def test_casi_discrepancies_by_data_time_whatever_the_load_order() -> None:
    w = World().solo()  # first batch: 1 January 2024
    w.line(plan="PLAIN", as_of="2025-03-02T00:00:00+00:00")
    w.line(plan="PLAIN", as_of="2025-03-03T00:00:00+00:00")

    def mismatches() -> list[tuple[str, str | None, str | None]]:
        return [
            (f"{r['batch_as_of']:%m-%d}", r["casi_value"], r["batch_value"])
            for r in w.rows("integrity.casi_discrepancies")
        ]

    assert mismatches() == [("03-02", None, "PLAIN")]
    w.change_line("2025-03-02T12:00:00Z", plan="SOLO")  # comes late
    assert mismatches() == [("03-02", None, "PLAIN"), ("03-03", "SOLO", "PLAIN")]
    w.line(plan="SOLO", as_of="2023-12-31T00:00:00+00:00")  # now the first one
    assert mismatches()[0] == ("01-01", "SOLO", None)
    assert len(mismatches()) == 3


def test_casi_discrepancies_of_instants_and_of_two_files() -> None:
    w = World().solo()
    at = "2025-03-02T00:00:00+00:00"
    w.line(since="2024-01-01T01:00:00.5+01:00", as_of=at)
    w.line(number="+14045550000", as_of="2024-01-01T00:00:00Z")
    assert [
        (r["discrepancy_type"], r["field"], r["casi_value"], r["batch_value"])
        for r in w.rows("integrity.casi_discrepancies")
    ] == [
        (
            "field_mismatch",
            "activated_at",
            "2024-01-01T00:00:00+00:00",
            "2024-01-01T00:00:00.500000+00:00",
        ),
        ("missing_in_batch", None, None, None),
    ]
    w.line(number="+14045550000", as_of=at)  # the other file of the batch
    assert len(w.rows("integrity.casi_discrepancies")) == 1


def test_casi_history_leaves_out_what_only_repeats() -> None:
    w = World().solo()
    w.line(as_of="2025-03-02T00:00:00Z")
    w.change_line("2025-03-04T00:00:00Z", plan="SOLO")
    w.line(plan="SOLO", as_of="2025-03-03T00:00:00Z")
    assert [
        (f"{r['known_from']:%m-%d}", r["known_to"], r["plan_id"], r["source"])
        for r in w.rows("integrity.casi_history")
    ] == [
        ("01-01", datetime(2025, 3, 3, tzinfo=UTC), None, "batch"),
        ("03-03", None, "SOLO", "batch"),
    ]


def test_casi_conflicts_are_what_no_line_of_the_other_agrees_with() -> None:
    w = World()
    w.account()
    w.line("wireless", plan="SOLO")
    w.order("SHARE", "2025-01-01", "wireless")
    w.order("SHARE", "2025-01-01", "wireline")
    # wireline has not told of any line of anybody
    assert w.rows("integrity.casi_conflicts") == []
    w.line("wireline", account="B")
    found = w.one("integrity.casi_conflicts")
    assert (found["field"], found["other_carrier_value"]) == ("lines", None)
    w.line("wireline", plan=None)  # empty says nothing
    assert w.rows("integrity.casi_conflicts") == []
    w.change_line("2025-01-02T00:00:00Z", "wireline", plan="SHARE")
    found = w.one("integrity.casi_conflicts")
    assert (found["field"], found["carrier_value"], found["other_carrier_value"]) == (
        "plan",
        "SOLO",
        "SHARE",
    )
    assert found["since_at"] == datetime(2025, 1, 2, tzinfo=UTC)
    w.line("wireless", plan="SHARE", number="+14045550000")  # one line of two is enough
    assert w.rows("integrity.casi_conflicts") == []
    w.change_line("2025-01-03T00:00:00Z", "wireline", until="2025-01-03T00:00:00Z")
    assert [r["field"] for r in w.rows("integrity.casi_conflicts")] == ["lines"]


def test_limited_no_charge_allowance_of_a_plan_the_cycle_has_not() -> None:
    seeds = small_catalog()
    seeds["no_charge_rules"] = [rule("SOLO", "night", "rate_period", allowance="31")]
    w = World(seeds).solo()
    w.order("PLAIN", "2025-02-01", action="change_plan")
    w.close("2025-02-01")
    late = w.usage(w.call("2025-01-12T23:00:00", 10))
    assert (split(late), late["category"]) == ((0, 10, 0, 0), "night_weekend")


def test_deferral_takes_the_fees_of_the_plans_that_have_the_pool() -> None:
    seeds = change(small_catalog(), "plan_pools", {"plan_id": "SOLO"}, deferral_fee_share="0.5")
    w = World(seeds).solo()
    w.order("LINE", "2025-01-01", "wireline")
    w.close("2025-02-01")
    assert str(w.one("accounting.journal", event="defer")["amount"]) == "15.00"


def test_recognition_multiplies_before_dividing() -> None:
    # 5 of 6 units used of 0.03 deferred: 0.03 * 5 / 6 = 0.025 -> 0.03; with 1 - 1 / 6 worked out
    # to any number of digits first it would be 0.0249...
    seeds = change(
        small_catalog(),
        "plan_pools",
        {"plan_id": "SOLO"},
        deferral_fee_share="0.01",
        allowance="60",
    )
    w = World(seeds).solo()
    w.call("2025-01-10T10:00:00", 54)
    w.close("2025-02-01")  # 30 * 0.01 * 6 / 60 = 0.03
    w.call("2025-02-10T10:00:00", 65)
    w.close("2025-03-01")
    row = w.one("accounting.journal", event="recognise")
    assert str(row["amount"]) == "0.03"


def test_extension_of_a_depleted_bucket_costs_nothing() -> None:
    w = World().solo()
    w.call("2025-01-10T10:00:00", 60)
    w.close("2025-02-01")
    w.call("2025-02-10T10:00:00", 140)
    w.close("2025-03-01")
    w.adjust("extension", "1", "2025-03-02", bucket="2025-01-01", cycles=1)
    bucket = w.bucket("A-any-20250101-plan")
    assert (bucket["status"], bucket["expires_on"]) == ("depleted", D("2025-05-01"))
    w.close("2025-04-01")
    assert w.lines("2025-04-01") == [("plan_fee", "30.00"), ("one_time", "0.00")]


def test_resale_in_a_backlog_sees_what_expired_in_it() -> None:
    w = World().solo()
    sale = w.adjust("resale", "60", "2025-04-02", bucket="2025-01-01")
    history = w.one("rollover.adjustment_history", adjustment_id=sale)
    assert history["applied_quantity"] == 0  # nothing is closed: nothing earned, nothing expired
    w.close("2025-05-01")
    history = w.one("rollover.adjustment_history", adjustment_id=sale)
    assert history["applied_quantity"] == 60
    assert ("one_time", "3.00") in w.lines("2025-05-01")


def test_a_reversal_lands_in_the_first_of_several_open_cycles() -> None:
    w = World().solo()
    call = w.call("2025-01-10T10:00:00", 110)
    w.close("2025-02-01")
    w.call("2025-04-10T10:00:00", 1)
    w.void(call, "2025-01-10T10:00:00")
    assert w.usage(call, is_reversal=True)["cycle_start"] == D("2025-02-01")


def test_open_cycles_follow_as_of() -> None:
    w = World().solo()
    w.call("2025-01-10T10:00:00", 1)
    starts = [r["cycle_start"] for r in w.rows("unbilled.unbilled_summary", "2025-03-01T00:00:00Z")]
    assert starts == [D("2025-01-01"), D("2025-02-01"), D("2025-03-01")]
    assert len(w.rows("unbilled.unbilled_summary", "2024-03-01T00:00:00Z")) == 1


def test_the_matrix_shows_twelve_closed_cycles_and_the_open_ones() -> None:
    w = World().solo()
    w.close("2026-04-01")  # fifteen cycles
    rows = w.rows("rollover.rollover_matrix")
    assert next(r["cycle_start"] for r in rows) == D("2025-04-01")
    assert [r["is_closed"] for r in rows] == [True] * 12 + [False]


# --- rollover: feeds, cut-offs, opening balances, other billing systems --------------------


def test_adjustments_are_judged() -> None:
    w = World().solo()
    good = {
        "adjustment_id": "x", "account_id": "A", "pool_id": "any", "action": "credit",
        "quantity": "1.5", "reason_code": "why", "adjusted_at": "2025-01-10T00:00:00Z",
        "adjusted_by": "me", "bucket_cycle_start": None, "extend_cycles": None,
    }  # fmt: skip
    judged: list[tuple[dict[str, str | None], str]] = [
        ({"reason_code": None}, "missing_value"),
        ({"adjusted_by": ""}, "missing_value"),
        ({"action": "resale"}, "missing_value"),  # of which bucket?
        ({"action": "extension", "bucket_cycle_start": "2025-01-01"}, "missing_value"),
        ({"action": "gift"}, "bad_value"),
        ({"quantity": "0"}, "bad_value"),
        ({"quantity": "-1"}, "bad_value"),
        ({"quantity": "1000000000.05"}, "bad_value"),
        ({"quantity": "0.01"}, "bad_value"),  # 0.6 s
        (
            {"action": "extension", "bucket_cycle_start": "2025-01-01", "extend_cycles": "0"},
            "bad_value",
        ),
        # the pool is not known: any part of a unit may turn out to be whole
        ({"pool_id": "later", "quantity": "0.01"}, "accepted"),
        ({"adjustment_id": "y", "quantity": "1000000000"}, "accepted"),
        ({"adjustment_id": "y", "quantity": "1000000000.00"}, "duplicate"),
        ({"adjustment_id": "y", "quantity": "1"}, "conflicting_duplicate"),
    ]
    for changes, expected in judged:
        result = w.rater.load("rollover_adjustments", [{**good, **changes}])
        outcome = result.rejected[0][1] if result.rejected else "accepted"
        assert (outcome if not result.duplicate else "duplicate") == expected, changes


def test_part_of_a_base_unit_of_a_pool_known_later_is_never_applied() -> None:
    w = World().solo()
    part = w.adjust("credit", "0.01", "2025-01-10", pool="later")
    whole = w.adjust("credit", "0.05", "2025-01-10", pool="later")  # 3 s
    w.opening("0.01", "2024-12-01", "2025-09-01", pool="later")
    seeds = small_catalog()
    seeds["plan_pools"].append({**seeds["plan_pools"][0], "pool_id": "later", "allowance": "0"})
    w.rater.replace_catalog(seeds)
    w.close("2025-02-01")
    rows = {r["adjustment_id"]: r for r in w.rows("rollover.adjustment_history")}
    assert (rows[part]["cycle_start"], rows[part]["applied_quantity"]) == (None, 0)
    assert rows[whole]["cycle_start"] == D("2025-01-01")
    assert rows[whole]["applied_quantity"] == Decimal("0.05")
    (bucket,) = w.rows("rollover.rollover_buckets", pool_id="later")
    assert bucket["earned_quantity"] == 3


def test_adjustments_after_a_frozen_request_count_in_the_next_cycle() -> None:
    w = World().solo()
    w.call("2025-01-10T10:00:00", 60)
    w.close("2025-02-01")  # 40 from January
    before = w.adjust("credit", "5", "2025-02-03")
    w.build()
    unbuilt = w.adjust("credit", "7", "2025-02-04")
    assert [r.cutoff_load_id for r in w.rater.freeze("F1")] == [w.rater.feeds.loads[-2].load_id]
    after = w.adjust("debit", "20", "2025-02-05")
    early = w.adjust("credit", "1", "2025-01-05")  # its own cycle is closed
    next_cycle = w.adjust("credit", "2", "2025-03-02")
    # the request keeps saying the same
    request = w.one("rollover.rollover_requests")
    assert figures(request, "balance_units", "adjusted_since_last_cycle_units") == [45, 5]
    counted = {
        row["adjustment_id"]: row["cycle_start"] for row in w.rows("rollover.adjustment_history")
    }
    march = D("2025-03-01")
    assert counted == {
        before: D("2025-02-01"), unbuilt: march, after: march, early: march, next_cycle: march,
    }  # fmt: skip
    w.close("2025-03-01")
    assert figures(w.matrix("2025-02-01"), *MATRIX) == [40, 5, 0, 0, 100, 0, 145]
    w.close("2025-04-01")
    # +7 +1 +2 -20 in March; at its end the 40 of January less those 20 expire, and the credit of 5
    # (available in February and March)
    assert figures(w.matrix("2025-03-01"), *MATRIX) == [145, -10, 0, 25, 100, 0, 210]
    # in March nobody froze anything: a late one counts in the first open cycle
    late = w.adjust("credit", "3", "2025-02-20")
    row = w.one("rollover.adjustment_history", adjustment_id=late)
    assert row["cycle_start"] == D("2025-04-01")
    check_invariants(w.rater)


def test_a_second_request_does_not_move_the_cutoff_and_concerns_its_accounts_only() -> None:
    w = World().solo()
    w.account("B")
    w.order("SOLO", "2025-01-01", account="B")
    w.build()
    assert [r.account_id for r in w.rater.freeze("F1", ["A"])] == ["A"]
    of_a = w.adjust("credit", "5", "2025-01-03")
    of_b = w.adjust("credit", "5", "2025-01-03", account="B")
    w.build()
    assert [r.account_id for r in w.rater.freeze("F2")] == ["A", "B"]
    counted = {r["adjustment_id"]: r["cycle_start"] for r in w.rows("rollover.adjustment_history")}
    assert counted == {of_a: D("2025-02-01"), of_b: D("2025-01-01")}
    with pytest.raises(ValueError, match="F1"):
        w.rater.freeze("F1")


def test_opening_balance_is_drawn_debited_extended_and_expires() -> None:
    w = World().solo()
    # earned in November; available since 1 December; ends within January
    w.opening("50", "2024-11-01", "2025-01-15")
    w.opening("30", "2024-12-31", "2025-03-01")
    first, second = "A-any-20241101-plan", "A-any-20241231-plan"
    assert w.bucket(first)["available_from"] == D("2024-12-01")
    assert w.bucket(first)["expires_on"] == D("2025-02-01")
    # a month after 31 December is 31 January: available from the landing cycle, if that is earlier
    assert w.bucket(second)["available_from"] == D("2025-01-01")
    assert w.bucket(second)["expires_on"] == D("2025-03-01")
    w.adjust("debit", "10", "2025-01-02")
    w.adjust("extension", "1", "2025-01-02", bucket="2024-12-31", cycles=2)
    w.call("2025-01-10T10:00:00", 125)  # 100 + 25
    row = w.one("rollover.rollover_matrix")
    assert figures(row, "opening_balance", "taken_over_units") == [80, 80]
    w.close("2025-02-01")
    # 50 + 30 - 10 - 25 = 45; of the older one 15 are left and expire
    assert figures(w.matrix("2025-01-01"), *MATRIX) == [80, -10, 25, 15, 0, 0, 30]
    assert w.matrix("2025-01-01")["taken_over_units"] == 80
    # 30 at the start of the cycle, before adjustments, * 0.01 * 2
    assert ("one_time", "0.60") in w.lines("2025-02-01")
    assert w.bucket(second)["expires_on"] == D("2025-05-01")
    assert w.matrix("2025-02-01")["taken_over_units"] == 0
    # resold like any plan bucket
    w.adjust("resale", "20", "2025-02-10", bucket="2024-11-01")
    assert figures(w.matrix("2025-02-01"), "opening_balance", "adjusted_units") == [30, 15]
    assert w.one("rollover.rollover_exceptions") == {
        "exception_id": "over_resale-j005",
        "exception_type": "over_resale",
        "account_id": "A",
        "pool_id": "any",
        "cycle_start": D("2025-02-01"),
        "subject": "j005",
        "expected_units": 15,
        "found_units": 20,
        "opened_at": datetime(2025, 2, 10, tzinfo=UTC),
    }
    check_invariants(w.rater)


def test_openings_are_judged_and_wait_for_account_and_pool() -> None:
    w = World()
    assert w.opening("10", "2024-12-01", "2025-03-01").accepted == 1  # of nobody yet
    assert w.opening("10.0", "2024-12-01", "2025-03-01", deferred="0").duplicate == 1
    assert w.opening("11", "2024-12-01", "2025-03-01").rejected == [(1, "conflicting_duplicate")]
    for quantity, expires, deferred in (
        ("0", "2025-03-01", None),
        ("0.01", "2025-03-01", None),
        ("1", "2024-12-01", None),
        ("1", "2025-03-01", "-1"),
        ("1", "2025-03-01", "0.005"),
    ):
        result = w.opening(quantity, "2024-12-01", expires, deferred=deferred)
        assert result.rejected == [(1, "bad_value")]
    assert w.rater.feeds.latest is None  # as_of does not move the clock
    w.solo()
    w.opening("1.2345", "2024-12-01", "2025-03-01", pool="later")
    assert [b["bucket_id"] for b in w.rows("rollover.rollover_buckets")] == ["A-any-20241201-plan"]


def test_openings_that_are_not_taken_over() -> None:
    w = World().solo()
    w.call("2025-01-10T10:00:00", 60)
    w.close("2025-02-01")
    w.opening("10", "2024-10-01", "2025-02-01")  # over when February begins
    w.opening("10", "2025-01-01", "2025-04-01")  # we earned 40 in January ourselves
    w.opening("10", "2025-02-01", "2025-04-01")  # February is ours to earn
    w.opening("10", "2024-12-01", "2025-02-02")
    assert w.matrix("2025-02-01")["taken_over_units"] == 10
    w.close("2025-03-01")
    assert figures(w.matrix("2025-02-01"), *MATRIX) == [50, 0, 0, 10, 100, 0, 140]
    rows = w.rows("rollover.rollover_exceptions")
    assert [(r["exception_type"], r["subject"], r["cycle_start"]) for r in rows] == [
        ("opening_expired", "A-any-20241001-plan", D("2025-02-01")),
        ("opening_exists", "A-any-20250101-plan", D("2025-02-01")),
        ("opening_exists", "A-any-20250201-plan", D("2025-02-01")),
    ]
    assert figures(rows[0], "expected_units", "found_units") == [0, 10]
    assert w.bucket("A-any-20250101-plan")["earned_quantity"] == 40 * 60
    check_invariants(w.rater)


def test_opening_of_a_pool_without_rollover_is_archived() -> None:
    w = World().solo("PLAIN")
    w.opening("50", "2024-12-01", "2025-01-10", deferred="4.00")
    row = w.matrix("2025-01-01")
    assert (row["rollover_status"], row["ended_at"]) == ("retained", D("2025-01-01"))
    w.close("2025-02-01")
    row = w.matrix("2025-01-01")
    assert (row["rollover_status"], row["ended_at"]) == ("archived", D("2025-01-01"))
    assert figures(row, *MATRIX) == [50, 0, 0, 0, 0, 50, 0]
    assert w.one("rollover.rollover_archive")["archived_on"] == D("2025-02-01")
    entries = [(e["event"], str(e["amount"])) for e in w.rows("accounting.journal")][1:]
    assert entries == [("opening", "4.00"), ("breakage", "4.00")]
    # left in 2024 with R = 1: frozen for the cycle that follows, then archived
    w = World()
    w.account()
    w.order("SOLO", "2025-01-01")
    w.order("PLAIN", "2025-01-20", action="change_plan")
    w.opening("50", "2024-12-01", "2025-01-10")
    w.close("2025-02-01")
    row = w.matrix("2025-01-01")
    assert (row["rollover_status"], row["ended_at"]) == ("retained", D("2025-01-20"))
    assert w.bucket("A-any-20241201-plan")["expires_on"] == D("2025-03-01")  # frozen
    w.close("2025-03-01")
    assert w.one("rollover.rollover_archive")["archived_on"] == D("2025-03-01")
    check_invariants(w.rater)


def test_deferral_of_an_opening_and_the_roll_forward() -> None:
    w = World()
    w.account()
    w.share()
    w.line()
    w.opening("100", "2024-12-01", "2025-03-01", deferred="12.00")
    w.adjust("debit", "10", "2025-01-05")
    w.call("2025-01-10T10:00:00", 1040)  # 1000 + 40
    w.close("2025-02-01")
    entries = [
        (e["event"], e["debit_account"], e["credit_account"], str(e["amount"]))
        for e in w.rows("accounting.journal", bill_id=None)
    ]
    assert entries == [
        ("opening", "opening_balances", "deferred_revenue", "12.00"),
        ("breakage", "deferred_revenue", "breakage_revenue", "1.20"),  # 10 of 100
        ("recognise", "deferred_revenue", "rollover_revenue", "4.80"),
    ]
    w.close("2025-03-01")  # 50 expire: 6.00; earned 1000: 30.00 * 0.40 = 12.00 deferred
    w.account("B", day=15)
    w.close("2025-02-15")  # nothing but an empty cycle of an account
    names = ("opening", "deferred", "taken_over", "recognised", "breakage", "closing")
    assert [
        [str(row[f"{name}_amount"]) for name in names]
        for row in w.rows("accounting.deferred_revenue_roll_forward")
    ] == [
        ["0.00", "12.00", "12.00", "4.80", "1.20", "6.00"],
        ["6.00", "12.00", "0.00", "0.00", "6.00", "12.00"],
        ["12.00", "0.00", "0.00", "0.00", "0.00", "12.00"],
    ]
    check_invariants(w.rater)


def external(**seeds_of_solo: str) -> World:
    """An account that another system bills, with the plan SOLO and perhaps another cap."""
    seeds = small_catalog()
    if seeds_of_solo:
        change(seeds, "plan_pools", {"plan_id": "SOLO"}, **seeds_of_solo)
    return World(seeds).solo(billing="elsewhere")


def test_an_external_account_is_neither_rated_nor_closed_by_date() -> None:
    w = external()
    early = w.call("2024-12-10T10:00:00", 1)
    call = w.call("2025-01-10T10:00:00", 1)
    for cdr in (early, call):
        assert w.one("rating.suspended_usage", cdr_id=cdr)["reason"] == "external_billing"
    assert w.close("2025-03-01") is None
    row = w.one("rollover.rollover_matrix")
    assert figures(row, "allowance_units", "plan_used_units") == [100, 0]
    # an account without a jurisdiction that the catalog has is no obstacle
    w.account(billing="elsewhere", tax="ATLANTIS")
    assert w.close("2025-03-01") is None
    # it is ours from now on
    w.account()
    w.close("2025-02-01")
    assert w.usage(call)["is_closed"]
    assert w.one("rating.suspended_usage", cdr_id=early)["reason"] == "before_billing"


def test_the_first_cycle_of_an_external_account() -> None:
    w = external()
    w.order("SOLO", "2025-05-20", action="cancel")
    assert w.one("rollover.rollover_requests")["cycle_start"] == D("2025-01-01")
    w.opening("10", "2025-01-01", "2025-09-01", as_of="2025-04-20")
    assert w.one("rollover.rollover_requests")["cycle_start"] == D("2025-04-01")
    # what is reported goes before; but not before the account was opened
    w.report("2025-03-01", "100 0 0 0 0 0")
    assert w.one("rollover.rollover_requests")["cycle_start"] == D("2025-03-01")
    w.report("2024-12-01", "100 0 0 0 0 0")
    assert w.one("rollover.rollover_requests")["cycle_start"] == D("2025-01-01")
    # by the account's own date, and the closing balance of 30 April is that of 1 May
    w = World().solo(billing="elsewhere", zone="America/New_York")
    w.opening("10", "2025-01-01", "2025-09-01", as_of="2025-05-01T03:59:59Z")
    assert w.one("rollover.rollover_requests")["cycle_start"] == D("2025-05-01")


def test_reported_cycles() -> None:
    w = external(rollover_cap="90")
    w.opening("40", "2024-12-01", "2025-02-15")
    w.report("2025-01-01", "100 70 0 0 30 0")
    # 25 over: 20 of them from rollover
    w.report("2025-02-01", "100 100 25 20 0 20")
    w.report("2025-03-01", "100 20 50 45 80 0")
    assert w.build() == 1
    assert w.build() is None
    assert figures(w.matrix("2025-01-01"), *MATRIX) == [40, 0, 0, 0, 30, 0, 70]
    february = w.matrix("2025-02-01")
    assert figures(february, *MATRIX) == [70, 0, 20, 20, 0, 0, 30]
    assert figures(february, "overage_assessed_units", "plan_used_units") == [25, 100]
    march = w.matrix("2025-03-01")
    # drawn 30 of 45; nothing expires, the bucket of January (its last cycle) being empty;
    # room = cap 90 - 0, so all of 80 reported
    assert figures(march, *MATRIX) == [30, 0, 30, 0, 80, 0, 80]
    assert figures(march, "overage_assessed_units", "capped_units") == [50, 0]
    (overdrawn,) = w.rows("rollover.rollover_exceptions")
    assert overdrawn["exception_type"] == "report_overdrawn"
    assert figures(overdrawn, "expected_units", "found_units") == [30, 45]
    assert overdrawn["subject"] == "A-any-20250301"
    assert overdrawn["opened_at"] == datetime(2025, 4, 1, 12, tzinfo=UTC)
    # April: 80 there, room for 10; reported 60 of which 10 are earned; it says 5 expired
    w.report("2025-04-01", "100 40 0 0 60 5")
    assert w.close("2025-01-01") == 2
    april = w.matrix("2025-04-01")
    assert figures(april, *MATRIX, "capped_units") == [80, 0, 0, 0, 10, 0, 90, 50]
    rows = w.rows("rollover.rollover_exceptions", cycle_start=D("2025-04-01"))
    assert [(r["exception_type"], *figures(r, "expected_units", "found_units")) for r in rows] == [
        ("report_expired", 0, 5),
        ("report_accumulated", 10, 60),
    ]
    # less than there would be: earned as reported
    w.report("2025-05-01", "100 100 80 80 0 0")
    w.report("2025-06-01", "100 20 0 0 15 0")
    w.build()
    june = w.matrix("2025-06-01")
    assert figures(june, "accumulated_units", "capped_units") == [15, 65]
    # the units of April (10) were drawn in May with the 80 of March's 80: 90 - 80 = 10 left
    assert figures(june, *MATRIX) == [10, 0, 0, 10, 15, 0, 15]
    for name in ("billing.bills", "settlement.settlement_lines", "accounting.journal"):
        assert w.rows(name) == []
    closes = w.rows("accounting.deferred_revenue_roll_forward")
    assert [row["close_id"] for row in closes] == [1, 2, 3]
    check_invariants(w.rater)


def test_a_close_ends_reported_cycles_in_its_own_row() -> None:
    w = external()
    w.account("B")
    w.order("SOLO", "2025-01-01", account="B")
    w.report("2025-01-01", "100 70 0 0 30 0")
    assert w.close("2025-02-01") == 1
    assert [bill["account_id"] for bill in w.rows("billing.bills")] == ["B"]
    assert w.matrix("2025-01-01", account_id="A")["is_closed"]
    assert w.close("2025-02-01") is None


def test_a_cycle_is_reported_when_every_pool_with_rollover_is() -> None:
    seeds = small_catalog()
    seeds["plan_pools"] += [
        {**seeds["plan_pools"][0], "pool_id": "other"},
        {**seeds["plan_pools"][1], "plan_id": "SOLO", "pool_id": "plain"},
    ]
    w = World(seeds).solo(billing="elsewhere")
    w.report("2025-01-01", "100 70 0 0 30 0")
    w.report("2025-01-01", "60 50 9 0 0 0", pool="plain")
    assert w.build() is None
    w.report("2025-01-01", "100 70 0 0 30 0", pool="other", end="2025-02-02")
    assert w.build() is None
    assert sorted(r["exception_type"] for r in w.rows("rollover.rollover_exceptions")) == [
        *("report_unknown_cycle", "report_waits", "report_waits")
    ]
    # another first day is another report
    w = World(seeds).solo(billing="elsewhere")
    w.report("2025-01-01", "60 50 9 1 2 3", pool="plain")
    w.report("2025-01-01", "100 70 0 0 30 0", pool="other")
    assert w.build() is None
    w.report("2025-01-01", "100 70 0 0 30 0")
    assert w.build() == 1
    # without rollover nothing is drawn, expires or is earned
    assert [
        (r["exception_type"], *figures(r, "expected_units", "found_units"))
        for r in w.rows("rollover.rollover_exceptions")
    ] == [("report_overdrawn", 0, 1), ("report_expired", 0, 3), ("report_accumulated", 0, 2)]
    # the account leaves: no pool with rollover, so any report will do
    w.order("SOLO", "2025-02-10", action="cancel")
    assert w.build() is None
    w.report("2025-02-01", "0 0 0 0 0 0", pool="plain")
    assert w.build() == 2
    row = w.matrix("2025-02-01", pool_id="any")
    assert row["rollover_status"] == "retained"
    # a pool without a report: allowance by the plan (9 of 28 days of 100), nothing used
    assert figures(row, *MATRIX) == [30, 0, 0, 0, 0, 0, 30]
    assert row["allowance_units"] == Decimal("32.150000")


def test_reports_are_judged() -> None:
    w = World().solo()
    assert w.report("2025-01-01", "100 70 0 0 30 0").rejected == [(1, "bad_value")]  # it is ours
    assert w.report("2025-01-01", "9 0 0 0 0 0", account="B").accepted == 1  # of nobody yet
    w.account(billing="elsewhere")
    for figures_ in (
        "100 101 0 0 0 0",  # more used than allowed
        "100 0 4 5 0 0",  # more from rollover than there was overage
        "100 80 0 0 21 0",  # more accumulated than unused
        "100 -1 0 0 0 0",
        "100 0.001 0 0 0 0",
    ):
        assert w.report("2025-01-01", figures_).rejected == [(1, "bad_value")]
    assert w.report("2025-01-01", end="2025-01-01").rejected == [(1, "bad_value")]
    assert w.report("2025-01-01", fee="0.001").rejected == [(1, "bad_value")]
    assert w.report("2025-01-01", "100 70 0 0 30 0").accepted == 1
    assert w.report("2025-01-01", "100.0 70 0 0 30 0", fee=None).duplicate == 1
    assert w.report("2025-01-01", "100 70 0 0 30 1").rejected == [(1, "conflicting_duplicate")]
    assert w.build() == 1
    # one that comes when its cycle has been ended by others is of no cycle
    w.report("2025-01-01", "1 0 0 0 0 0", pool="late")
    w.report("2025-03-01", "100 0 0 0 0 0")  # a cycle to come: it waits
    w.report("2025-04-02", "100 0 0 0 0 0")
    rows = w.rows("rollover.rollover_exceptions")
    assert sorted((r["exception_type"], r["subject"]) for r in rows) == [
        ("report_unknown_cycle", "A-any-20250402"),
        ("report_waits", "A-any-20250301"),
        ("report_waits", "A-late-20250101"),
        ("report_waits", "B-any-20250101"),
    ]
    assert rows[0]["expected_units"] is rows[0]["found_units"] is None


def test_adjustments_of_reported_cycles_and_requests() -> None:
    w = external()
    w.opening("50", "2024-12-01", "2025-09-01")
    w.build()
    w.rater.freeze("F1")
    after_request = w.adjust("credit", "1", "2025-01-10")
    w.report("2025-01-01", "100 100 10 10 0 0", request="F1")
    w.report("2025-02-01", "100 100 10 10 0 0", request="F2")
    after_report = w.adjust("debit", "2", "2025-02-10")
    w.build()
    counted = {r["adjustment_id"]: r["cycle_start"] for r in w.rows("rollover.adjustment_history")}
    assert counted == {after_request: D("2025-02-01"), after_report: D("2025-03-01")}
    assert figures(w.matrix("2025-01-01"), *MATRIX) == [50, 0, 10, 0, 0, 0, 40]
    # in February the credit counts; drawn 10 from the older bucket
    assert figures(w.matrix("2025-02-01"), *MATRIX) == [40, 1, 10, 0, 0, 0, 31]
    assert figures(w.matrix("2025-03-01"), "opening_balance", "adjusted_units") == [31, -2]
    (unknown,) = w.rows("rollover.rollover_exceptions")
    assert unknown["exception_type"] == "report_unknown_request"
    assert unknown["subject"] == "A-any-20250201"
    # an extension has no bill to be on, but holds
    w.adjust("extension", "1", "2025-03-10", bucket="2024-12-01", cycles=1)
    w.report("2025-03-01", "100 100 0 0 0 1")
    w.build()
    assert w.bucket("A-any-20241201-plan")["expires_on"] == D("2025-10-01")
    assert w.rows("billing.bill_lines") == []
    check_invariants(w.rater)


def test_deferral_of_a_reported_cycle_takes_the_reported_fee() -> None:
    w = external(deferral_fee_share="0.40")
    w.report("2025-01-01", "80 40 0 0 20 0", fee="24.00")
    w.report("2025-02-01", "100 90 0 0 10 0")  # no fee: nothing deferred
    w.report("2025-03-01", "100 100 5 5 0 15", fee="24.00")
    w.build()
    entries = [(e["event"], e["bucket_id"], str(e["amount"])) for e in w.rows("accounting.journal")]
    # 24.00 * 0.40 * 20 / 80 = 2.40; 5 of 20 used; the rest of the 20 expires with March
    assert entries == [
        ("defer", "A-any-20250101-plan", "2.40"),
        ("recognise", "A-any-20250101-plan", "0.60"),
        ("breakage", "A-any-20250101-plan", "1.80"),
    ]
    # least(reported 20, unused 40) was reported, 40 would have been ours
    assert [
        (r["exception_type"], *figures(r, "expected_units", "found_units"))
        for r in w.rows("rollover.rollover_exceptions")
    ] == [("report_accumulated", 40, 20)]
    check_invariants(w.rater)


def test_an_account_that_comes_to_us_and_one_that_goes() -> None:
    w = external()
    old = w.call("2025-01-20T10:00:00", 10)
    w.report("2025-01-01", "100 70 0 0 30 0")
    w.build()
    w.account()  # ours from 1 February, the first open cycle
    ours = w.call("2025-02-10T10:00:00", 120)
    assert w.report("2025-02-01", "100 70 0 0 30 0").rejected == [(1, "bad_value")]
    # what the other system billed is billed
    (waiting,) = w.rows("rating.suspended_usage")
    assert (waiting["cdr_id"], waiting["reason"]) == (old, "external_billing")
    w.close("2025-03-01")
    assert figures(w.matrix("2025-02-01"), *MATRIX) == [30, 0, 20, 0, 0, 0, 10]
    # and it goes: the next cycle waits for its report, and a reversal for a bill
    w.void(ours, "2025-02-10T10:00:00")
    w.account(billing="elsewhere")
    assert w.close("2025-04-01") is None
    w.report("2025-03-01", "100 0 0 0 100 0")
    w.build()
    assert w.usage(ours, is_reversal=True)["cycle_start"] == D("2025-04-01")
    w.account()
    w.close("2025-05-01")
    assert w.usage(ours, is_reversal=True)["is_closed"]
    check_invariants(w.rater)


# --- with the seeds of the project, at random --------------------


def generate(seed: int, accounts: int, records: int) -> tuple[list[Any], list[str]]:
    """Load calls and closing dates; feeds over six months."""
    rng = random.Random(seed)
    loads: list[Any] = []
    lines: list[tuple[str, str, str]] = []
    rows: dict[str, list[Any]] = {"accounts": [], "wireless": [], "wireline": [], "internet": []}
    orders: dict[str, list[Any]] = {"wireless": [], "wireline": [], "internet": []}
    carriers_of = {
        "SHARE1000": ("wireless", "wireline"),
        "SHARE800": ("wireless", "wireline"),
        "SHARE_DATA": ("wireless", "internet"),
        "WIRELESS500": ("wireless",),
    }
    order_ids = iter(range(10_000_000))
    for index in range(accounts):
        account = f"R{index:04d}"
        rows["accounts"].append(
            {
                "account_id": account,
                "bill_cycle_day": str(rng.choice([1, 5, 15, 28])),
                "time_zone": rng.choice(["America/New_York", "America/Denver", "UTC"]),
                "tax_jurisdiction_id": rng.choice(["US-GA-ATLANTA", "US-CO-DENVER", "US-CA"]),
                "opened_on": "2025-01-01",
                "closed_on": rng.choice([None] * 9 + ["2025-05-20"]),
            }
        )
        held: tuple[str, ...] = ()
        day = date(2025, 1, 1)
        while day < date(2025, 7, 1):
            plan = rng.choice(list(carriers_of))
            concerned = sorted(set(held) | set(carriers_of[plan]))
            for carrier in concerned:
                orders[carrier].append(
                    {
                        "order_id": str(next(order_ids)),
                        "account_id": account,
                        "action": "change_plan" if held else "subscribe",
                        "plan_id": plan,
                        "requested_at": f"{day}T00:00:00Z",
                        "effective_on": str(day),
                        "status": rng.choice(["completed"] * 9 + ["failed"]),
                    }
                )
            held = carriers_of[plan]
            day += timedelta(days=rng.choice([20, 31, 80, 200]))
        for carrier in ("wireless", "wireline", "internet"):
            number = f"+1{rng.randrange(10**9, 10**10)}"
            lines.append((carrier, account, number))
            rows[carrier].append(
                {
                    "account_id": account,
                    "service_number": number,
                    "plan_id": None,
                    "status": "active",
                    "activated_at": "2025-01-01T00:00:00Z",
                }
            )
    loads.append(("accounts", rows["accounts"], None, None))
    for carrier in ("wireless", "wireline", "internet"):
        at = datetime(2025, 1, 1, tzinfo=UTC)
        loads.append(("subscribers", rows[carrier], carrier, at))
        loads.append(("orders", orders[carrier], carrier, None))
    calls: dict[int, list[tuple[str, Any]]] = {}
    kinds = {
        "wireless": [("voice", "local"), ("voice", "international"), ("sms", "local")],
        "wireline": [("voice", "local"), ("voice", "long_distance")],
        "internet": [("data", "local"), ("data", "roaming")],
    }
    for index in range(records):
        carrier, _, number = rng.choice(lines)
        service, call_type = rng.choice(kinds[carrier])
        at = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(seconds=rng.randrange(181 * 86400))
        quantity = {"voice": 3600, "sms": 2, "data": 200_000_000}[service]
        late = rng.choice([0] * 20 + [1, 2])
        month = min(at.month + late, 8)
        row = {
            "cdr_id": str(index),
            "calling_number": number,
            "called_number": rng.choice(lines)[2],
            "direction": "originated",
            "service": service,
            "call_type": call_type,
            "started_at": at.isoformat(),
            "quantity": str(rng.randrange(quantity)),
        }
        calls.setdefault(month, []).append((carrier, row))
        if rng.random() < 0.02:
            void_month = min(month + rng.choice([0, 1, 2]), 8)
            calls.setdefault(void_month, []).append((carrier, {**row, "action": "void"}))
    for index in range(accounts // 2):
        adjusted = {
            "adjustment_id": f"adj{index}",
            "account_id": f"R{index:04d}",
            "pool_id": rng.choice(["anytime", "data"]),
            "action": rng.choice(["credit", "debit", "extension", "resale"]),
            "quantity": str(rng.randrange(1, 300)),
            "reason_code": "error_correction",
            "adjusted_at": f"2025-0{rng.randrange(1, 7)}-10T00:00:00Z",
            "adjusted_by": "me",
            "bucket_cycle_start": f"2025-0{rng.randrange(1, 5)}-01",
            "extend_cycles": "2",
        }
        loads.append(("rollover_adjustments", [adjusted], None, None))
    closes = []
    for month in range(1, 9):
        for carrier in ("wireless", "wireline", "internet"):
            loads.append(
                ("cdrs", [r for c, r in calls.get(month, []) if c == carrier], carrier, None)
            )
        if month < 7:
            loads.append(("close", None, f"2025-0{month + 1}-28", None))
            closes.append(f"2025-0{month + 1}-28")
    return loads, closes


def play(loads: list[Any]) -> Rater:
    rater = Rater.from_seeds(SEEDS)
    for feed, rows, carrier, as_of in loads:
        if feed == "close":
            rater.close(D(carrier), now=LATER)
        else:
            rater.load(feed, rows, carrier, as_of)
    return rater


@pytest.mark.parametrize("seed", range(4))
def test_invariants_at_random(seed: int) -> None:
    rater = play(generate(seed, 25, 1200)[0])
    check_invariants(rater)
    assert rater.mart("rollover.rollover_archive") or seed
    for name in ("unbilled.unbilled_summary", "integrity.bundle_exceptions"):
        rater.mart(name)


def test_order_of_loading_does_not_matter_before_a_close() -> None:
    loads = [load for load in generate(7, 15, 600)[0] if load[0] != "close"]
    forward = play(loads)
    backward = play([(f, list(reversed(rows)), c, a) for f, rows, c, a in reversed(loads)])
    for mart in ("rating.rated_usage", "rollover.rollover_buckets", "unbilled.unbilled_summary"):

        def plain(rater: Rater, mart: str = mart) -> list[str]:
            rows = rater.mart(mart)
            return sorted(
                str(sorted((k, str(v)) for k, v in row.items() if k != "load_id")) for row in rows
            )

        assert plain(forward) == plain(backward), mart


def test_every_mart_answers_with_nothing_loaded() -> None:
    rater = Rater.from_seeds(SEEDS)
    for name in MARTS:
        assert rater.mart(name) == []
    assert rater.close(D("2025-02-01"), now=LATER) is None
