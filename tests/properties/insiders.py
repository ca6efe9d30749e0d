"""What people and other billing systems do who look at what there is: the files that depend on
what the plain rater knows.

Reports are mostly true, so that contradictions are findings and not the rule; agents mostly sell,
extend and debit buckets that exist."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from fractions import Fraction

from tests.properties.steps import Agents, Load, Reports, Row
from tests.rater import Rater
from tests.rater.account import AccountView
from tests.rater.arith import money
from tests.rater.cycles import Cycle
from tests.rater.feeds import Report

AGENTS_SHARE = 0.03  # of buckets, each time
MAX_CYCLES = 3  # that one system reports of one account at once
FIGURES = ("allowance", "plan_used", "overage", "rollover_used", "accumulated", "expired")


def written(step: Reports | Agents, rater: Rater) -> Load | None:
    """The file of a day; None if there is nothing to write."""
    if isinstance(step, Agents):
        feed, rows = "rollover_adjustments", _adjustments(step, rater)
    else:
        feed, rows = "rollover_results", _Reporter(step, rater).rows()
    return Load(feed, tuple(rows)) if rows else None


def _adjustments(step: Agents, rater: Rater) -> list[Row]:
    """Of buckets as the last close left them: expired units are sold again, live buckets are
    extended, what is left is debited."""
    r = random.Random(f"agents {step.seed} {step.day}")
    rows: list[Row] = []
    for account_id, state in sorted(rater.states.items()):
        for pool_id, pool in sorted(state.pools.items()):
            base = rater.catalog.base_units_of_pool(pool_id)
            assert base is not None
            smallest = 3 if base == 60 else 1  # what a decimal can say of a minute
            for bucket in sorted(pool.buckets.values(), key=lambda b: b.bucket_id):
                if r.random() > AGENTS_SHARE:
                    continue
                if bucket.expired > bucket.resold:
                    action, quantity = "resale", bucket.expired - bucket.resold
                elif bucket.remaining > 0:
                    action, quantity = r.choice(["extension", "debit"]), bucket.remaining
                else:
                    action, quantity = r.choice(["extension", "resale"]), smallest
                # all of it, a part, more than there is
                quantity = r.choice([quantity, quantity // 3, quantity // 2, quantity * 2])
                quantity = max(smallest, quantity // smallest * smallest)
                at = datetime.combine(step.day, time(12), UTC) - timedelta(hours=r.randrange(300))
                rows.append(
                    {
                        "adjustment_id": f"{step.day:%m%d}-{len(rows)}",
                        "account_id": account_id,
                        "pool_id": pool_id,
                        "action": action,
                        "quantity": _decimal(Fraction(quantity, base)),
                        "reason_code": "dispute_resolution",
                        "adjusted_at": at.isoformat(),
                        "adjusted_by": "an agent",
                        "bucket_cycle_start": bucket.earned_cycle_start.isoformat(),
                        "extend_cycles": str(r.randint(1, 4)),
                        "note": None,
                    }
                )
    return rows


class _Reporter:
    def __init__(self, step: Reports, rater: Rater) -> None:
        self.random = random.Random(f"reports {step.seed} {step.day}")
        self.day = step.day
        self.rater = rater
        requests = {request.request_id for request in rater.issued.frozen_requests}
        self.requests = [None, None, *sorted(requests), "R9"]

    def rows(self) -> list[Row]:
        r = self.random
        rows: list[Row] = []
        for account_id, account in sorted(self.rater.feeds.accounts.items()):
            if account.is_external:
                if r.random() < 0.85:
                    rows += self._of_account(self.rater.view(account_id))
            elif r.random() < 0.01:
                # of an account that we bill ourselves
                cycle = self.rater.view(account_id).first_open
                rows.append(self._row(self._made_up(account_id, "anytime", cycle)))
        r.shuffle(rows)
        return rows

    def _of_account(self, view: AccountView) -> list[Row]:
        r = self.random
        reports: list[Report] = []
        first = view.calendar.first_open
        for ordinal in range(first, first + MAX_CYCLES):
            cycle = view.calendar.cycle(ordinal)
            if cycle.end > self.day or (ordinal > first and r.random() < 0.3):
                break
            made = [
                self._made_up(view.account_id, pool_id, cycle)
                for pool_id in sorted(self.rater.catalog.pool_unit_type)
                if view.rollover_on(pool_id, cycle.last_day) is not None or r.random() < 0.06
            ]
            if r.random() < 0.9:
                known = self.rater.feeds.reports
                made = [report for report in made if report.key not in known]
            if ordinal == first and r.random() < 0.7:
                made = self._corrected(view, made)
            reports += made
        rows = [self._row(report) for report in reports]
        for row in list(rows):
            fate = r.random()
            if fate < 0.02:
                rows.append(dict(row))  # again
            elif fate < 0.03:
                rows.append(row | {"reported_at": f"{self.day}T23:00:00Z"})  # another
            elif fate < 0.06:
                # a system that counts its cycles otherwise
                rows.append(row | {"cycle_end": f"{self.day}", "pool_id": "events"})
            elif fate < 0.08:
                rows.append(row | {"account_id": "nobody"})
            elif fate < 0.10:
                rows.append(row | {"cycle_start": "2025-01-13", "cycle_end": "2025-02-13"})
            elif fate < 0.14:
                wrong = r.choice(
                    [("plan_used", "9999999"), ("expired", "-1"), ("overage", "0.00001")]
                )
                rows.append(row | {"cycle_start": "2024-06-01", wrong[0]: wrong[1]})
        return rows

    def _made_up(self, account_id: str, pool_id: str, cycle: Cycle) -> Report:
        """Figures that no feed rejects, whole base units."""
        r = self.random
        unit_type = self.rater.catalog.pool_unit_type[pool_id]
        # what a decimal can say of a minute is a multiple of three seconds
        smallest = {"minute": Fraction(3, 60), "megabyte": Fraction(1, 1000)}
        step = smallest.get(unit_type, Fraction(1))
        top = {"minute": 12_000, "megabyte": 90_000}.get(unit_type, 8)
        allowance = r.choice([0, top // 2, top, top])
        plan_used = allowance if r.random() < 0.5 else r.randint(0, allowance)
        overage = r.randint(0, top // 3) if plan_used == allowance or r.random() < 0.1 else 0
        unused = allowance - plan_used
        figures = {
            "allowance": allowance,
            "plan_used": plan_used,
            "overage": overage,
            "rollover_used": r.choice([overage, r.randint(0, overage)]),
            "accumulated": r.choice([unused, unused, r.randint(0, unused)]),
            "expired": r.choice([0, 0, r.randint(0, top)]),
        }
        units = {name: count * step for name, count in figures.items()}
        return Report(
            account_id=account_id,
            pool_id=pool_id,
            cycle_start=cycle.start,
            cycle_end=cycle.end,
            allowance=units["allowance"],
            plan_used=units["plan_used"],
            overage=units["overage"],
            rollover_used=units["rollover_used"],
            accumulated=units["accumulated"],
            expired=units["expired"],
            reported_at=cycle.end_at,
            plan_fee=r.choice([None, Fraction(0), Fraction("19.99"), Fraction(35), Fraction(35)]),
            request_id=r.choice(self.requests),
            load_id=0,
        )

    def _corrected(self, view: AccountView, made: list[Report]) -> list[Report]:
        """The same figures, as they are by what the rater knows."""
        reports = {report.pool_id: report for report in made}
        for _ in range(2):  # what is drawn decides what expires, and that what can be earned
            for found in self.rater.disagreements(view, reports):
                report = reports[found.report.pool_id]
                base = self.rater.catalog.base_units_of_pool(report.pool_id)
                assert base is not None
                units = Fraction(found.expected, base)
                if (units * 10**6).denominator != 1:
                    continue  # it can't be written down
                if found.exception_type == "report_overdrawn":
                    report = replace(report, rollover_used=units)
                elif found.exception_type == "report_expired":
                    report = replace(report, expired=units)
                else:
                    report = replace(report, accumulated=units)
                reports[report.pool_id] = report
        return list(reports.values())

    @staticmethod
    def _row(report: Report) -> Row:
        row: Row = {
            "account_id": report.account_id,
            "pool_id": report.pool_id,
            "cycle_start": report.cycle_start.isoformat(),
            "cycle_end": report.cycle_end.isoformat(),
            "reported_at": report.reported_at.isoformat(),
            "plan_fee": None if report.plan_fee is None else str(money(report.plan_fee)),
            "request_id": report.request_id,
        }
        for name in FIGURES:
            row[name] = _decimal(getattr(report, name))
        return row


def _decimal(units: Fraction) -> str:
    millionths = units * 10**6
    assert millionths.denominator == 1
    whole, rest = divmod(millionths.numerator, 10**6)
    return f"{whole}.{rest:06d}".rstrip("0").rstrip(".")
