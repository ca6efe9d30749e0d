"""Adjustments, opening balances and changes of the billing system, made to hurt."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

from tests.properties.steps import Account, Agents, Build, Freeze, Load, Reports, Row, Step

START = date(2025, 1, 1)
END = date(2025, 7, 10)
ADJUSTMENTS_PER_ACCOUNT = 3
EXTERNAL_SHARE = 0.08
POOLS_OF_PLAN = {
    "SHARE1000": ("anytime", "anytime", "messages"),
    "SHARE800": ("anytime",),
    "SHARE_DATA": ("anytime", "data"),
    "WIRELESS500": ("anytime",),
    "WIRELINE_LD": (),
    "TRIO": ("anytime", "data"),
    "HALF": ("anytime", "messages"),
    "LEFT": ("anytime", "events"),
    "RIGHT": ("anytime",),
    "TINY": ("anytime", "messages", "events"),
}
POOLS = ("anytime", "anytime", "messages", "data", "events", "nothing")
# a base unit or few, everyday quantities, more than anybody has
QUANTITIES = {
    "anytime": ("0.05", "0.15", "1", "3.35", "7", "20", "49.95", "120", "700", "5000"),
    "messages": ("1", "1.0", "2", "3", "5", "60", "1000"),
    "data": ("0.000001", "0.5", "3.141592", "20", "70.5", "300", "9000"),
    "events": ("1", "1", "2", "3", "8", "500"),
    "nothing": ("1", "0.333333333", "12"),
}
PARTS = {"anytime": "0.01", "messages": "0.5", "data": "0.0000005", "events": "1.5", "nothing": "0"}
REASONS = (
    *("error_correction", "dispute_resolution", "resale_expired", "marketing_promotion"),
    *("expiry_extension", "expiry_extension", "because", "=1+1"),
)
REPORT_DAYS = (
    *(date(2025, 2, 6), date(2025, 2, 19), date(2025, 3, 8), date(2025, 3, 29)),
    *(date(2025, 4, 12), date(2025, 5, 19), date(2025, 6, 20), date(2025, 7, 18)),
    date(2025, 9, 30),
)
AGENT_DAYS = (
    *(date(2025, 2, 22), date(2025, 3, 13), date(2025, 4, 2), date(2025, 4, 17)),
    *(date(2025, 5, 23), date(2025, 6, 4), date(2025, 7, 6)),
)


def cycle_day(account: Account, months_after_start: int) -> date:
    """The first day of a cycle, counted from January 2025."""
    month = months_after_start % 12 + 1
    return date(2025 + months_after_start // 12, month, account.bill_cycle_day)


class RolloverFeeds:
    """What arrives for the accounts of a history besides lines, orders and calls."""

    def __init__(self, seed: int, accounts: list[Account]) -> None:
        self.seed = seed
        self.random = random.Random(f"rollover {seed}")
        self.accounts = accounts
        self.ids = iter(range(1, 1_000_000))

    # billing systems

    def bill_elsewhere(self) -> None:
        """Some accounts are billed by other systems from the beginning."""
        r = self.random
        for account in self.accounts:
            if r.random() < EXTERNAL_SHARE:
                account.row["billing_system"] = r.choice(["acme", "acme", "Tandem II"])
            else:
                account.row["billing_system"] = r.choice([None, None, "tandem"])

    def moves(self) -> Iterator[tuple[date, Load]]:
        """Accounts that come to us and accounts that go, two each."""
        external = [a for a in self.accounts if _is_external(a)]
        own = [a for a in self.accounts if not _is_external(a)]
        days = (date(2025, 2, 24), date(2025, 5, 2))
        for accounts, system in ((external, "tandem"), (own, "acme")):
            chosen = self.random.sample(accounts, min(len(days), len(accounts)))
            for day, account in zip(days, chosen, strict=False):
                yield day, Load("accounts", (account.row | {"billing_system": system},))

    def turns(self) -> Iterator[tuple[date, Step]]:
        """Builds, frozen requests, reports of other systems."""
        for day in REPORT_DAYS:
            yield day, Reports(day, f"{self.seed}")
        for day in AGENT_DAYS:
            yield day, Agents(day, f"{self.seed}")
        some = tuple(a.account_id for a in self.accounts if self.random.random() < 0.4)
        yield date(2025, 2, 26), Build()
        yield date(2025, 3, 10), Build()
        yield date(2025, 3, 11), Freeze("R1")
        yield date(2025, 5, 20), Freeze("R2", some)
        yield date(2025, 6, 2), Freeze("R3")

    # opening balances

    def openings(self) -> Iterator[tuple[date, Load]]:
        r = self.random
        first: list[Row] = []
        for account in self.accounts:
            likely = 0.7 if _is_external(account) else 0.3
            while r.random() < likely:
                row = self._opening(account)
                if r.random() < 0.75:
                    first.append(row)
                else:
                    yield self._day(r.randrange(150)), Load("rollover_opening", (row,))
                if r.random() < 0.05:
                    again = row | r.choice([{}, {"quantity": "2"}])
                    yield self._day(r.randrange(150)), Load("rollover_opening", (again,))
                likely = 0.5
        unknown = self._opening(self.accounts[0]) | {"account_id": "nobody"}
        yield START, Load("rollover_opening", (*first, unknown))

    def _opening(self, account: Account) -> Row:
        r = self.random
        pool = self._pool(account, account.opened_on)
        # before the account was opened with us, mostly; else in a cycle that is ours
        opened = account.opened_on.replace(day=account.bill_cycle_day)
        months = r.choice([2, 2, 2, 3, 4, 7, 13]) if r.random() < 0.85 else r.choice([-3, -1, 0, 1])
        index = opened.year * 12 + opened.month - 1 - months
        day = r.choice([account.bill_cycle_day] * 3 + [31])
        earned = date(index // 12, index % 12 + 1, min(day, 28))
        if day == 31:
            earned = (earned.replace(day=1) + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        begins = max(START, account.opened_on)
        expires = begins + timedelta(days=r.choice([-40, -1, 0, 1, 20, 31, 45, 62, 92, 200, 400]))
        return {
            "account_id": account.account_id,
            "pool_id": pool,
            "earned_cycle_start": earned.isoformat(),
            "expires_on": expires.isoformat(),
            "quantity": self._quantity(pool),
            "deferred_amount": r.choice(
                [None, "0", "0.01", "0.99", "3.33", "12", "240.10", "1.005"]
            ),
            "as_of": r.choice(
                ["2025-01-01", "2025-01-01", "2025-01-01T00:30:00Z", "2025-02-15T23:00:00-05:00"]
            ),
        }

    # adjustments

    def adjustments(self) -> Iterator[tuple[date, Load]]:
        r = self.random
        for _ in range(ADJUSTMENTS_PER_ACCOUNT * len(self.accounts)):
            account = r.choice(self.accounts)
            at = self._instant(account)
            row = self._adjustment(account, at)
            # most at once, some long after, some before they count
            arrives = at.date() + timedelta(days=r.choice([0] * 10 + [1, 2, 9, 25, 40, 70, -20]))
            fate = r.random()
            yield max(START, arrives), Load("rollover_adjustments", (row,))
            if fate < 0.04:
                again = row | ({"quantity": "4"} if fate < 0.01 else {})
                later = arrives + timedelta(days=r.choice([0, 0, 30]))
                yield max(START, later), Load("rollover_adjustments", (again,))

    def _adjustment(self, account: Account, at: datetime) -> Row:
        r = self.random
        day = at.date()
        pool = self._pool(account, day)
        action = r.choice(["credit"] * 5 + ["debit"] * 4 + ["resale"] * 6 + ["extension"] * 4)
        quantity = self._quantity(pool)
        row: Row = {
            "adjustment_id": f"a{next(self.ids)}",
            "account_id": account.account_id if r.random() > 0.01 else "nobody",
            "pool_id": pool,
            "action": action,
            "quantity": quantity,
            "reason_code": r.choice(REASONS) if r.random() > 0.01 else None,
            "adjusted_at": at.isoformat(),
            "adjusted_by": r.choice(["agent 7", "Zoë", "+46"]) if r.random() > 0.01 else None,
            "bucket_cycle_start": None,
            "extend_cycles": None,
            "note": r.choice([None, None, "as agreed"]),
        }
        if action in ("resale", "extension"):
            ago = r.choice([0, 1, 1, 1, 2, 2, 3]) if action == "extension" else r.randint(1, 5)
            earned = cycle_day(account, day.month - 1 - ago)
            if earned < account.opened_on.replace(day=1) and r.random() < 0.8:
                earned = cycle_day(account, account.opened_on.month % 12)
            if r.random() < 0.05:
                earned += timedelta(days=r.choice([1, 400]))
            row["bucket_cycle_start"] = earned.isoformat()
        if action == "extension":
            row["extend_cycles"] = r.choice(
                ["1", "1", "2", "5", "5", "1200" if r.random() < 0.1 else "3"]
            )
        elif r.random() < 0.05:
            row["extend_cycles"] = r.choice(["0", "3"])
        return row

    def _instant(self, account: Account) -> datetime:
        r = self.random
        day = START + timedelta(days=r.randrange(-20, (END - START).days + 20))
        if r.random() < 0.15:
            # the midnight of a cycle, and the second before
            at = datetime.combine(cycle_day(account, r.randrange(7)), time(), account.zone)
            return at.astimezone(UTC) - timedelta(seconds=r.choice([0, 0, 1]))
        return datetime.combine(day, time(r.randrange(24), r.randrange(60)), UTC)

    def _pool(self, account: Account, day: date) -> str:
        """Mostly one of the plan that the account ordered last."""
        r = self.random
        ordered = [plan for on, plan in account.plans if on <= day + timedelta(days=10)]
        pools = POOLS_OF_PLAN.get(ordered[-1], ()) if ordered else ()
        return r.choice(pools) if pools and r.random() < 0.9 else r.choice(POOLS)

    def _quantity(self, pool: str) -> str:
        r = self.random
        kind = r.random()
        if kind < 0.03:
            return PARTS[pool]
        if kind < 0.04:
            return r.choice(["0", "-1", "1000000000", "1000000001"])
        if kind < 0.4 and pool == "anytime":
            return f"{r.randrange(1, 4000) / 20:.2f}"
        return r.choice(QUANTITIES[pool])

    def _day(self, days: int) -> date:
        return START + timedelta(days=days)


def _is_external(account: Account) -> bool:
    return account.row.get("billing_system") not in (None, "tandem")
