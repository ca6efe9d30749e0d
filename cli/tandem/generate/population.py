"""Who lives in the town and what they decide: plans, changes, cancellations, lines, mistakes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from itertools import accumulate
from typing import NamedTuple

from tandem.generate.adjustments import adjust_rollover, number_adjustments
from tandem.generate.calendar import DAY, Calendar, add_months
from tandem.generate.edges import script_edges
from tandem.generate.lifecycle import Registrar, plans_of
from tandem.generate.model import OFFERS, PLAN_CARRIERS, TWO_PLANS, Account, Line, Population
from tandem.generate.places import CITIES, PREFIXES, WIRELESS
from tandem.generate.stories import settle_stories
from tandem.generate.town import Town, stream

_CYCLE_DAYS = {1: 0.70, 10: 0.12, 15: 0.12, 28: 0.06}

# Below this a town is too small for mistakes at random; the stories have the main ones.
_SMALL_TOWN = 40

# Mistakes in orders and how they come about: (kind, what was ordered, share of all accounts).
_ORDER_FAULTS = (
    ("missing_counterpart", "change_plan", 0.003),
    ("missing_counterpart", "cancel", 0.001),
    ("missing_counterpart", "subscribe", 0.001),
    ("third_missing", "change_bundle", 0.001),
    ("counterpart_failed", "change_plan", 0.003),
    ("failed_then_retried", "change_plan", 0.002),
    ("mismatched_date", "change_plan", 0.003),
    ("mismatched_plan", "subscribe", 0.001),
    ("mismatched_action", "change_plan", 0.001),
    ("withdrawn", "change_plan", 0.003),
    ("called_off", "change_plan", 0.002),
    ("late_counterpart", "change_plan", 0.003),
    ("late_counterpart", "subscribe", 0.002),
    ("unknown_plan", "change_plan", 0.001),
)
# Those of a plan with the internet carrier; the others are of plans with the wireline carrier.
_INTERNET_FAULTS = ("cancel", "change_bundle")

# What one carrier says of its lines of a shared plan, and the other does not.
_ONE_SIDED = ("disconnected", "other_name", "other_email")

# Oddities in addresses and names that have broken billing systems before.
_ODD_ADDRESSES = (
    'The "Lofts" at Inman,\nBuilding B',
    "c/o Grandma,\r\nside door",
    "Rear; ring twice, then wait",
)
_ODD_NAMES = (
    '=HYPERLINK("http://example.com";"pay here")',
    "<b>Smith & Sons</b>",
    "Robert'); DROP TABLE accounts;--",
    "@Home Repairs, Inc.",
)


class _Fault(NamedTuple):
    """A mistake in orders; carriers of the plan take turns in having the first order."""

    kind: str
    action: str
    turn: int


class _Settler:
    """Draws the lives of ordinary households."""

    def __init__(self, town: Town, calendar: Calendar, registrar: Registrar) -> None:
        self.town = town
        self.calendar = calendar
        self.registrar = registrar
        self.people = registrar.people
        self.dice = registrar.dice
        self.first = calendar.first_days[0]
        self.last = calendar.first_days[-1]
        days = town.bill_cycle_days
        weights = _CYCLE_DAYS if days is None else {d: _CYCLE_DAYS.get(d, 0.1) for d in days}
        self.cycle_days = list(weights)
        self.cycle_shares = list(accumulate(weights.values()))
        self.offers = list(OFFERS)
        self.offer_shares = list(accumulate(OFFERS.values()))
        self.city_shares = list(accumulate(city.share for city in CITIES))

    def day_between(self, low: date, high: date) -> date:
        """A day between two, both included; `low` if there is none."""
        return low + timedelta(days=self.registrar.between(0, max(0, (high - low).days)))

    def _open(self, offer: str, opened_on: date, cycle_day: int) -> Account:
        city = self.dice.pick(self.city_shares)
        return self.registrar.open_account(offer, city, cycle_day, opened_on)

    def _first_cycle(self, cycle_day: int) -> date:
        """The start of a cycle that contains a part of the first month."""
        if cycle_day == 1:
            return self.first
        start = self.first.replace(day=cycle_day)
        return add_months(start, -1) if self.registrar.chance(0.5) else start

    def settle(self, fault: _Fault | None) -> None:
        """One household, with a mistake in an order if `fault` says so."""
        registrar = self.registrar
        cycle_day = self.cycle_days[self.dice.pick(self.cycle_shares)]
        if fault:
            offer = "SHARE1000" if registrar.chance(0.5) else "SHARE800"
            if fault.action in _INTERNET_FAULTS:
                offer = "SHARE_DATA"
            account = self._open(offer, self.first, cycle_day)
            self._mistake(account, fault)
            return
        offer = self.offers[self.dice.pick(self.offer_shares)]
        opened_on, closing = self._first_cycle(cycle_day), False
        u = self.dice.share()
        if u < 0.26:
            opened_on = self.first - timedelta(days=registrar.between(6, 45))
        elif u < 0.31:
            opened_on = self.day_between(
                self.first + timedelta(days=2), self.last - timedelta(days=4)
            )
        elif u < 0.34:
            opened_on, closing = self.first - timedelta(days=registrar.between(1, 30)), True
        account = self._open(offer, opened_on, cycle_day)
        orders = [registrar.subscribe(account, plan, opened_on) for plan in plans_of(offer)]
        requested = min(order.requested_at for pair in orders for order in pair.values())
        registrar.send_account(account, requested)
        if closing:
            closed_on = self.day_between(
                self.first + timedelta(days=5), self.last - timedelta(days=2)
            )
            registrar.close_account(account, plans_of(offer), closed_on)
        elif opened_on <= self.first and not self._change_of_mind(account):
            self._lines(account)
            if registrar.chance(0.02):
                self._move(account)

    def _change_of_mind(self, account: Account) -> bool:
        """Change plan, or cancel and perhaps come back; most households do neither."""
        registrar = self.registrar
        u = self.dice.share()
        on = self.day_between(self.first + timedelta(days=4), self.last - timedelta(days=4))
        offer = account.offer
        if offer in ("SHARE1000", "SHARE800") and u < 0.07:
            other = "SHARE800" if offer == "SHARE1000" else "SHARE1000"
            registrar.change_plan(account, other, on)
            back = on + timedelta(days=registrar.between(14, 50))
            if registrar.chance(0.3) and back < self.last - timedelta(days=3):
                registrar.change_plan(account, offer, back)
            return True
        if offer == TWO_PLANS and u < 0.08:
            registrar.change_plan(account, "SHARE1000", on)
            return True
        if 0.08 <= u < 0.11:
            for plan in plans_of(offer):
                registrar.cancel(account, plan, on)
            back = on + timedelta(days=registrar.between(8, 45))
            if registrar.chance(0.45) and back < self.last - timedelta(days=3):
                for plan in plans_of(offer):
                    registrar.subscribe(account, plan, back)
            return True
        return False

    def _lines(self, account: Account) -> None:
        """Lines come, go, change hands within the household, or are suspended for a while."""
        registrar = self.registrar
        u = self.dice.share()
        if u >= 0.12:
            return
        wireless = [line for line in account.lines if line.carrier == WIRELESS]
        at = self._moment(account, 0.1, 0.85)
        if u < 0.045:
            if wireless:
                registrar.add_line(account, at)
        elif u < 0.075:
            if len(wireless) > 1:
                registrar.remove_line(wireless[-1], at)
        elif u < 0.11:
            registrar.rename(account.lines[-1], at)
        else:
            registrar.suspend(account.lines[0], at, at + registrar.between(3, 9) * DAY)

    def _moment(self, account: Account, low: float, high: float) -> int:
        """An instant in office hours, between two shares of the run."""
        days = (self.last - self.first).days
        day = self.first + timedelta(days=_day_within(self.registrar, days, low, high))
        return self.registrar.moment(account, day)

    def _move(self, account: Account) -> None:
        """Move house within the city: a new row in the accounts feed."""
        number = self.registrar.between(1, 2999)
        streets = CITIES[account.city].streets
        street = streets[self.registrar.between(0, len(streets) - 1)]
        account.address = (f"{number} {street}", "", account.address[2])
        self.registrar.send_account(account, self._moment(account, 0.1, 0.9))

    def _mistake(self, account: Account, fault: _Fault) -> None:
        """Subscribe (or subscribe and do something else) with a mistake in the orders."""
        registrar, kind, action = self.registrar, fault.kind, fault.action
        account.fault = kind
        carriers = PLAN_CARRIERS[account.offer]
        origin = carriers[fault.turn % len(carriers)]
        wrong = action == "subscribe"
        orders = registrar.subscribe(
            account,
            account.offer,
            self.first,
            kind if wrong else "",
            origin=origin if wrong else None,
        )
        registrar.send_account(account, min(o.requested_at for o in orders.values()))
        if wrong:
            return
        on = self.day_between(self.first + timedelta(days=5), self.first + timedelta(days=15))
        if action == "cancel":
            registrar.cancel(account, account.offer, on, kind, origin=origin)
            return
        if action == "change_bundle":
            registrar.change_bundle(account, account.offer, "SHARE800", on, kind, origin=origin)
            return
        other = "SHARE800" if account.offer == "SHARE1000" else "SHARE1000"
        orders = registrar.change_plan(account, other, on, kind, origin=origin)
        if kind == "unknown_plan":
            for order in orders.values():
                order.plan_id = "SHARE9000"
            for line in account.lines:
                del line.snapshots[1:]


def _day_within(registrar: Registrar, days: int, low: float, high: float) -> int:
    """A day of a run of `days`, between two shares of it."""
    return registrar.between(int(days * low), max(int(days * low), int(days * high) - 1))


def _some(town: Town, share: float) -> int:
    """How many of a kind of trouble: a share of the accounts, at least one in a town."""
    if not town.trouble or town.accounts < _SMALL_TOWN:
        return 0
    return max(1, round(town.accounts * share))


def _reuse_numbers(registrar: Registrar, calendar: Calendar) -> None:
    """Give some of the numbers that were given up to other households, some days later."""
    people = registrar.people
    taken = {order.service_number for order in people.orders if order.action == "add_line"}
    free = [
        line
        for line in people.lines
        if line.carrier == WIRELESS
        and line.snapshots[-1].status == "disconnected"
        and f"+{line.number}" not in taken
        and line.usage[-1][1] < calendar.end - 14 * DAY
        and not line.account.story
    ]
    steady = [
        account
        for account in people.accounts
        if not account.story and account.closed_on is None and _wireless_plan(account)
    ]
    for line in free:
        at = line.usage[-1][1] + registrar.between(9, 12) * DAY + registrar.between(0, DAY)
        choices = [
            a
            for a in (
                steady[registrar.between(0, len(steady) - 1)] for _ in range(12 if steady else 0)
            )
            if a.city == line.account.city and a is not line.account and a.lines[0].active(at)
        ]
        if choices and registrar.chance(0.6):
            registrar.add_line(choices[0], at, line.number)


def _wireless_plan(account: Account) -> bool:
    """Whether all lines have been there throughout, the first of them wireless."""
    return (
        account.lines[0].carrier == WIRELESS
        and len(account.lines[0].snapshots) == 1
        and all(len(line.usage) == 1 for line in account.lines)
    )


def _disturb_accounts(registrar: Registrar, town: Town, calendar: Calendar) -> None:
    """Accounts that the biller sends too late, and names and addresses that are hard to read."""
    people = registrar.people
    plain = [a for a in people.accounts if not a.story and len(a.rows) == 1]
    rng = registrar.rng
    odd = rng.permutation(len(plain))[: _some(town, 0.01)]
    for place, index in enumerate(odd.tolist()):
        account = plain[index]
        row = account.rows[0]
        cells = list(row.cells)
        cells[3] = _ODD_ADDRESSES[place % len(_ODD_ADDRESSES)]
        if place < len(_ODD_NAMES):
            cells[1] = _ODD_NAMES[place]
        row.cells = tuple(cells)
        people.trouble["accounts.odd_text"] += 1
    steady = [a for a in plain if a.opened_on <= calendar.first_days[0]]
    for index in rng.permutation(len(steady))[: _some(town, 0.003)].tolist():
        row = steady[index].rows[0]
        if calendar.months > 1:
            row.sent_at = calendar.cuts[1] + 2 * DAY
        else:
            row.late = True
        people.trouble["accounts.late"] += 1


def _disturb_subscribers(registrar: Registrar, town: Town, calendar: Calendar) -> None:
    """Subscriber data that carriers forget, keep to themselves, or send too late."""
    people, rng = registrar.people, registrar.rng
    first = calendar.first_days[0]
    steady = [
        a for a in people.accounts if not a.story and a.opened_on <= first and _wireless_plan(a)
    ]
    picks = iter(rng.permutation(len(steady)).tolist())
    days = calendar.days

    def someone() -> Account | None:
        index = next(picks, None)
        return None if index is None else steady[index]

    def day(account: Account, low: float, high: float) -> int:
        offset = _day_within(registrar, days, low, high)
        return registrar.moment(account, first + timedelta(days=offset))

    for _ in range(_some(town, 0.003)):
        if account := someone():
            line = account.lines[0]
            people.absent.add(line.index)
            people.note("subscribers.missing_in_batch", account)
    for _ in range(_some(town, 0.003)):
        if (account := someone()) and registrar.rename(
            account.lines[0], day(account, 0.1, 0.6), announced=False
        ):
            people.note("subscribers.unannounced_change", account)
    for _ in range(_some(town, 0.002)):
        if account := someone():
            registrar.add_line(account, day(account, 0.1, 0.6), announced=False)
            people.note("subscribers.unannounced_line", account)
    for _ in range(_some(town, 0.002)):
        if account := someone():
            registrar.add_line(account, day(account, 0.1, 0.6), late=True)
            people.note("subscriber_changes.late", account)
    alike = filter(_shared, iter(someone, None))
    for kind, account in zip(_ONE_SIDED * _some(town, 0.001), alike, strict=False):
        _contradict(registrar, account, kind, day(account, 0.1, 0.6))
    changed: list[Line] = [
        line
        for line in people.lines
        if not (line.account.story or line.account.fault)
        and line.carrier == WIRELESS
        and len(line.snapshots) == 2
        and line.snapshots[1].plan_id != line.snapshots[0].plan_id
        and line.snapshots[1].plan_id in PLAN_CARRIERS
    ]
    for index in rng.permutation(len(changed))[: _some(town, 0.002)].tolist():
        del changed[index].snapshots[1:]
        people.note("subscribers.plan_not_updated", changed[index].account)


def _mistake_late(registrar: Registrar, town: Town, calendar: Calendar) -> None:
    """In the last week orders that are refused after the grace period, and of unknown accounts."""
    people = registrar.people
    day = calendar.first_days[-1] - timedelta(days=6)
    noted = {account_id for found in people.cases.values() for account_id in found}
    moved = {order.account.index for order in people.orders if order.action != "subscribe"}
    steady = [
        account
        for account in people.accounts
        if account.offer in ("SHARE1000", "SHARE800")
        and account.opened_on < calendar.first_days[0]
        and account.closed_on is None
        and not (account.story or account.fault or account.index in moved)
        and account.account_id not in noted
    ]
    rng = stream(town, "late mistakes")
    for index in rng.permutation(len(steady))[: _some(town, 0.001)].tolist():
        account = steady[index]
        other = "SHARE800" if account.offer == "SHARE1000" else "SHARE1000"
        registrar.order_plan(
            account,
            "change_plan",
            other,
            day + timedelta(days=4),
            "refused_late",
            placed_at=registrar.moment(account, day),
        )
    for place in range(_some(town, 0.001)):
        registrar.order_for_nobody(place % len(CITIES), day, place)


def _contradict(registrar: Registrar, account: Account, kind: str, at: int) -> None:
    """Have one carrier of a shared plan say something that the other does not."""
    carrier = account.lines[-1].carrier
    if kind == "disconnected":
        for line in account.lines:
            if line.carrier == carrier:
                registrar.disconnect(line, at)
    else:
        registrar.misname(account, carrier, at, kind.removeprefix("other_"))
    registrar.people.note(f"subscribers.{kind}_at_one_carrier", account)


def _shared(account: Account) -> bool:
    """Whether carriers share its plan and nobody but the holder uses its lines."""
    return len(PLAN_CARRIERS.get(account.offer, ())) > 1 and all(
        len(line.snapshots) == 1 for line in account.lines
    )


def _count_plan_mismatches(people: Population) -> None:
    """Lines in force whose carrier has them on another plan than the one in effect."""
    for line in people.lines:
        state = line.snapshots[-1]
        if state.deactivated_at is None and state.plan_id != line.account.plans.get(line.carrier):
            people.exceptions["plan_mismatch"] += 1


def populate(
    town: Town, calendar: Calendar, progress: Callable[[str, int, int], None]
) -> Population:
    """Everybody in the town, and all that happens to them besides their calls."""
    people = Population()
    registrar = Registrar(town, calendar, people)
    settle_stories(town, calendar, registrar)
    settler = _Settler(town, calendar, registrar)
    left = town.accounts - len(people.accounts)
    mistakes = [
        (kind, action) for kind, action, share in _ORDER_FAULTS for _ in range(_some(town, share))
    ]
    faults = [_Fault(*mistake, turn) for turn, mistake in enumerate(mistakes)]
    plain: list[_Fault | None] = [None] * max(0, left - len(faults))
    everyone = [*faults, *plain][: max(0, left)]
    for done, index in enumerate(registrar.rng.permutation(len(everyone)).tolist()):
        if done % 1000 == 0:
            progress("accounts", done, town.accounts)
        settler.settle(everyone[index])
    progress("accounts", town.accounts, town.accounts)
    _reuse_numbers(registrar, calendar)
    if town.trouble:
        _disturb_accounts(registrar, town, calendar)
        _disturb_subscribers(registrar, town, calendar)
        script_edges(town, calendar, people)
    _count_plan_mismatches(people)
    if town.adjustments:
        adjust_rollover(town, calendar, people)
        number_adjustments(people)
    if town.trouble:
        _mistake_late(registrar, town, calendar)
    _number_orders(people)
    return people


def _number_orders(people: Population) -> None:
    """Give orders their ids, per carrier in the order in which they were placed."""
    counters: dict[int, int] = {}
    people.orders.sort(key=lambda o: (o.requested_at, o.account.index, o.carrier, o.action))
    for order in people.orders:
        counters[order.carrier] = counters.get(order.carrier, 0) + 1
        order.order_id = f"{PREFIXES[order.carrier]}-O-{counters[order.carrier]:06d}"
