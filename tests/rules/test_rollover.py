"""Rollover units as money: adjusted, taken over, extended, sold again, reported by another system.

Every step is compared with the plain rater in full; the figures here are worked out by hand. All
accounts hold Wireless 500: 35.00 a month, 500 minutes, units live 12 cycles, half of the fee for
units that roll over is deferred, resale at 0.20 and extension at 0.02 a minute.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal

import pytest

from tandem.bills.format import MINUS
from tandem.bills.model import Rollover as BilledRollover
from tandem.bills.view import view_of
from tests.rules.both import Both
from tests.support.warehouse import Row, Warehouse

FEBRUARY, MARCH, APRIL, MAY = (date(2026, month, 1) for month in range(2, 6))


class Rollover(Both):
    """Accounts whose units are adjusted."""

    def open(self, *account_ids: str, **more: str) -> None:
        """Accounts from 1 January on, without a call."""
        self.tell(*account_ids, **more)
        self.load(
            "orders",
            [
                {
                    "order_id": f"o-{account_id}",
                    "account_id": account_id,
                    "action": "subscribe",
                    "plan_id": "WIRELESS500",
                    "requested_at": "2026-01-01T00:00:00Z",
                    "effective_on": "2026-01-01",
                    "status": "completed",
                }
                for account_id in account_ids
            ],
            "wireless",
        )

    def tell(self, *account_ids: str, **more: str) -> None:
        """What is known of accounts, without their plan."""
        self.load(
            "accounts",
            [
                {
                    "account_id": account_id,
                    "holder_name": account_id.title(),
                    "bill_cycle_day": "1",
                    "time_zone": "UTC",
                    "tax_jurisdiction_id": "US-GA-ATLANTA",
                    "opened_on": "2026-01-01",
                }
                | more
                for account_id in account_ids
            ],
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

    def build(self) -> None:
        self.warehouse.build()
        self.rater.end_reported()
        self.assert_same()

    def close_and_compare(self, through: date) -> None:
        self.close(through)
        self.assert_same()

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

    def figures(self, query: str) -> list[tuple[object, ...]]:
        """Rows of a query, numbers without idle zeros."""
        return [
            tuple(
                value.normalize() + 0 if isinstance(value, Decimal) else value
                for value in row.values()
            )
            for row in self.warehouse.rows(query)
        ]

    def history(self) -> dict[str, tuple[object, ...]]:
        """Applied, unapplied and what it cost, by adjustment."""
        rows = self.figures(
            "select adjustment_id, applied_quantity, unapplied_quantity, amount"
            " from rollover.adjustment_history"
        )
        return {str(row[0]): row[1:] for row in rows}

    def exceptions(self) -> list[tuple[object, ...]]:
        return self.figures(
            "select exception_type, subject, expected_units, found_units"
            " from rollover.rollover_exceptions order by 1, 2"
        )

    def journal(self, account_id: str) -> list[tuple[object, ...]]:
        """Entries on buckets: cycle, event, amount."""
        return self.figures(
            "select cycle_start::text, event, amount from accounting.journal"
            f" where bucket_id is not null and account_id = '{account_id}'"
            " order by cycle_start, event, amount"
        )


@pytest.fixture
def both(warehouse: Warehouse) -> Rollover:
    return Rollover.of(warehouse)


def number(text: str) -> Decimal:
    return Decimal(text).normalize() + 0


def test_adjustments_give_and_take_units_and_cost_what_they_cost(both: Rollover) -> None:
    both.open("CREDIT", "EXTEND", "OVER", "RESELL")
    both.take_over("EXTEND 2025-02-01 2026-02-01 100 7.00", "RESELL 2025-02-01 2026-02-01 100 7.00")
    both.adjust("e1 EXTEND extension 1 01-20 2025-02-01 2")
    both.build()
    both.close_and_compare(FEBRUARY)
    # 100 minutes at 0.02 for each of two cycles; and the bucket lives on until April
    assert both.history()["e1"] == (1, 0, 4)
    assert both.figures(
        "select expires_on, status from rollover.rollover_buckets"
        " where bucket_id = 'EXTEND-anytime-20250201-plan'"
    ) == [(APRIL, "available")]
    assert both.figures(
        "select amount, description, rate, quantity_units from billing.bill_lines"
        " where section = 'one_time'"
    ) == [
        (
            4,
            "Anytime minutes, life prolonged by 2 periods, from the period of 1 Feb 2025",
            number("0.02"),
            100,
        )
    ]
    # what expired was earned as breakage; what rolled over was deferred: 35.00 * 0.5 * 500 / 500
    assert both.journal("RESELL") == [
        ("2026-01-01", "breakage", 7),
        ("2026-01-01", "defer", number("17.5")),
        ("2026-01-01", "opening", 7),
    ]

    both.adjust(
        "c1 CREDIT credit 60 02-10",
        "c2 CREDIT debit 30 02-01",
        "o1 OVER credit 10 02-20",
        "o2 OVER debit 10000 02-10",
        "r1 RESELL resale 40 02-10 2025-02-01",
        "r2 RESELL resale 80 02-11 2025-02-01",
        "r3 RESELL resale 5 02-12 2024-02-01",
        "u1 NOBODY credit 5 02-12",
    )
    both.build()
    both.close_and_compare(MARCH)
    assert both.history() == {
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
    assert both.exceptions() == [("over_resale", "r2", 60, 80), ("over_resale", "r3", 0, 5)]
    # 17.50 * 30 / 500 lapsed with the debit; February's 500 minutes were deferred, too
    assert both.journal("CREDIT")[1:] == [
        ("2026-02-01", "breakage", number("1.05")),
        ("2026-02-01", "defer", number("17.5")),
    ]
    assert both.figures(
        "select adjusted_units, closing_balance from rollover.rollover_matrix"
        " where cycle_start = '2026-02-01' order by account_id"
    ) == [(30, 1030), (0, 1100), (-500, 500), (100, 1100)]
    # the bills say the same: what was taken over, given, taken back and prolonged
    assert both.steps("EXTEND-20260201") == "100 from your previous billing - 0 + 500 = 600"
    assert both.steps("CREDIT-20260301") == (
        "500 brought forward + 60 credited - 30 taken back - 0 + 500 = 1,030"
    )
    assert both.steps("OVER-20260301") == (
        "500 brought forward + 10 credited - 510 taken back - 0 + 500 = 500"
    )
    assert (
        both.steps("RESELL-20260301") == "500 brought forward + 100 bought back - 0 + 500 = 1,100"
    )
    prolonged = both.rollover("EXTEND-20260201").buckets[0]
    assert (prolonged.use_by, prolonged.origin) == ("31 Mar 2026", "previous billing, prolonged")
    # April's first day is the end of the second cycle from then: nothing expires with the next one
    assert not prolonged.is_next
    assert both.rollover("EXTEND-20260301").buckets[0].is_next
    assert both.rollover("EXTEND-20260301").buckets[0].origin == "previous billing"
    # late entries count in the first open cycle: credits again, then the debit
    both.adjust("l1 CREDIT debit 2000 01-10", "l2 CREDIT credit 1 01-11")
    both.build()
    assert both.history()["l1"] == (1031, 969, None)
    assert both.figures(
        "select closing_amount from accounting.deferred_revenue_roll_forward order by close_id"
    ) == [(77,), (number("128.45"),)]


def test_another_system_reports_what_it_billed(both: Rollover) -> None:
    both.open("EXACT", "FROZEN", "WRONG", billing_system="acme")
    both.open("OURS")
    both.take_over(
        "EXACT 2025-12-01 2026-12-01 100 5.00",
        "FROZEN 2025-12-01 2026-12-01 100 5.00",
        "WRONG 2025-12-01 2026-02-01 100 5.00",
    )
    both.build()
    both.freeze("q1", ["FROZEN"])
    both.adjust("f1 FROZEN debit 60 01-15")
    both.report("EXACT 2026-01-01 2026-02-01 500 500 30 30 0 0", plan_fee="35.00")
    both.report("FROZEN 2026-01-01 2026-02-01 500 400 100 100 100 0", request_id="q1")
    both.report("WRONG 2026-01-01 2026-02-01 500 400 130 130 90 0", request_id="q2")
    both.report("WRONG 2026-02-15 2026-03-15 500 0 0 0 0 0")
    both.build()
    assert both.figures(
        "select account_id, opening_balance, rollover_used_units, accumulated_units,"
        " expired_units, closing_balance, is_closed"
        " from rollover.rollover_matrix where cycle_start = '2026-01-01' order by account_id"
    ) == [
        ("EXACT", 100, 30, 0, 0, 70, True),
        ("FROZEN", 100, 100, 100, 0, 100, True),
        ("OURS", 0, 0, 0, 0, 0, False),
        ("WRONG", 100, 100, 90, 0, 90, True),
    ]
    # the debit came after the figures were promised: it counts in February
    assert both.history()["f1"] == (60, 0, None)
    assert both.exceptions() == [
        ("report_accumulated", "WRONG-anytime-20260101", 100, 90),
        ("report_overdrawn", "WRONG-anytime-20260101", 100, 130),
        ("report_unknown_cycle", "WRONG-anytime-20260215", None, None),
        ("report_unknown_request", "WRONG-anytime-20260101", None, None),
    ]
    # 5.00 * 30 / 100 was used; nothing was earned, so nothing is deferred anew
    assert both.journal("EXACT") == [
        ("2026-01-01", "opening", 5),
        ("2026-01-01", "recognise", number("1.5")),
    ]
    assert both.figures("select count(*) from billing.bills") == [(0,)]
    # a date does not end a cycle of theirs; ours it does
    both.close_and_compare(MARCH)
    assert both.figures("select account_id, cycle_end from billing.bills order by 2") == [
        ("OURS", FEBRUARY),
        ("OURS", MARCH),
    ]
    assert both.figures(
        "select account_id, closed_through from issued.account_frontiers order by account_id"
    ) == [("EXACT", FEBRUARY), ("FROZEN", FEBRUARY), ("OURS", MARCH), ("WRONG", FEBRUARY)]


def test_a_cycle_billed_elsewhere_is_not_billed_again(both: Rollover) -> None:
    both.open("MOVED", billing_system="acme")
    both.report("MOVED 2026-01-01 2026-02-01 500 400 0 0 100 0")
    # out of turn: of February there is no report, so that this one waits
    both.report("MOVED 2026-03-01 2026-04-01 500 400 0 0 100 0")
    both.build()
    both.tell("MOVED")
    both.close_and_compare(MAY)
    bills = "select account_id, cycle_end from billing.bills order by 2"
    assert both.figures(bills) == [("MOVED", MARCH)]
    assert both.exceptions() == [("report_waits", "MOVED-anytime-20260301", None, None)]
    # the way out: it is the other system's for one build more
    both.tell("MOVED", billing_system="acme")
    both.build()
    both.tell("MOVED")
    both.close_and_compare(MAY)
    assert both.figures(bills) == [("MOVED", MARCH), ("MOVED", MAY)]
    assert both.exceptions() == []


def test_what_was_archived_is_not_extended(both: Rollover) -> None:
    both.open("BACK")
    changes = (("cancel", "02-01"), ("subscribe", "06-01"))
    both.load(
        "orders",
        [
            {
                "order_id": f"o-{day}",
                "account_id": "BACK",
                "action": action,
                "plan_id": "WIRELESS500",
                "requested_at": f"2026-{day}T00:00:00Z",
                "effective_on": f"2026-{day}",
                "status": "completed",
            }
            for action, day in changes
        ],
        "wireless",
    )
    # kept for February and March, archived with April, nothing in May: all of it in one close
    both.adjust("e1 BACK extension 1 06-10 2026-01-01 3")
    both.close_and_compare(date(2026, 7, 1))
    assert both.history() == {"e1": (0, 1, None)}
    assert both.figures(
        "select status from rollover.rollover_buckets"
        " where bucket_id = 'BACK-anytime-20260101-plan'"
    ) == [("archived",)]
