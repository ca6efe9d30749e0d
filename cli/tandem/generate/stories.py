"""Households whose bills are worth looking at: fixed ids, the same plot in every town."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

import numpy as np

from tandem.generate.adjustments import AGENTS, adjustment
from tandem.generate.calendar import DAY, HOUR, Calendar, add_months, local_time
from tandem.generate.lifecycle import Registrar, plans_of
from tandem.generate.model import (
    LATE,
    ON_TIME,
    TWO_PLANS,
    VOID_AFTER_BILL,
    VOID_BEFORE_BILL,
    VOID_BEFORE_RECORD,
    Account,
    Line,
    OpeningBalance,
    ScriptedCall,
    Story,
)
from tandem.generate.places import INTERNET, WIRELESS, WIRELINE, foreigner, stranger
from tandem.generate.town import Town

ATLANTA, DENVER, SAN_FRANCISCO = 0, 1, 2
MB = 1_000_000
#: What SHARE_DATA defers for a unit: its fee * the share of the pool / the allowance.
_DEFERRED_PER_UNIT = {"anytime": Decimal("0.0325"), "data": Decimal("0.00975")}

#: How much ordinary usage a story has beside its plot; 1 is a usual household.
ORDINARY_USAGE = {
    "overage": 0.08,
    "everything": 0.5,
    "quiet": 0.12,
    "data_heavy": 0.3,
    "two_plans": 0.5,
    "comes_back": 0.5,
    "one_sided_order": 0.4,
    "late_counterpart": 0.4,
    "number_given_up": 0.4,
    "number_taken_over": 0.4,
    "no_charge": 0.05,
    "mover": 0.5,
    "mid_cycle": 0.6,
    "rollover": 0.0,
    "passed_through": 0.4,
}


@dataclass(frozen=True)
class _Scene:
    """What a plot needs at hand."""

    town: Town
    calendar: Calendar
    registrar: Registrar

    @property
    def first(self) -> date:
        return self.calendar.first_days[0]

    def cycle_day(self, wanted: int) -> int:
        """The wanted bill cycle day, or the first that the town allows."""
        days = self.town.bill_cycle_days
        return wanted if days is None or wanted in days else days[0]

    def start(self, cycle_day: int) -> date:
        """The start of the cycle that contains the first day of the run."""
        start = self.first.replace(day=cycle_day)
        return start if start <= self.first else add_months(start, -1)

    def open(self, story: str, offer: str, city: int, opened_on: date, cycle_day: int) -> Account:
        account = self.registrar.open_account(offer, city, self.cycle_day(cycle_day), opened_on)
        account.story = story
        return account

    def join(self, account: Account, fault: str = "") -> None:
        """Subscribe to the offer on the day of opening, and send the account."""
        requested: list[int] = []
        for plan in plans_of(account.offer):
            orders = self.registrar.subscribe(account, plan, account.opened_on, fault)
            requested += [order.requested_at for order in orders.values()]
        self.registrar.send_account(account, min(requested))

    def line(self, account: Account, carrier: int) -> Line:
        return next(line for line in account.lines if line.carrier == carrier)

    def say(
        self,
        line: Line,
        day: date,
        second: int,
        quantity: int,
        *,
        call_type: str = "local",
        service: str = "voice",
        other: int | None = None,
        other_type: str = "",
        terminated: bool = False,
        fate: int = ON_TIME,
    ) -> None:
        """Script one call at a time of the local clock, if the line is in use then."""
        at = local_time(line.account.city, day, second)
        if not (self.calendar.start <= at < self.calendar.end and line.active(at)):
            return
        if other is None:
            far = call_type == "long_distance"
            other = stranger(line.account.city, line.index * 1000 + second % 7, far=far)
        self.registrar.people.script.append(
            ScriptedCall(
                line, at, quantity, service, terminated, call_type, other, other_type, fate
            )
        )

    def bring(self, account: Account, pool_id: str, cycles: tuple[date, date], least: int) -> None:
        """Have a household bring units from another billing system on the day of opening.

        `cycles` are the one in which they were earned and the one at whose start they are gone.
        """
        units = least + Decimal(self.registrar.between(0, 60)) / 2
        amount = (units * _DEFERRED_PER_UNIT[pool_id]).quantize(Decimal("0.01"), ROUND_HALF_UP)
        as_of = local_time(account.city, account.opened_on, 0)
        self.registrar.people.openings.append(
            OpeningBalance(account, pool_id, *cycles, f"{units.normalize():f}", f"{amount}", as_of)
        )

    def adjust(
        self,
        account: Account,
        day: date,
        action: str,
        units: int,
        reason: str,
        *,
        bucket: date | None = None,
        cycles: int = 0,
        note: str = "",
    ) -> None:
        """Have an agent adjust the household's minutes."""
        at = self.registrar.moment(account, day, (9, 17))
        if at >= self.calendar.end:
            return
        agent = AGENTS[self.registrar.between(0, len(AGENTS) - 1)]
        self.registrar.people.adjustments.append(
            adjustment(
                account, at, action, units, reason=reason, agent=agent, bucket=bucket,
                cycles=cycles, note=note,
            )
        )  # fmt: skip

    def days(self, month: int) -> list[date]:
        first, after = self.calendar.first_days[month : month + 2]
        return [first + timedelta(days=d) for d in range((after - first).days)]

    def talk(self, account: Account, month: int, minutes: int) -> None:
        """Weekday calls of 20 to 30 minutes until the month's total is at least `minutes`."""
        rng = self.registrar.rng
        mobile, fixed = self.line(account, WIRELESS), self.line(account, WIRELINE)
        weekdays = [d for d in self.days(month) if d.weekday() < 5]
        per_day = -(-minutes // (len(weekdays) * 25))
        total, gap = 0, 11 * HOUR // max(1, per_day)
        for day in weekdays:
            for turn in range(per_day):
                if total >= minutes:
                    return
                length = int(rng.integers(20, 31))
                total += length
                second = 8 * HOUR + turn * gap + int(rng.integers(0, max(1, gap - 1900)))
                quantity = length * 60 - int(rng.integers(0, 60))
                line = fixed if turn % 3 == 2 else mobile
                kind = "long_distance" if line is fixed else "local"
                self.say(line, day, second, quantity, call_type=kind, other_type="fixed")


def _overage(scene: _Scene, story: str) -> tuple[Account, ...]:
    day = scene.cycle_day(1)
    account = scene.open(story, "SHARE1000", ATLANTA, scene.start(day) - timedelta(days=10), day)
    scene.join(account)
    for month in range(scene.calendar.months):
        # Quiet months in between earn the units that the next heavy one draws.
        scene.talk(account, month, (1800 if month == 0 else 2350) if month % 2 == 0 else 150)
    return (account,)


def _everything(scene: _Scene, story: str) -> tuple[Account, ...]:
    account = scene.open(story, "SHARE1000", ATLANTA, scene.start(scene.cycle_day(1)), 1)
    scene.join(account)
    scene.registrar.change_plan(account, "SHARE800", scene.first + timedelta(days=15))
    mobile, fixed = scene.line(account, WIRELESS), scene.line(account, WIRELINE)
    trouble = scene.town.trouble
    for place, block in enumerate((0, 1, 3, 4, 5, 24)):
        line = fixed if place % 2 == 0 else mobile
        scene.say(
            line,
            scene.first + timedelta(days=2 + 4 * place),
            19 * HOUR + 60 * place,
            240 + 95 * place,
            call_type="international",
            other=foreigner(block, account.index),
        )
    for place in range(6):
        day = scene.first + timedelta(days=8 + place // 2)
        home, length = stranger(ATLANTA, 900 + place), 125 + 40 * place
        coming = place % 3 == 2
        scene.say(
            mobile,
            day,
            (10 + place) * HOUR,
            length,
            call_type="roaming",
            other=home,
            terminated=coming,
        )
    scene.say(
        mobile, scene.first + timedelta(days=9), 21 * HOUR, 6 * MB, call_type="roaming",
        service="data", other=0,
    )  # fmt: skip
    fates = (LATE, LATE, VOID_BEFORE_BILL, VOID_AFTER_BILL, VOID_AFTER_BILL, VOID_BEFORE_RECORD)
    for place, fate in enumerate(fates):
        scene.say(
            mobile if place % 2 == 0 else fixed,
            scene.first + timedelta(days=3 + 3 * place),
            14 * HOUR + 600 * place,
            700 + 60 * place,
            call_type="local" if place % 2 == 0 else "long_distance",
            fate=fate if trouble else ON_TIME,
        )
    return (account,)


def _quiet(scene: _Scene, story: str) -> tuple[Account, ...]:
    account = scene.open(story, "SHARE800", ATLANTA, scene.start(scene.cycle_day(1)), 1)
    scene.join(account)
    return (account,)


def _data_heavy(scene: _Scene, story: str) -> tuple[Account, ...]:
    opened_on = scene.start(scene.cycle_day(1))
    account = scene.open(story, "SHARE_DATA", SAN_FRANCISCO, opened_on, 1)
    scene.join(account)
    rng = scene.registrar.rng
    for month in range(scene.calendar.months):
        goal = 130 if month % 2 == 0 else 25
        for day in scene.days(month):
            size = int(rng.integers(goal * MB * 8 // 10, goal * MB * 12 // 10))
            second = 20 * HOUR + int(rng.integers(0, HOUR))
            for carrier, part in ((INTERNET, size * 9 // 10), (WIRELESS, size // 10)):
                line = scene.line(account, carrier)
                scene.say(line, day, second + carrier, part, service="data", other=0)
    return (account,)


def _two_plans(scene: _Scene, story: str) -> tuple[Account, ...]:
    account = scene.open(story, TWO_PLANS, DENVER, scene.start(scene.cycle_day(1)), 1)
    scene.join(account)
    fixed = scene.line(account, WIRELINE)
    for month in range(scene.calendar.months):
        for place, day in enumerate(scene.days(month)[::3]):
            scene.say(
                fixed, day, 18 * HOUR + 97 * place, 5 + 131 * place, call_type="long_distance"
            )
    return (account,)


def _comes_back(scene: _Scene, story: str) -> tuple[Account, ...]:
    opened_on = scene.start(scene.cycle_day(1))
    account = scene.open(story, "SHARE800", ATLANTA, opened_on, 1)
    scene.join(account)
    scene.registrar.cancel(account, "SHARE800", scene.first + timedelta(days=11))
    several = scene.calendar.months > 1
    back = scene.calendar.first_days[1] if several else scene.first + timedelta(days=19)
    scene.registrar.subscribe(account, "SHARE800", back + timedelta(days=4))
    return (account,)


def _one_sided_order(scene: _Scene, story: str) -> tuple[Account, ...]:
    opened_on = scene.start(scene.cycle_day(1))
    account = scene.open(story, "SHARE1000", ATLANTA, opened_on, 1)
    scene.join(account)
    fault = "missing_counterpart" if scene.town.trouble else ""
    scene.registrar.change_plan(account, "SHARE800", scene.first + timedelta(days=9), fault)
    return (account,)


def _passed_through(scene: _Scene, story: str) -> tuple[Account, ...]:
    opened_on = scene.start(scene.cycle_day(1))
    account = scene.open(story, "SHARE1000", ATLANTA, opened_on, 1)
    scene.join(account)
    after = scene.calendar.first_days[-1]
    scene.registrar.change_plan(
        account,
        "SHARE800",
        after + timedelta(days=7),
        "missing_counterpart" if scene.town.trouble else "",
        origin=WIRELESS,
        placed_at=scene.registrar.moment(account, after - timedelta(days=9), (9, 11)),
    )
    return (account,)


def _late_counterpart(scene: _Scene, story: str) -> tuple[Account, ...]:
    account = scene.open(story, "SHARE800", ATLANTA, scene.first, 1)
    fault = "late_counterpart" if scene.town.trouble else ""
    scene.join(account, fault)
    return (account,)


def _number_moves(scene: _Scene, story: str) -> tuple[Account, ...]:
    opened_on = scene.start(scene.cycle_day(1))
    giver = scene.open(story, "SHARE1000", ATLANTA, opened_on, 1)
    scene.join(giver)
    number = scene.registrar.add_line(
        giver, local_time(ATLANTA, scene.first + timedelta(days=1), 9 * HOUR)
    )
    gone = local_time(ATLANTA, scene.first + timedelta(days=8), 11 * HOUR)
    scene.registrar.remove_line(number, gone)
    if scene.town.accounts <= giver.index + 1:
        return (giver,)
    taker = scene.open("number_taken_over", "SHARE800", ATLANTA, opened_on, 1)
    scene.join(taker)
    line = scene.registrar.add_line(taker, gone + 12 * DAY, number.number)
    for place in range(4):
        day = scene.first + timedelta(days=2 + 2 * place)
        scene.say(number, day, 13 * HOUR, 310 + place)
        scene.say(line, day + timedelta(days=19), 13 * HOUR, 410 + place)
    return giver, taker


def _no_charge(scene: _Scene, story: str) -> tuple[Account, ...]:
    opened_on = scene.start(scene.cycle_day(1))
    account = scene.open(story, "SHARE1000", ATLANTA, opened_on, 1)
    scene.join(account)
    mobile = scene.line(account, WIRELESS)
    for month in range(scene.calendar.months):
        for place, day in enumerate(scene.days(month)):
            weekend = day.weekday() >= 5
            scene.say(mobile, day, (15 if weekend else 21) * HOUR + place, 1500 + place)
            scene.say(mobile, day, 12 * HOUR + place, 600 + place, other_type="mobile")
    return (account,)


def _mover(scene: _Scene, story: str) -> tuple[Account, ...]:
    opened_on = scene.start(scene.cycle_day(1))
    account = scene.open(story, "SHARE1000", ATLANTA, opened_on, 1)
    scene.join(account)
    if scene.calendar.months > 1:
        sent_at = scene.registrar.moment(account, scene.calendar.first_days[1] + timedelta(days=6))
        account.city, account.bill_cycle_day = DENVER, scene.cycle_day(15)
        account.address = ("1437 Larimer St", "Floor 3, Apt 12", "80202")
        scene.registrar.send_account(account, sent_at)
    return (account,)


def _mid_cycle(scene: _Scene, story: str) -> tuple[Account, ...]:
    day = scene.cycle_day(15)
    account = scene.open(story, "SHARE800", DENVER, scene.first + timedelta(days=5), day)
    scene.join(account)
    return (account,)


def _rollover(scene: _Scene, story: str) -> tuple[Account, ...]:
    """Everything that can happen to rollover, in two closed cycles and an open one.

    First cycle, SHARE_DATA: rollover is drawn first, and what the oldest bucket has left expires.
    Second cycle, SHARE800: `anytime` goes on, up to its cap; `data` is left, and its units are
    archived at the end. Third cycle: usage beyond the allowance, and a bucket that will expire.
    """
    day = scene.cycle_day(1)
    cycles = (add_months(scene.start(day), n) for n in range(-4, 4))
    gone, oldest, middle, newest, first, second, third, fourth = cycles
    account = scene.open(story, "SHARE_DATA", ATLANTA, first, day)
    scene.join(account)
    mobile = scene.line(account, WIRELESS)
    # A bucket of SHARE_DATA lives three cycles. Its share of the fee is still deferred.
    for pool_id, units in (("anytime", (300, 400, 440)), ("data", (340, 720, 1180))):
        for earned, expires, least in zip(
            (oldest, middle, newest), (second, third, fourth), units, strict=True
        ):
            scene.bring(account, pool_id, (earned, expires), least)
    for place in range(5):
        at = 9 * HOUR + 4000 * place
        length = 60 * (11 + 2 * place) + 7
        scene.say(mobile, first + timedelta(days=19 + place), at, length, other_type="fixed")
    scene.adjust(
        account, first + timedelta(days=18), "credit", 60, "marketing_promotion",
        note="Welcome to the new bill",
    )  # fmt: skip
    scene.adjust(
        account, first + timedelta(days=20), "debit", 25, "error_correction",
        note="The old system had credited a call twice",
    )  # fmt: skip
    if scene.town.trouble:
        scene.adjust(
            account, first + timedelta(days=22), "resale", 40, "resale_expired", bucket=gone,
            note=f"Says that minutes of {gone:%B} expired; they were not handed over to us",
        )  # fmt: skip
        scene.registrar.people.trouble["rollover_adjustments.over_resale"] += 1
    if scene.calendar.end <= local_time(ATLANTA, second, 0):
        return (account,)
    scene.registrar.change_bundle(account, "SHARE_DATA", "SHARE800", second)
    fixed = scene.line(account, WIRELINE)
    for place in range(3):
        at, on = 10 * HOUR + 5000 * place, second + timedelta(days=6 + 5 * place)
        scene.say(mobile, on, at, 60 * (9 + place), other_type="fixed")
        scene.say(fixed, on, at + 2 * HOUR, 60 * (13 + place), call_type="long_distance")
    scene.adjust(
        account, second + timedelta(days=8), "resale", 30, "resale_expired", bucket=oldest,
        note="Would like 30 of the minutes that expired back",
    )  # fmt: skip
    scene.adjust(
        account, second + timedelta(days=21), "extension", 1, "expiry_extension", bucket=middle,
        cycles=2, note=f"Travels until {fourth:%B}, pays for two more months",
    )  # fmt: skip
    if scene.calendar.months > 2:
        scene.talk(account, 2, 1020)
    return (account,)


_PLOTS: tuple[tuple[str, Callable[[_Scene, str], tuple[Account, ...]], str, str], ...] = (
    (
        "overage",
        _overage,
        "SHARE1000; opens ten days before its first cycle, so that some units roll over, then "
        "talks through allowance, rollover and into overage in the first month, and in every "
        "second month from then on.",
        "",
    ),
    (
        "everything",
        _everything,
        "SHARE1000, SHARE800 from the 16th of the first month; international calls, roaming with "
        "data",
        "; two late records, voids before and after the bill, one void that comes before its "
        "record.",
    ),
    ("quiet", _quiet, "SHARE800; uses little, rolls over up to the cap of 1600 minutes.", ""),
    (
        "data_heavy",
        _data_heavy,
        "SHARE_DATA; about 3.9 GB of data in every second month (allowance 2 GB), little in "
        "between.",
        "",
    ),
    (
        "two_plans",
        _two_plans,
        "WIRELESS500 and WIRELINE_LD side by side on one bill; metered long distance.",
        "",
    ),
    (
        "comes_back",
        _comes_back,
        "SHARE800; cancels on the 12th of the first month and comes back later with the same "
        "numbers.",
        "",
    ),
    (
        "one_sided_order",
        _one_sided_order,
        "SHARE1000; a change to SHARE800",
        " is ordered at one carrier only, and never takes effect.",
    ),
    (
        "late_counterpart",
        _late_counterpart,
        "SHARE800 from the first day",
        "; one of the two orders comes more than a week late, until then calls are in suspense.",
    ),
    (
        "number_given_up",
        _number_moves,
        "A wireless number is given up on the 9th; twelve days later another household has it.",
        "",
    ),
    (
        "no_charge",
        _no_charge,
        "SHARE1000; long calls at night, at weekends and to mobiles only: hardly any units used.",
        "",
    ),
    (
        "mover",
        _mover,
        "SHARE1000; moves from Atlanta to Denver in the second month, with another time zone, tax "
        "jurisdiction and bill cycle day.",
        "",
    ),
    (
        "mid_cycle",
        _mid_cycle,
        "SHARE800 in Denver, billed from the 15th; opens in mid-cycle, first bill in proportion.",
        "",
    ),
    (
        "rollover",
        _rollover,
        "Everything that can happen to rollover. Comes from another billing system with opening "
        "balances in two pools; SHARE_DATA, from the second cycle on SHARE800: minutes carry over "
        "up to the cap of 1600, data are left, kept for a cycle and archived. Draws, expiry, a "
        "credit, a debit, expired minutes bought back, a paid extension; in the third cycle draws "
        "again, and minutes about to expire",
        "; one resale of minutes that never were.",
    ),
    (
        "passed_through",
        _passed_through,
        "SHARE1000; a change to SHARE800 after the last day of the town is ordered in advance",
        ", at the wireless carrier only: the order has to be passed through to the other one.",
    ),
)
#: The plot that only a town with adjustments has.
_WITH_ADJUSTMENTS = ("rollover",)


def settle_stories(town: Town, calendar: Calendar, registrar: Registrar) -> None:
    """Settle as many stories as the town has accounts for, the first accounts in order."""
    scene = _Scene(town, calendar, registrar)
    people = registrar.people
    for name, plot, what, with_trouble in _PLOTS:
        if len(people.accounts) >= town.accounts:
            return
        if name in _WITH_ADJUSTMENTS and not town.adjustments:
            continue
        accounts = plot(scene, name)
        text = what + with_trouble if town.trouble else what.rstrip(".") + "."
        people.stories[name] = Story(tuple(a.account_id for a in accounts), text)


def ordinary_usage(accounts: list[Account]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """How much ordinary usage each account has, in usual households."""
    return np.array([ORDINARY_USAGE.get(a.story, 1.0) for a in accounts], dtype=np.float64)
