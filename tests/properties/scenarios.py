"""Histories made to hurt: calls on boundaries, plans that come and go, orders out of step, late and
voided records, several closes. Seeded; the same seed gives the same history."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from tests.properties.casi_feeds import CasiFeeds
from tests.properties.rollover_feeds import END, START, RolloverFeeds
from tests.properties.steps import Account, Checkpoint, Close, History, Load, Row, Step

__all__ = ["Checkpoint", "Close", "History", "Load", "Step", "hostile"]

ZONES = (
    "America/New_York",
    "America/New_York",
    "America/Denver",
    "America/Los_Angeles",
    "America/St_Johns",
    "Europe/London",
    "Asia/Kathmandu",
    "Pacific/Auckland",
    "UTC",
)
JURISDICTIONS = ("US-GA-ATLANTA", "US-CO-DENVER", "US-CA-SAN-FRANCISCO", "US-CA", "US")
CARRIERS_OF_PLAN = {
    "SHARE1000": ("wireless", "wireline"),
    "SHARE800": ("wireless", "wireline"),
    "SHARE_DATA": ("internet", "wireless"),
    "WIRELESS500": ("wireless",),
    "WIRELINE_LD": ("wireline",),
    "TRIO": ("internet", "wireless", "wireline"),
    "HALF": ("wireless", "wireline"),
    "LEFT": ("wireless",),
    "RIGHT": ("wireline",),
    "TINY": ("wireless", "wireline"),
}
INTEGRATED = {"SHARE1000", "SHARE800", "SHARE_DATA", "TRIO", "HALF", "TINY"}
PRODUCIBLE = {
    "wireless": (
        [
            ("voice", c)
            for c in ("local", "local", "long_distance", "international", "roaming", "toll_free")
        ]
        + [
            ("sms", "local"),
            ("sms", "local"),
            ("mms", "local"),
            ("im", "roaming"),
            ("data", "local"),
            ("video", "local"),
            ("event", "local"),
            ("event", "local"),
            ("page", "local"),
        ]
    ),
    "wireline": [
        ("voice", c)
        for c in ("local", "long_distance", "long_distance", "international", "toll_free")
    ]
    + [("event", "local")],
    "internet": [
        ("data", "local"),
        ("data", "local"),
        ("data", "roaming"),
        ("voice", "local"),
        ("im", "local"),
    ],
    "radio2": [("voice", "local"), ("event", "local"), ("sms", "local")],
}


class Hostile:
    """Makes one history."""

    def __init__(self, seed: int, accounts: int, records: int) -> None:
        self.random = random.Random(seed)
        self.accounts: list[Account] = []
        self.arrivals: list[tuple[date, Load]] = []
        self.order_ids = iter(range(1, 1_000_000))
        self.cdr_ids = iter(range(1, 10_000_000))
        for index in range(accounts):
            self._account(index)
        rollover = RolloverFeeds(seed, self.accounts)
        rollover.bill_elsewhere()
        self._account_rows()
        self.casi = CasiFeeds(seed, self.accounts)
        self._lines()
        self._orders()
        self._calls(records)
        self.arrivals += rollover.openings()
        self.arrivals += rollover.adjustments()
        self.arrivals += rollover.moves()
        self.turns = tuple(rollover.turns())

    def history(self) -> History:
        return History(tuple(self.accounts), tuple(self.arrivals), self.turns)

    # accounts and lines

    def _account(self, index: int) -> None:
        r = self.random
        opened = r.choice(
            [date(2025, 1, 1)] * 4
            + [date(2024, 12, 20), date(2025, 1, 17), date(2025, 2, 28), date(2024, 10, 5)]
        )
        day = r.choice([1, 1, 1, 5, 15, 28, 28])
        zone = r.choice(ZONES)
        row: Row = {
            "account_id": f"H{index:04d}",
            "holder_name": r.choice(["Zoë Ångström", 'Ann "Ace" Smith', "O'Neil, Pat", None]),
            "bill_cycle_day": str(day),
            "time_zone": zone,
            "tax_jurisdiction_id": r.choice(JURISDICTIONS),
            "opened_on": opened.isoformat(),
            "closed_on": r.choice([None] * 12 + ["2025-04-20", "2025-06-01"]),
        }
        self.accounts.append(Account(f"H{index:04d}", ZoneInfo(zone), day, opened, row))

    def _account_rows(self) -> None:
        r = self.random
        late = [a for a in self.accounts if r.random() < 0.05]
        first = tuple(a.row for a in self.accounts if a not in late)
        self.arrivals.append((START, Load("accounts", first)))
        if late:
            self.arrivals.append((date(2025, 3, 12), Load("accounts", tuple(a.row for a in late))))
        moved: list[Row] = []
        for account in self.accounts:
            if r.random() < 0.12:
                changed = dict(account.row)
                changed[r.choice(["bill_cycle_day", "time_zone"])] = None
                changed["bill_cycle_day"] = changed["bill_cycle_day"] or str(
                    r.choice([1, 10, 20, 28])
                )
                changed["time_zone"] = changed["time_zone"] or r.choice(ZONES)
                moved.append(changed)
        if moved:
            self.arrivals.append(
                (r.choice([date(2025, 3, 20), date(2025, 4, 9)]), Load("accounts", tuple(moved)))
            )

    def _lines(self) -> None:
        r = self.random
        rows: dict[str, list[Row]] = {"wireless": [], "wireline": [], "internet": [], "radio2": []}
        changes: dict[str, list[tuple[date, Row]]] = {name: [] for name in rows}
        change_ids = iter(range(1, 100_000))
        numbers = iter(range(4_040_000_000, 4_049_999_999, 97))
        for account in self.accounts:
            carriers = ["wireless", "wireless", "wireline", "internet"]
            if r.random() < 0.1:
                carriers.append("radio2")
            for carrier in carriers:
                number = f"+1{next(numbers)}"
                account.lines.append((carrier, number))
                activated = datetime.combine(account.opened_on, time(), account.zone)
                row: Row = {
                    "account_id": account.account_id,
                    "service_number": number,
                    "status": "active",
                    "activated_at": activated.isoformat(),
                    "deactivated_at": None,
                    **self.casi.said(),
                }
                kind = r.random()
                if kind < 0.05:
                    continue  # a line that nobody told us of
                if kind < 0.12:
                    # reused: the first subscriber leaves, another account gets the number
                    end = datetime(2025, 3, r.randint(1, 28), 12, tzinfo=UTC)
                    other = r.choice(self.accounts)
                    left = row | {"status": "disconnected", "deactivated_at": end.isoformat()}
                    came = row | {
                        "account_id": other.account_id,
                        "activated_at": (
                            end + timedelta(hours=r.choice([-30, 0, 5, 200]))
                        ).isoformat(),
                    }
                    for changed in (left, came):
                        arrives = end.date() + timedelta(days=r.choice([0, 1, 20]))
                        changes[carrier].append(
                            (
                                arrives,
                                changed
                                | {
                                    "change_id": f"ch{next(change_ids)}",
                                    "changed_at": end.isoformat(),
                                },
                            )
                        )
                    other.lines.append((carrier, number))
                elif kind < 0.16:
                    # away for a while, and back
                    end = datetime(2025, 2, r.randint(1, 28), 3, tzinfo=UTC)
                    back = end + timedelta(days=r.choice([0, 3, 40]))
                    for at, fields in (
                        (end, {"status": "disconnected", "deactivated_at": end.isoformat()}),
                        (back, {"activated_at": back.isoformat()}),
                    ):
                        changes[carrier].append(
                            (
                                at.date(),
                                row
                                | fields
                                | {
                                    "change_id": f"ch{next(change_ids)}",
                                    "changed_at": at.isoformat(),
                                },
                            )
                        )
                rows[carrier].append(row)
        for carrier, listed in rows.items():
            if not listed:
                continue
            r.shuffle(listed)
            at = datetime(2025, 1, 1, tzinfo=UTC)
            half = len(listed) // 2
            self.arrivals.append((START, Load("subscribers", tuple(listed[:half]), carrier, at)))
            self.arrivals.append((START, Load("subscribers", tuple(listed[half:]), carrier, at)))
            for day, change in changes[carrier]:
                self.arrivals.append((day, Load("subscriber_changes", (change,), carrier)))
            # a full batch in February, as things stand then
            current = {(row["account_id"], row["service_number"]): row for row in listed}
            for _, change in sorted(changes[carrier], key=lambda c: str(c[1]["changed_at"])):
                if str(change["changed_at"]) < "2025-02-15":
                    kept = {k: v for k, v in change.items() if k not in ("change_id", "changed_at")}
                    current[kept["account_id"], kept["service_number"]] = kept
            batch = Load(
                "subscribers", tuple(current.values()), carrier, datetime(2025, 2, 15, tzinfo=UTC)
            )
            self.arrivals.append((date(2025, 2, r.choice([15, 16, 20])), batch))
            self.arrivals += self.casi.arrivals(carrier, listed, changes[carrier])

    # orders

    def _orders(self) -> None:
        r = self.random
        for account in self.accounts:
            held: tuple[str, ...] = ()
            plan_held = ""
            day = account.opened_on
            while day < END:
                action = "change_plan" if plan_held else "subscribe"
                if plan_held and r.random() < 0.25:
                    self._change(account, "cancel", plan_held, held, day)
                    plan_held, held = "", ()
                else:
                    plan = r.choice(list(CARRIERS_OF_PLAN))
                    concerned = set(CARRIERS_OF_PLAN[plan]) if plan in INTEGRATED else set()
                    if plan_held in INTEGRATED and set(held) & set(CARRIERS_OF_PLAN[plan]):
                        concerned |= set(held)
                    concerned |= {CARRIERS_OF_PLAN[plan][0]}
                    self._change(account, action, plan, tuple(sorted(concerned)), day)
                    plan_held, held = plan, CARRIERS_OF_PLAN[plan]
                    if plan in ("LEFT", "WIRELESS500") and r.random() < 0.5:
                        side = r.choice(["RIGHT", "WIRELINE_LD"])
                        self._change(account, "subscribe", side, ("wireline",), day)
                gap = r.choice([11, 20, 30, 31, 45, 90, 200])
                day = day + timedelta(days=gap)
                if r.random() < 0.2:
                    day = day.replace(day=account.bill_cycle_day)

    def _change(
        self, account: Account, action: str, plan: str, carriers: tuple[str, ...], day: date
    ) -> None:
        r = self.random
        account.plans.append((day, "" if action == "cancel" else plan))
        requested = datetime.combine(day, time(9), UTC) - timedelta(days=r.choice([0, 1, 5]))
        first_id: str | None = None
        fate = r.random()
        for place, carrier in enumerate(carriers):
            order_id = f"o{next(self.order_ids)}"
            at = requested + timedelta(hours=r.choice([0, 0, 1, 30, 72, 73]) if place else 0)
            row: Row = {
                "order_id": order_id,
                "account_id": account.account_id,
                "action": action,
                "plan_id": plan,
                "requested_at": at.isoformat(),
                "effective_on": day.isoformat(),
                "status": "completed",
                "status_at": None,
                "counterpart_order_id": first_id if place and r.random() < 0.5 else None,
            }
            arrives = max(START, at.date())
            if len(carriers) > 1 and place:
                if fate < 0.05:
                    continue  # never placed at the other carrier
                if fate < 0.10:
                    arrives += timedelta(days=r.choice([10, 45, 70]))  # long after
                elif fate < 0.15:
                    row["effective_on"] = (day + timedelta(days=r.choice([1, 2, 3, 9]))).isoformat()
                elif fate < 0.18:
                    row["status"] = "failed"
                elif fate < 0.20:
                    row["plan_id"] = r.choice(list(CARRIERS_OF_PLAN))
            if r.random() < 0.15 and row["status"] == "completed":
                self._arrive_order(carrier, arrives, row | {"status": "submitted"})
                arrives += timedelta(days=r.choice([0, 2, 15]))
                row["status_at"] = datetime.combine(arrives, time(1), UTC).isoformat()
            self._arrive_order(carrier, arrives, row)
            if r.random() < 0.03:
                gone = arrives + timedelta(days=r.choice([3, 50]))
                self._arrive_order(
                    carrier,
                    gone,
                    row
                    | {
                        "status": "withdrawn",
                        "status_at": datetime.combine(gone, time(2), UTC).isoformat(),
                    },
                )
            first_id = first_id or order_id
        if r.random() < 0.03:
            self._arrive_order(
                "radio2",
                max(START, day),
                {
                    "order_id": f"o{next(self.order_ids)}",
                    "account_id": account.account_id,
                    "action": "add_line",
                    "plan_id": None,
                    "service_number": "+14045550100",
                    "requested_at": requested.isoformat(),
                    "effective_on": day.isoformat(),
                    "status": "completed",
                },
            )

    def _arrive_order(self, carrier: str, day: date, row: Row) -> None:
        self.arrivals.append((day, Load("orders", (row,), carrier)))

    # calls

    def _calls(self, records: int) -> None:
        r = self.random
        weights = [r.choice([0.1, 1, 1, 3, 8]) for _ in self.accounts]
        by_file: dict[tuple[date, str], list[Row]] = {}
        voided: list[tuple[str, Row]] = []
        for _ in range(records):
            account = r.choices(self.accounts, weights)[0]
            if not account.lines:
                continue
            carrier, number = r.choice(account.lines)
            started = self._instant(account)
            row = self._call(carrier, number, started)
            arrives = started.date() + timedelta(days=r.choice([0] * 12 + [1, 3, 20, 40, 75]))
            self._arrive_call(by_file, arrives, carrier, row)
            fate = r.random()
            if fate < 0.02:
                twin = row | {"cdr_id": f"c{next(self.cdr_ids)}"}
                self._arrive_call(by_file, arrives, carrier, twin)  # the same instant
            elif fate < 0.05:
                voided.append((carrier, row))
                void = row | {"action": "void"}
                when = arrives + timedelta(days=r.choice([-2, 0, 1, 30, 60]))
                self._arrive_call(by_file, max(START, when), carrier, void)
            elif fate < 0.06:
                self._arrive_call(by_file, arrives + timedelta(days=r.choice([0, 9])), carrier, row)
            elif fate < 0.065:
                self._arrive_call(by_file, arrives, carrier, row | {"quantity": "77"})
        for (day, carrier), rows in sorted(by_file.items(), key=lambda item: item[0]):
            self.arrivals.append((day, Load("cdrs", tuple(rows), carrier)))
        self.arrivals += self.casi.corrections(voided)

    def _arrive_call(
        self, by_file: dict[tuple[date, str], list[Row]], day: date, carrier: str, row: Row
    ) -> None:
        # files of half a month each
        day = max(START, day)
        filed = day.replace(day=1 if day.day < 16 else 16) + timedelta(days=15)
        by_file.setdefault((min(filed, date(2025, 7, 20)), carrier), []).append(row)

    def _instant(self, account: Account) -> datetime:
        r = self.random
        span = (END - START).days
        day = START + timedelta(days=r.randrange(-2, span))
        kind = r.random()
        if kind < 0.15:
            # around the midnight of a cycle
            month = r.randint(1, 7)
            at = datetime.combine(date(2025, month, account.bill_cycle_day), time(), account.zone)
        elif kind < 0.25:
            # around the edges of rate periods
            at = datetime.combine(
                day, r.choice([time(6), time(21), time(17, 30), time(0, 1)]), account.zone
            )
        elif kind < 0.30:
            at = datetime.combine(date(2025, 3, 9), time(r.randint(0, 4)), account.zone)
        else:
            at = datetime.combine(
                day, time(r.randrange(24), r.randrange(60), r.randrange(60)), account.zone
            )
            return at.astimezone(UTC)
        return at.astimezone(UTC) + timedelta(seconds=r.choice([-3600, -1, 0, 0, 1, 59]))

    def _call(self, carrier: str, number: str, started: datetime) -> Row:
        r = self.random
        service, call_type = r.choice(PRODUCIBLE[carrier])
        top = {"voice": 4000, "video": 900, "data": 40_000_000}.get(service, 6)
        quantity = (
            r.choice([0, 1, 59, 60, 61, r.randrange(top), r.randrange(top), r.randrange(top)])
            if service in ("voice", "data")
            else r.randrange(top)
        )
        other = r.choice(
            [
                None,
                "411",
                "*86",
                f"+44{r.randint(2_000_000_000, 7_999_999_999)}",
                f"+49151{r.randint(1_000_000, 9_999_999)}",
                f"+1{r.randint(2_000_000_000, 9_999_999_999)}",
                *[line[1] for line in r.choice(self.accounts).lines],
            ]
        )
        direction = r.choice(["originated", "originated", "terminated"])
        row: Row = {
            "cdr_id": f"c{next(self.cdr_ids)}",
            "calling_number": number if direction == "originated" else other,
            "called_number": other if direction == "originated" else number,
            "direction": direction,
            "service": service,
            "call_type": call_type if call_type != "local" or r.random() < 0.5 else None,
            "started_at": started.isoformat(),
            "quantity": str(quantity),
        }
        if r.random() < 0.1:
            row["other_party_type"] = r.choice(["mobile", "fixed", "unknown"])
        if r.random() < 0.1:
            row["other_party_carrier_id"] = r.choice(["wireless", "radio2", "stranger"])
        return row


def hostile(seed: int, accounts: int, records: int) -> History:
    """A history of some accounts and about so many records, January to July 2025."""
    return Hostile(seed, accounts, records).history()
