"""The worked examples of the rules, from feed rows to issued bills; figures worked out by hand."""

from __future__ import annotations

import os
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.support.warehouse import PROJECT, Warehouse

UNIT_TESTS = 35  # at least
JANUARY, FEBRUARY, MARCH, APRIL = (date(2026, month, 1) for month in (1, 2, 3, 4))


def usage(examples: Warehouse, cdr_id: str) -> dict[str, Any]:
    """A record, its quantities in minutes."""
    (row,) = examples.rows(
        """
        select cycle_start, is_late, charge_amount, billable_quantity / 60.0 as billable,
            plan_quantity / 60.0 as plan, rollover_quantity / 60.0 as rollover,
            overage_quantity / 60.0 as overage, metered_quantity
        from rating.rated_usage where cdr_id = %s and not is_reversal
        """,
        cdr_id,
    )
    return row


def matrix(examples: Warehouse, account: str) -> dict[date, dict[str, Any]]:
    """The cycles of the minutes of an account."""
    rows = examples.rows(
        "select * from rollover.rollover_matrix where account_id = %s and pool_id = 'anytime'",
        account,
    )
    return {row["cycle_start"]: row for row in rows}


def buckets(examples: Warehouse, account: str) -> dict[date, dict[str, Any]]:
    """The buckets of an account by the cycle in which they were earned, in minutes."""
    rows = examples.rows(
        """
        select *, earned_quantity / 60 as earned, used_quantity / 60 as used,
            expired_quantity / 60 as expired, remaining_quantity / 60 as remaining
        from rollover.rollover_buckets where account_id = %s and pool_id = 'anytime'
        """,
        account,
    )
    return {row["earned_cycle_start"]: row for row in rows}


def bill(examples: Warehouse, account: str, cycle_end: date) -> dict[str, Any]:
    (row,) = examples.rows(
        "select * from billing.bills where account_id = %s and cycle_end = %s", account, cycle_end
    )
    return row


def lines(examples: Warehouse, account: str, cycle_end: date) -> list[tuple[Any, ...]]:
    """Section, plan, service and amount of each line, in order."""
    rows = examples.rows(
        """
        select section, plan_id, service, amount from billing.bill_lines
        where bill_id = %s order by line_number
        """,
        f"{account}-{cycle_end:%Y%m%d}",
    )
    return [(row["section"], row["plan_id"], row["service"], str(row["amount"])) for row in rows]


def settlement(examples: Warehouse, account: str, cycle_end: date) -> list[tuple[Any, ...]]:
    """Agreement, carrier, fixed, remainder, usage and total, in order."""
    rows = examples.rows(
        "select * from settlement.settlement_lines where bill_id = %s"
        " order by agreement_id, carrier_id",
        f"{account}-{cycle_end:%Y%m%d}",
    )
    return [
        (
            row["agreement_id"],
            row["carrier_id"],
            *(str(row[f"{name}_amount"]) for name in ("fixed", "remainder", "usage", "total")),
        )
        for row in rows
    ]


def funding(examples: Warehouse, cdr_id: str) -> list[tuple[Any, ...]]:
    """Source, bucket and minutes that paid for a record."""
    rows = examples.rows(
        """
        select source, bucket_id, quantity / 60 as minutes from rating.usage_funding
        where cdr_id = %s order by source, bucket_id
        """,
        cdr_id,
    )
    return [(row["source"], row["bucket_id"], row["minutes"]) for row in rows]


def test_plan_then_oldest_bucket_then_overage(examples: Warehouse) -> None:
    # Section 3. January leaves 1000 - 970 = 30 minutes, February 1000 - 950 = 50. In March 990 are
    # used; a call of 9:30 bills 10 minutes, all from the plan; the next, of 100: 30 + 50 + 20.
    assert [b["earned"] for _, b in sorted(buckets(examples, "BURN").items())][:2] == [30, 50]
    fourth = usage(examples, "BURN-4")
    assert (fourth["billable"], fourth["plan"], fourth["charge_amount"]) == (10, 10, 0)
    fifth = usage(examples, "BURN-5")
    assert (fifth["plan"], fifth["rollover"], fifth["overage"]) == (0, 80, 20)
    assert fifth["charge_amount"] == Decimal("8.000000")  # 20 * 0.40
    assert funding(examples, "BURN-5") == [
        ("overage", None, 20),
        ("rollover", "BURN-anytime-20260101-plan", 30),
        ("rollover", "BURN-anytime-20260201-plan", 50),
    ]


def test_overage_is_billed_taxed_settled_and_posted(examples: Warehouse) -> None:
    # Fee 50.00 and 8.00 overage. Federal surcharge 12.4 % of the fee: 6.20; the excise tax is on
    # wireline usage alone. SHARE1000 is pooled: 50.00 - 18.00 - 12.00 + 8.00 = 28.00 by all usage,
    # which is wireless: 18.00 + 28.00 = 46.00, and 12.00 to wireline.
    assert lines(examples, "BURN", APRIL) == [
        ("plan_fee", "SHARE1000", None, "50.00"),
        ("usage", "SHARE1000", "voice", "8.00"),
        ("tax", None, None, "6.20"),
    ]
    assert bill(examples, "BURN", APRIL)["total_amount"] == Decimal("64.20")
    assert settlement(examples, "BURN", APRIL) == [
        ("SHARE1000-2020", "wireless", "18.00", "28.00", "0.00", "46.00"),
        ("SHARE1000-2020", "wireline", "12.00", "0.00", "0.00", "12.00"),
    ]
    posted = examples.rows(
        "select credit_account, amount from accounting.journal"
        " where bill_id = 'BURN-20260401' and event = 'bill'"
    )
    assert {row["credit_account"]: row["amount"] for row in posted} == {
        "plan_revenue": Decimal("50.00"),
        "usage_revenue": Decimal("8.00"),
        "tax_payable": Decimal("6.20"),
    }


def test_rollover_over_four_cycles(examples: Warehouse) -> None:
    # Section 4, X = 2. Cycle 1: 100 - 60 earns 40. Cycle 2: 130 used, 30 from bucket 1, 10 left,
    # earns 0. Cycle 3: 90 used, earns 10; bucket 1, available in 2 and 3, expires its 10. Cycle 4:
    # 10.
    cycles = matrix(examples, "ROLL")
    names = ("opening_balance", "plan_used_units", "rollover_used_units", "expired_units")
    names += ("accumulated_units", "closing_balance")
    assert [tuple(int(cycles[c][name]) for name in names) for c in (JANUARY, FEBRUARY, MARCH)] == [
        (0, 60, 0, 0, 40, 40),
        (40, 100, 30, 0, 0, 10),
        (10, 90, 0, 10, 10, 10),
    ]
    assert cycles[APRIL]["opening_balance"] == 10
    assert not cycles[APRIL]["is_closed"]
    assert cycles[FEBRUARY]["expiring_next_units"] == 10
    assert cycles[FEBRUARY]["overage_assessed_units"] == 30
    first, second = (bucket for _, bucket in sorted(buckets(examples, "ROLL").items()))
    assert (first["earned"], first["used"], first["expired"], first["remaining"]) == (40, 30, 10, 0)
    assert (first["status"], first["expires_on"]) == ("expired", APRIL)
    assert (second["earned"], second["remaining"], second["status"]) == (10, 10, "available")
    # available in April and May
    assert (second["available_from"], second["expires_on"]) == (APRIL, date(2026, 6, 1))
    # rollover pays for all that the plan did not: nothing but the fee is charged
    assert lines(examples, "ROLL", MARCH)[:2] == [
        ("plan_fee", "X2", None, "30.00"),
        ("usage", "X2", "voice", "0.00"),
    ]


def test_rollover_first_spares_the_plan(examples: Warehouse) -> None:
    # January earns 40. February uses 70: the 40 first, 30 from the plan, which so earns 70.
    second = usage(examples, "FIRST-2")
    assert (second["rollover"], second["plan"], second["overage"]) == (40, 30, 0)
    february = matrix(examples, "FIRST")[FEBRUARY]
    assert (february["rollover_used_units"], february["accumulated_units"]) == (40, 70)
    assert february["closing_balance"] == 70
    assert buckets(examples, "FIRST")[JANUARY]["status"] == "depleted"


def test_cap_limits_the_new_bucket_alone(examples: Warehouse) -> None:
    # A cap of 50. January earns 30. February leaves 40 unused; the 30 are still there, so there is
    # room for 20, and 20 are capped. March uses all 100: the 30 of January expire, none earned.
    cycles = matrix(examples, "CAP")
    names = ("accumulated_units", "capped_units", "expired_units", "closing_balance")
    assert [tuple(int(cycles[c][name]) for name in names) for c in (JANUARY, FEBRUARY, MARCH)] == [
        (30, 0, 0, 30),
        (20, 20, 0, 50),
        (0, 0, 30, 20),
    ]


def test_leaving_freezes_and_archives(examples: Warehouse) -> None:
    # Cancelled for 11 February with 40 minutes left; R = 1: March is the cycle that follows the one
    # of the last day, and its close archives them. The fee of February: 30.00 * 10 / 28 = 10.71.
    cycles = matrix(examples, "LEAVE")
    assert (cycles[FEBRUARY]["rollover_status"], cycles[FEBRUARY]["closing_balance"]) == (
        "retained",
        40,
    )
    assert cycles[FEBRUARY]["ended_at"] == date(2026, 2, 11)
    assert (cycles[MARCH]["rollover_status"], cycles[MARCH]["archived_units"]) == ("archived", 40)
    assert examples.rows(
        "select bucket_id, quantity, archived_on from rollover.rollover_archive"
        " where account_id = 'LEAVE'"
    ) == [{"bucket_id": "LEAVE-anytime-20260101-plan", "quantity": 2400, "archived_on": APRIL}]
    assert lines(examples, "LEAVE", MARCH)[0] == ("plan_fee", "X2", None, "10.71")
    # a cycle without plan, record or one-time line has no bill
    assert not examples.rows(
        "select 1 from billing.bills where account_id = 'LEAVE' and cycle_end = %s", APRIL
    )


def test_late_usage_lands_in_the_first_open_cycle(examples: Warehouse) -> None:
    # A call of 20 January arrives after its close: it lands in February, before February's calls by
    # its start. It takes 10 of the 100; the 95 minutes of February take 90 and 5 of January's 40.
    late = usage(examples, "LATE-2")
    assert (late["cycle_start"], late["is_late"]) == (FEBRUARY, True)
    assert (late["plan"], late["rollover"], late["overage"]) == (10, 0, 0)
    third = usage(examples, "LATE-3")
    assert (third["plan"], third["rollover"], third["is_late"]) == (90, 5, False)
    # January stands as it was closed
    assert matrix(examples, "LATE")[JANUARY]["plan_used_units"] == 60


def test_void_of_a_billed_record_is_reversed(examples: Warehouse) -> None:
    # January: 120 of 100 minutes, 20 * 0.40 = 8.00. The void comes after the bill: February gives
    # 8.00 back, in a line of its own, taken from wireless; the units return to no pool. 30.00 -
    # 8.00 + 12.4 % of 30.00 = 25.72.
    (reversal,) = examples.rows(
        "select * from rating.rated_usage where cdr_id = 'VOID-1' and is_reversal"
    )
    assert (reversal["cycle_start"], reversal["charge_amount"]) == (FEBRUARY, Decimal("-8.000000"))
    assert (reversal["billable_quantity"], reversal["plan_quantity"]) == (0, 0)
    assert lines(examples, "VOID", FEBRUARY)[1] == ("usage", "X2", "voice", "8.00")
    assert lines(examples, "VOID", MARCH) == [
        ("plan_fee", "X2", None, "30.00"),
        ("one_time", "X2", "voice", "-8.00"),
        ("tax", None, None, "3.72"),
    ]
    assert bill(examples, "VOID", MARCH)["total_amount"] == Decimal("25.72")
    assert settlement(examples, "VOID", MARCH) == [
        ("STANDARD-2020", "wireless", "0.00", "30.00", "-8.00", "22.00")
    ]
    assert matrix(examples, "VOID")[JANUARY]["accumulated_units"] == 0
    assert matrix(examples, "VOID")[FEBRUARY]["accumulated_units"] == 100


def test_plan_change_within_a_cycle(examples: Warehouse) -> None:
    # SHARE1000 for 10 of 28 days, then SHARE800 for 18: fees 50 * 10 / 28 = 17.86 and
    # 30 * 18 / 28 = 19.29; allowance 60000 * 10 / 28 = 21429 s and 48000 * 18 / 28 = 30857 s.
    assert lines(examples, "MOVE", MARCH)[:2] == [
        ("plan_fee", "SHARE1000", None, "17.86"),
        ("plan_fee", "SHARE800", None, "19.29"),
    ]
    february = matrix(examples, "MOVE")[FEBRUARY]
    assert february["allowance_units"] == Decimal("871.433333")  # 52286 s
    # SHARE800 decides: a cap of 1600, of which January's 1000 are there already
    assert (february["opening_balance"], february["accumulated_units"]) == (1000, 600)
    assert february["capped_units"] == Decimal("271.433333")


def test_settlement_of_a_plan_change(examples: Warehouse) -> None:
    # Fixed fees per segment, SHARE1000: 18 * 10 / 28 = 6.43 and 12 * 10 / 28 = 4.29, remainder
    # 17.86 - 10.72 = 7.14; nothing used, so by the fixed fees 18 : 12: 4.284 and 2.856, the missing
    # cent to wireline. SHARE800: 6.43 and 3.86, remainder 9.00 by 10 : 6: 5.625 and 3.375, the cent
    # by name.
    assert settlement(examples, "MOVE", MARCH) == [
        ("SHARE1000-2020", "wireless", "6.43", "4.28", "0.00", "10.71"),
        ("SHARE1000-2020", "wireline", "4.29", "2.86", "0.00", "7.15"),
        ("SHARE800-2020", "wireless", "6.43", "5.63", "0.00", "12.06"),
        ("SHARE800-2020", "wireline", "3.86", "3.37", "0.00", "7.23"),
    ]


def test_settlement_by_usage(examples: Warehouse) -> None:
    # Section 6: fee 30.00, fixed 10.00 and 6.00, remainder 14.00 by 560 : 240 and by 2 : 1.
    assert settlement(examples, "SPLIT", FEBRUARY) == [
        ("SHARE800-2020", "wireless", "10.00", "9.80", "0.00", "19.80"),
        ("SHARE800-2020", "wireline", "6.00", "4.20", "0.00", "10.20"),
    ]
    assert settlement(examples, "THIRDS", FEBRUARY) == [
        ("SHARE800-2020", "wireless", "10.00", "9.33", "0.00", "19.33"),
        ("SHARE800-2020", "wireline", "6.00", "4.67", "0.00", "10.67"),
    ]


def test_statements_add_up_the_close(examples: Warehouse) -> None:
    # Wireline sends the bills: it owes wireless all that wireless earned, and itself nothing.
    earned = examples.rows(
        """
        select carrier_id, sum(l.total_amount) as amount
        from settlement.settlement_lines as l where cycle_end = %s group by carrier_id
        """,
        FEBRUARY,
    )
    statements = examples.rows("select * from settlement.settlement_statements where close_id = 1")
    amounts = {row["carrier_id"]: row["amount"] for row in earned}
    assert {row["carrier_id"]: row["net_payable_amount"] for row in statements} == {
        "wireless": amounts["wireless"],
        "wireline": 0,
    }
    assert {row["collected_by"] for row in statements} == {"wireline"}


def test_metered_minimum_increment_and_zero_duration(examples: Warehouse) -> None:
    # At least 18 s, then by 6 s, at 0.07: 10 s bill 18 (0.021), 25 s bill 30 (0.035), 0 s nothing.
    # The line is rounded once: 0.056 is 0.06. Taxes: 3 % of 0.06 is 0.00, 12.4 % of 12.00 is 1.49.
    records = [usage(examples, f"METER-{number}") for number in (1, 2, 3)]
    assert [row["metered_quantity"] for row in records] == [18, 30, 0]
    assert [str(row["charge_amount"]) for row in records] == ["0.021000", "0.035000", "0.000000"]
    assert [line[3] for line in lines(examples, "METER", FEBRUARY)] == [
        "12.00",
        "0.06",
        "0.00",
        "1.49",
    ]


def test_unit_tests_beside_the_models_pass(
    examples: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    # a warehouse that has been built: the columns of what a test gives are looked up in its tables
    from dbt.cli.main import dbtRunner  # noqa: PLC0415  (takes seconds)

    monkeypatch.setenv("TANDEM_DATABASE_URL", examples.url)
    folder = Path.cwd()
    outcome = dbtRunner().invoke(
        [
            "test",
            "--select",
            "test_type:unit",
            "--project-dir",
            str(PROJECT),
            "--profiles-dir",
            str(PROJECT),
            "--log-path",
            str(examples.settings.home / "logs"),
            "--log-level",
            "none",
            "--quiet",
        ]
    )
    os.chdir(folder)
    assert outcome.exception is None
    results = [
        result
        for result in outcome.result  # type: ignore[union-attr]
        if result.node.resource_type == "unit_test"
    ]
    failed = {
        result.node.name: result.message for result in results if str(result.status) != "pass"
    }
    assert failed == {}
    assert len(results) >= UNIT_TESTS
