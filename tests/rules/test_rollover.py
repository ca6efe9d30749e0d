"""Rollover units as money: adjusted, taken over, extended, sold again, reported by another system.

Accounts that know nothing of each other live through the same builds and closes of one warehouse,
of which a copy is kept at each stage: a test looks at its own accounts. Every stage is compared
with the plain rater in full; the figures here are worked out by hand. All accounts hold Wireless
500: 35.00 a month, 500 minutes, units live 12 cycles, half of the fee for units that roll over is
deferred, resale at 0.20 and extension at 0.02 a minute.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest

from tandem.bills.format import MINUS
from tandem.bills.model import Rollover as BilledRollover
from tandem.bills.view import view_of
from tests.rules.both import Both, Stage
from tests.support.warehouse import Row, Warehouse

FEBRUARY, MARCH, APRIL = (date(2026, month, 1) for month in range(2, 5))
STAGES = (
    "told",
    "reported",
    "January closed",
    "adjusted",
    "February closed",
    "late entries",
)


class Rollover(Both):
    """Accounts whose units are adjusted."""

    def open(self, *account_ids: str, since: str = "2026-01-01", **more: str) -> None:
        """Accounts with their plan, without a call."""
        self.tell(*account_ids, opened_on=since, **more)
        self.order("subscribe", since, *account_ids)

    def order(self, action: str, day: str, *account_ids: str) -> None:
        self.load(
            "orders",
            [
                {
                    "order_id": f"o-{account_id}-{day}",
                    "account_id": account_id,
                    "action": action,
                    "plan_id": "WIRELESS500",
                    "requested_at": f"{day}T00:00:00Z",
                    "effective_on": day,
                    "status": "completed",
                }
                for account_id in account_ids
            ],
            "wireless",
        )

    def adjust(self, *lines: str) -> None:
        """`id account action quantity day [bucket's cycle [cycles]]`, of 2026, in `anytime`."""
        rows: list[Row] = []
        for line in lines:
            adjustment_id, account_id, action, quantity, day, *rest = line.split()
            rows.append(
                {
                    "adjustment_id": adjustment_id,
                    "account_id": account_id,
                    "pool_id": "anytime",
                    "action": action,
                    "quantity": quantity,
                    "reason_code": "error_correction",
                    "adjusted_at": f"2026-{day}T10:00:00Z",
                    "adjusted_by": "agent",
                    "bucket_cycle_start": rest[0] if rest else None,
                    "extend_cycles": rest[1] if len(rest) > 1 else None,
                    "note": None,
                }
            )
        self.load("rollover_adjustments", rows)

    def take_over(self, *lines: str) -> None:
        """`account earned expires quantity deferred`."""
        names = ("account_id", "earned_cycle_start", "expires_on", "quantity", "deferred_amount")
        self.load(
            "rollover_opening",
            [
                dict(zip(names, line.split(), strict=True))
                | {"pool_id": "anytime", "as_of": "2026-01-01"}
                for line in lines
            ],
        )

    def report(self, line: str, **more: str) -> None:
        """`account start end allowance used overage rollover accumulated expired`."""
        names = (
            *("account_id", "cycle_start", "cycle_end", "allowance", "plan_used", "overage"),
            *("rollover_used", "accumulated", "expired"),
        )
        row = dict(zip(names, line.split(), strict=True))
        row |= {"pool_id": "anytime", "reported_at": f"{row['cycle_end']}T12:00:00Z"}
        self.load("rollover_results", [row | more])


class Books(Stage):
    """What is told of the accounts' units."""

    def rollover(self, bill_id: str) -> BilledRollover:
        """The rollover that a bill shows, which adds up bucket by bucket."""
        ((document,),) = self.figures(
            f"select document from billing.bill_documents where bill_id = '{bill_id}'"
        )
        assert isinstance(document, dict)
        (pool,) = [pool for pool in view_of(document).pools if pool.name == "Anytime minutes"]
        assert pool.rollover is not None
        for bucket in pool.rollover.buckets:
            taken = sum(Decimal(cell.text) for cell in bucket.cells)
            assert Decimal(bucket.started) - taken == Decimal(bucket.remaining)
        due = sum(Decimal(bucket.remaining) for bucket in pool.rollover.buckets if bucket.is_next)
        (told,) = [p for p in document["pools"] if p["pool_id"] == "anytime"]
        assert due == Decimal(told["rollover"]["expiring_next_units"])
        return pool.rollover

    def steps(self, bill_id: str) -> str:
        """The position on a bill as one line, without the words that every bill has."""
        text = " ".join(
            f"{step.sign} {step.value} {step.label}" for step in self.rollover(bill_id).steps
        )
        for word in ("used", "newly earned", "left from"):
            text = text.replace(word, "")
        return " ".join(re.sub(r"\d+ (February|March)$", "", text).split()).replace(MINUS, "-")

    def figures(self, query: str, *parameters: object) -> list[tuple[object, ...]]:
        """Rows of a query, numbers without idle zeros."""
        return [
            tuple(
                value.normalize() + 0 if isinstance(value, Decimal) else value
                for value in row.values()
            )
            for row in self.warehouse.rows(query, *parameters)
        ]

    def history(self, *account_ids: str) -> dict[str, tuple[object, ...]]:
        """Applied, unapplied and what it cost, by adjustment."""
        rows = self.figures(
            "select adjustment_id, applied_quantity, unapplied_quantity, amount"
            " from rollover.adjustment_history where account_id = any(%s)",
            list(account_ids),
        )
        return {str(row[0]): row[1:] for row in rows}

    def exceptions(self, *account_ids: str) -> list[tuple[object, ...]]:
        return self.figures(
            "select exception_type, subject, expected_units, found_units"
            " from rollover.rollover_exceptions where account_id = any(%s) order by 1, 2",
            list(account_ids),
        )

    def journal(self, account_id: str) -> list[tuple[object, ...]]:
        """Entries on buckets: cycle, event, amount."""
        return self.figures(
            "select cycle_start::text, event, amount from accounting.journal"
            " where bucket_id is not null and account_id = %s"
            " order by cycle_start, event, amount",
            account_id,
        )

    def bills(self, *account_ids: str) -> list[tuple[object, ...]]:
        return self.figures(
            "select account_id, cycle_end from billing.bills where account_id = any(%s)"
            " order by 1, 2",
            list(account_ids),
        )


ADJUSTED = ("CREDIT", "EXTEND", "OVER", "RESELL")
REPORTED = ("EXACT", "FROZEN", "WRONG")


@pytest.fixture(scope="module")
def stages(
    make_warehouse: Callable[[], Warehouse], copy_of: Callable[[Warehouse], Warehouse]
) -> dict[str, Books]:
    town = Rollover.of(make_warehouse())
    stages: dict[str, Books] = {}

    def keep() -> None:
        stages[STAGES[len(stages)]] = Books(copy_of(town.warehouse), town.differences())

    town.open(*ADJUSTED, "OURS")
    town.open(*REPORTED, billing_system="acme")
    town.open("MOVED", since="2025-10-01", billing_system="acme")
    town.take_over(
        "EXTEND 2025-02-01 2026-02-01 100 7.00",
        "RESELL 2025-02-01 2026-02-01 100 7.00",
        "EXACT 2025-12-01 2026-12-01 100 5.00",
        "FROZEN 2025-12-01 2026-12-01 100 5.00",
        "WRONG 2025-12-01 2026-02-01 100 5.00",
    )
    town.adjust("e1 EXTEND extension 1 01-20 2025-02-01 2")
    town.report("MOVED 2025-10-01 2025-11-01 500 400 0 0 100 0")
    # out of turn: of November there is no report, so that this one waits
    town.report("MOVED 2025-12-01 2026-01-01 500 400 0 0 100 0")
    town.build()
    keep()

    town.freeze("q1", ["FROZEN"])
    town.adjust("f1 FROZEN debit 60 01-15")
    town.report("EXACT 2026-01-01 2026-02-01 500 500 30 30 0 0", plan_fee="35.00")
    town.report("FROZEN 2026-01-01 2026-02-01 500 400 100 100 100 0", request_id="q1")
    town.report("WRONG 2026-01-01 2026-02-01 500 400 130 130 90 0", request_id="q2")
    town.report("WRONG 2026-02-15 2026-03-15 500 0 0 0 0 0")
    town.build()
    keep()

    town.tell("MOVED", opened_on="2025-10-01")
    town.close(FEBRUARY)
    keep()

    # the way out for whom a report waits: it is the other system's for one build more
    town.tell("MOVED", opened_on="2025-10-01", billing_system="acme")
    town.adjust(
        "c1 CREDIT credit 60 02-10",
        "c2 CREDIT debit 30 02-01",
        "o1 OVER credit 10 02-20",
        "o2 OVER debit 10000 02-10",
        "r1 RESELL resale 40 02-10 2025-02-01",
        "r2 RESELL resale 80 02-11 2025-02-01",
        "r3 RESELL resale 5 02-12 2024-02-01",
        "u1 NOBODY credit 5 02-12",
    )
    town.build()
    keep()

    town.tell("MOVED", opened_on="2025-10-01")
    # months of an account that nobody knew of, all in one close
    town.open("BACK", since="2025-09-01")
    town.order("cancel", "2025-10-01", "BACK")
    town.order("subscribe", "2026-02-01", "BACK")
    town.adjust("b1 BACK extension 1 02-10 2025-09-01 3")
    town.close(MARCH)
    keep()

    town.adjust("l1 CREDIT debit 2000 01-10", "l2 CREDIT credit 1 01-11")
    town.build()
    keep()
    return stages


@pytest.mark.parametrize("stage", STAGES)
def test_the_plain_rater_says_the_same(stages: dict[str, Books], stage: str) -> None:
    assert stages[stage].differences == []


def number(text: str) -> Decimal:
    return Decimal(text).normalize() + 0


def test_adjustments_give_and_take_units_and_cost_what_they_cost(
    stages: dict[str, Books],
) -> None:
    at = stages["January closed"]
    # 100 minutes at 0.02 for each of two cycles; and the bucket lives on until April
    assert at.history(*ADJUSTED) == {"e1": (1, 0, 4)}
    assert at.figures(
        "select expires_on, status from rollover.rollover_buckets"
        " where bucket_id = 'EXTEND-anytime-20250201-plan'"
    ) == [(APRIL, "available")]
    assert at.figures(
        "select account_id, amount, description, rate, quantity_units from billing.bill_lines"
        " where section = 'one_time'"
    ) == [
        (
            "EXTEND",
            4,
            "Anytime minutes, life prolonged by 2 periods, from the period of 1 Feb 2025",
            number("0.02"),
            100,
        )
    ]
    # what expired was earned as breakage; what rolled over was deferred: 35.00 * 0.5 * 500 / 500
    assert at.journal("RESELL") == [
        ("2026-01-01", "breakage", 7),
        ("2026-01-01", "defer", number("17.5")),
        ("2026-01-01", "opening", 7),
    ]

    at = stages["February closed"]
    assert at.history(*ADJUSTED, "NOBODY") == {
        "e1": (1, 0, 4),
        "c1": (60, 0, None),
        "c2": (30, 0, None),
        "o1": (10, 0, None),
        # all that there is: 500 of January and the credit, though that was entered later
        "o2": (510, 9490, None),
        "r1": (40, 0, 8),
        "r2": (60, 20, 12),
        "r3": (0, 5, None),
        "u1": (0, 5, None),
    }
    assert at.exceptions(*ADJUSTED, "NOBODY") == [
        ("over_resale", "r2", 60, 80),
        ("over_resale", "r3", 0, 5),
    ]
    # 17.50 * 30 / 500 lapsed with the debit; February's 500 minutes were deferred, too
    assert at.journal("CREDIT")[1:] == [
        ("2026-02-01", "breakage", number("1.05")),
        ("2026-02-01", "defer", number("17.5")),
    ]
    assert at.figures(
        "select adjusted_units, closing_balance from rollover.rollover_matrix"
        " where cycle_start = '2026-02-01' and account_id = any(%s) order by account_id",
        list(ADJUSTED),
    ) == [(30, 1030), (0, 1100), (-500, 500), (100, 1100)]
    # the bills say the same: what was taken over, given, taken back and prolonged
    assert at.steps("EXTEND-20260201") == "100 from your previous billing - 0 + 500 = 600"
    assert at.steps("CREDIT-20260301") == (
        "500 brought forward + 60 credited - 30 taken back - 0 + 500 = 1,030"
    )
    assert at.steps("OVER-20260301") == (
        "500 brought forward + 10 credited - 510 taken back - 0 + 500 = 500"
    )
    assert at.steps("RESELL-20260301") == "500 brought forward + 100 bought back - 0 + 500 = 1,100"
    prolonged = at.rollover("EXTEND-20260201").buckets[0]
    assert (prolonged.use_by, prolonged.origin) == ("31 Mar 2026", "previous billing, prolonged")
    # April's first day is the end of the second cycle from then: nothing expires with the next one
    assert not prolonged.is_next
    assert at.rollover("EXTEND-20260301").buckets[0].is_next
    assert at.rollover("EXTEND-20260301").buckets[0].origin == "previous billing"
    # late entries count in the first open cycle: credits again, then the debit
    assert stages["late entries"].history("CREDIT")["l1"] == (1031, 969, None)


def test_deferred_revenue_rolls_forward(stages: dict[str, Books]) -> None:
    # With the bills of January, 17.50 are deferred of each of the four whose units are adjusted, of
    # OURS and of MOVED (November), and EXTEND's 7.00 live on: 112.00, and 3.50 that EXACT brought.
    # With those of February 17.50 of each of these, of MOVED for January too, and of BACK, less the
    # 18.55 that OVER and CREDIT lost.
    assert stages["late entries"].figures(
        "select closing_amount from accounting.deferred_revenue_roll_forward order by close_id"
    ) == [(0,), (number("3.5"),), (number("115.5"),), (number("115.5"),), (number("236.95"),)]


def test_another_system_reports_what_it_billed(stages: dict[str, Books]) -> None:
    at = stages["reported"]
    assert at.figures(
        "select account_id, opening_balance, rollover_used_units, accumulated_units,"
        " expired_units, closing_balance, is_closed"
        " from rollover.rollover_matrix"
        " where cycle_start = '2026-01-01' and account_id = any(%s) order by account_id",
        [*REPORTED, "OURS"],
    ) == [
        ("EXACT", 100, 30, 0, 0, 70, True),
        ("FROZEN", 100, 100, 100, 0, 100, True),
        ("OURS", 0, 0, 0, 0, 0, False),
        ("WRONG", 100, 100, 90, 0, 90, True),
    ]
    # the debit came after the figures were promised: it counts in February
    assert at.history(*REPORTED) == {"f1": (60, 0, None)}
    assert at.exceptions(*REPORTED, "OURS") == [
        ("report_accumulated", "WRONG-anytime-20260101", 100, 90),
        ("report_overdrawn", "WRONG-anytime-20260101", 100, 130),
        ("report_unknown_cycle", "WRONG-anytime-20260215", None, None),
        ("report_unknown_request", "WRONG-anytime-20260101", None, None),
    ]
    # 5.00 * 30 / 100 was used; nothing was earned, so nothing is deferred anew
    assert at.journal("EXACT") == [
        ("2026-01-01", "opening", 5),
        ("2026-01-01", "recognise", number("1.5")),
    ]
    assert at.figures("select count(*) from billing.bills") == [(0,)]
    # a date does not end a cycle of theirs; ours it does
    at = stages["February closed"]
    assert at.bills(*REPORTED, "OURS") == [("OURS", FEBRUARY), ("OURS", MARCH)]
    assert at.figures(
        "select account_id, closed_through from issued.account_frontiers"
        " where account_id = any(%s) order by account_id",
        [*REPORTED, "OURS"],
    ) == [("EXACT", FEBRUARY), ("FROZEN", FEBRUARY), ("OURS", MARCH), ("WRONG", FEBRUARY)]


def test_a_cycle_billed_elsewhere_is_not_billed_again(stages: dict[str, Books]) -> None:
    december = date(2025, 12, 1)
    at = stages["January closed"]
    assert at.bills("MOVED") == [("MOVED", december)]
    assert at.exceptions("MOVED") == [("report_waits", "MOVED-anytime-20251201", None, None)]
    at = stages["February closed"]
    assert at.bills("MOVED") == [("MOVED", day) for day in (december, FEBRUARY, MARCH)]
    assert at.exceptions("MOVED") == []


def test_what_was_archived_is_not_extended(stages: dict[str, Books]) -> None:
    # kept for October and November, archived with December, nothing in January
    at = stages["February closed"]
    assert at.history("BACK") == {"b1": (0, 1, None)}
    assert at.figures(
        "select status from rollover.rollover_buckets"
        " where bucket_id = 'BACK-anytime-20250901-plan'"
    ) == [("archived",)]
