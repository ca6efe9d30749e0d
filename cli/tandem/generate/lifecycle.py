"""What a household can do: open an account, subscribe, change plan, cancel, change its lines.

Each step writes the orders at the carriers concerned and the subscriber data that follow.
"""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from datetime import date, timedelta

from tandem.generate.calendar import DAY, HOUR, Calendar, local_date, local_midnight, local_time
from tandem.generate.model import (
    HEALING_FAULTS,
    ORDER_FAULTS,
    PLAN_CARRIERS,
    SYNC_TOLERANCE_DAYS,
    TWO_PLANS,
    Account,
    AccountRow,
    Line,
    Order,
    Population,
    Snapshot,
)
from tandem.generate.places import (
    CITIES,
    FIRST_NAMES,
    INTERNET,
    LAST_NAMES,
    SECOND_LINES,
    WIRELESS,
    WIRELINE,
    ZONES,
    own_number,
)
from tandem.generate.town import Dice, Town, stream

# How much each further line of a household is used, by carrier.
_LINE_WEIGHTS = {WIRELESS: (1.0, 0.75, 0.55, 0.45), WIRELINE: (0.9, 0.3), INTERNET: (0.9,)}
# Cumulated shares of households with one, two, ... wireless lines.
_HOUSEHOLD = (0.38, 0.74, 0.91, 1.0)
_SMALL_HOUSEHOLD = (0.55, 0.90, 1.0)
MINUTE = 60


def _plain(text: str) -> str:
    """Lower-case ASCII letters of a name, for an e-mail address."""
    folded = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return "".join(c for c in folded.lower() if c.isalpha())


def plans_of(offer: str) -> tuple[str, ...]:
    """The plans that make up an offer: two for two plans side by side, else itself."""
    return tuple(offer.split("+")) if offer == TWO_PLANS else (offer,)


class Registrar:
    """Carries out what households decide, and keeps the books of it in a population."""

    def __init__(self, town: Town, calendar: Calendar, population: Population) -> None:
        """Keep books for an empty population."""
        self.town = town
        self.calendar = calendar
        self.people = population
        self.rng = stream(town, "order of things")
        self.dice = Dice(stream(town, "people"))

    # Chance.

    def chance(self, probability: float) -> bool:
        """Whether something of this probability happens."""
        return self.dice.share() < probability

    def between(self, low: int, high: int) -> int:
        """A whole number, both ends included."""
        return self.dice.between(low, high)

    def moment(self, account: Account, day: date, hours: tuple[int, int] = (8, 20)) -> int:
        """An instant on a local day, between two hours of the local clock."""
        second = self.between(hours[0] * HOUR, hours[1] * HOUR - 1)
        return local_time(account.city, day, second)

    # Accounts.

    def open_account(self, offer: str, city: int, cycle_day: int, opened_on: date) -> Account:
        """A new household with its row in the accounts feed; it has no plan yet."""
        index = len(self.people.accounts)
        first = FIRST_NAMES[self.between(0, len(FIRST_NAMES) - 1)]
        last = LAST_NAMES[self.between(0, len(LAST_NAMES) - 1)]
        place = CITIES[city]
        streets, codes = place.streets, place.postal_codes
        second_line = ""
        if self.chance(0.4):
            pattern = SECOND_LINES[self.between(0, len(SECOND_LINES) - 1)]
            second_line = pattern.format(n=self.between(1, 480), f=self.between(2, 30))
        account = Account(
            index=index,
            account_id=f"A{index + 1:06d}",
            city=city,
            offer=offer,
            bill_cycle_day=cycle_day,
            opened_on=opened_on,
            holder_name=f"{first} {last}",
            address=(
                f"{self.between(1, 2999)} {streets[self.between(0, len(streets) - 1)]}",
                second_line,
                codes[self.between(0, len(codes) - 1)],
            ),
            email=f"{_plain(first)}.{_plain(last)}.{index + 1}@example.com",
        )
        self.people.accounts.append(account)
        return account

    def send_account(self, account: Account, sent_at: int, *, late: bool = False) -> None:
        """Send the account's present data in the accounts feed."""
        place = CITIES[account.city]
        line1, line2, postal_code = account.address
        cells = (
            account.account_id,
            account.holder_name,
            line1,
            line2,
            place.name,
            place.region,
            postal_code,
            "US",
            account.email,
            str(account.bill_cycle_day),
            ZONES[account.city],
            place.jurisdiction,
            account.opened_on.isoformat(),
            account.closed_on.isoformat() if account.closed_on else "",
        )
        account.rows.append(AccountRow(sent_at, cells, late))

    # Orders.

    def _placed(self, account: Account, effective_on: date) -> tuple[int, bool]:
        """When an order is placed, and whether that is at the last minute."""
        if self.chance(0.08):
            return self.moment(account, effective_on - timedelta(days=1), (18, 22)), True
        day = effective_on - timedelta(days=self.between(1, 10))
        return self.moment(account, day), False

    def _order(self, order: Order, done_at: int) -> Order:
        """File an order that is completed at `done_at`; a quarter of them were seen submitted."""
        order.states = [(done_at, "completed")]
        if done_at - order.requested_at > 8 * HOUR or self.chance(0.25):
            order.states.insert(0, (order.requested_at, "submitted"))
        self.people.orders.append(order)
        return order

    def _line_order(self, line: Line, action: str, requested_at: int, done_at: int) -> None:
        """File an order about one line."""
        order = Order(
            carrier=line.carrier,
            account=line.account,
            action=action,
            plan_id=line.snapshots[-1].plan_id,
            requested_at=requested_at,
            effective_on=local_date(line.account.city, done_at),
            service_number=f"+{line.number}",
        )
        self._order(order, done_at)

    def _told(
        self, plan_id: str, fault: str, leaves: tuple[int, ...], origin: int | None
    ) -> list[int]:
        """The carriers at which orders are placed, the one with the first order first."""
        carriers = [*PLAN_CARRIERS[plan_id], *leaves]
        if self.chance(0.5):
            carriers.reverse()
        if origin is not None:
            carriers.sort(key=lambda carrier: carrier != origin)
        if fault == "third_missing":
            return [carrier for carrier in carriers if carrier not in leaves]
        return carriers[:1] if fault in ("missing_counterpart", "unknown_plan") else carriers

    def order_plan(
        self,
        account: Account,
        action: str,
        plan_id: str,
        effective_on: date,
        fault: str = "",
        *,
        leaves: tuple[int, ...] = (),
        origin: int | None = None,
        placed_at: int | None = None,
    ) -> dict[int, Order]:
        """Orders at every carrier of the plan: in step with each other unless `fault` says not.

        `fault`: one of ORDER_FAULTS. `leaves`: carriers of the old plan that are not in the new
        one, which are concerned as well. `origin`: the carrier where the first order is placed,
        and `placed_at` when; both are a matter of chance otherwise.
        """
        carriers = self._told(plan_id, fault, leaves, origin)
        requested_at, last_minute = self._placed(account, effective_on)
        if placed_at is not None:
            requested_at, last_minute = placed_at, False
        delay = (
            local_time(account.city, effective_on, self.between(6 * HOUR, 8 * HOUR)) - requested_at
            if last_minute
            else self.between(5 * MINUTE, 4 * HOUR)
        )
        done_at = requested_at + delay
        if self.chance(0.1) and not last_minute:
            done_at = requested_at
        first = self._order(
            Order(carriers[0], account, action, plan_id, requested_at, effective_on), done_at
        )
        orders = {carriers[0]: first}
        for carrier in carriers[1:]:
            # In step means completed within a day of the first order.
            gap = self.between(MINUTE, HOUR if last_minute else 16 * HOUR)
            second_delay = delay if last_minute else self.between(5 * MINUTE, 4 * HOUR)
            slow = self.town.trouble and not (fault or last_minute or leaves or account.story)
            if slow and self.chance(0.05) and not account.fault:
                gap = self.between(26 * HOUR, 70 * HOUR)
                self._note(account, "slow_counterpart")
            second_at = requested_at + gap
            second_on = effective_on
            if fault == "late_counterpart":
                second_at = local_midnight(account.city, effective_on) + self.between(
                    8 * DAY, 14 * DAY
                )
            elif fault == "mismatched_date":
                off = SYNC_TOLERANCE_DAYS[plan_id] + self.between(2, 5)
                second_on = effective_on + timedelta(days=off)
            second = self._order(
                Order(carrier, account, action, plan_id, second_at, second_on),
                second_at + second_delay,
            )
            orders[carrier] = second
            named = fault in ("late_counterpart", "mismatched_plan", "mismatched_action")
            if named or self.chance(0.5):
                second.counterpart = first
                # The first order can only name the second if it was exported after it.
                if second_at < first.states[0][0]:
                    first.counterpart = second
            orders[carrier] = self._go_wrong(fault, first, second)
        if fault:
            account.fault = fault
            self._note(account, fault)
        within = local_midnight(account.city, effective_on) < self.calendar.end
        if within and (not fault or fault in HEALING_FAULTS):
            stays = PLAN_CARRIERS[plan_id] if action != "cancel" else ()
            account.plans |= {c: plan_id if c in stays else None for c in carriers}
        return orders

    def order_for_nobody(self, city: int, day: date, place: int) -> None:
        """An order at the wireless carrier alone, of an account that the biller does not know."""
        nobody = Account(
            index=len(self.people.accounts) + place,
            account_id=f"X{place + 1:06d}",
            city=city,
            offer="WIRELESS500",
            bill_cycle_day=1,
            opened_on=day,
            holder_name="",
            address=("", "", ""),
            email="",
        )
        at = self.moment(nobody, day)
        order = Order(WIRELESS, nobody, "subscribe", nobody.offer, at, day + timedelta(days=4))
        self._order(order, at + self.between(5 * MINUTE, 4 * HOUR))
        self._note(nobody, "unknown_account")

    def _note(self, account: Account, fault: str) -> None:
        """Count a mistake in orders, and the exceptions that it makes."""
        exception_type, number = ORDER_FAULTS[fault]
        self.people.note(f"orders.{fault}", account)
        self.people.exceptions[exception_type] += number

    def _go_wrong(self, fault: str, first: Order, second: Order) -> Order:
        """Have a completed counterpart go wrong as `fault` says; returns the one that stands."""
        begun, ended = second.requested_at, second.states[-1][0]
        if fault in ("counterpart_failed", "failed_then_retried"):
            second.states = [(begun, "submitted"), (ended, "failed")]
        elif fault == "refused_late":
            # After the day in which it should have been done.
            refused_at = first.requested_at + self.between(26 * HOUR, 60 * HOUR)
            second.states = [(begun, "submitted"), (refused_at, "failed")]
        elif fault == "withdrawn":
            second.states.append((ended + self.between(DAY, 4 * DAY), "withdrawn"))
        elif fault == "called_off":
            # Before either carrier had done it.
            for order in (first, second):
                since = order.requested_at
                after = since + self.between(HOUR, 4 * HOUR)
                order.states = [(since, "submitted"), (after, "withdrawn")]
        elif fault == "mismatched_plan":
            second.plan_id = "SHARE1000" if first.plan_id == "SHARE800" else "SHARE800"
        elif fault == "mismatched_action":
            second.action = "subscribe"
        if fault != "failed_then_retried":
            return second
        again = begun + self.between(26 * HOUR, 66 * HOUR)
        retry = replace(second, requested_at=again, states=[], counterpart=first)
        return self._order(retry, again + ended - begun)

    # Lines.

    def _household_lines(self, account: Account, carrier: int) -> list[Line]:
        """Lines for a carrier of the account's plan, as many as a household of its kind has."""
        count = 1
        if carrier == WIRELESS:
            small = "WIRELESS500" in account.offer
            count += self.dice.pick(_SMALL_HOUSEHOLD if small else _HOUSEHOLD)
        elif carrier == WIRELINE:
            count += int(self.chance(0.07))
        return [self._new_line(account, carrier, place) for place in range(count)]

    def _new_line(
        self, account: Account, carrier: int, place: int, number: int | None = None
    ) -> Line:
        if number is None:
            number = own_number(account.city, self.people.numbers_used[account.city])
            self.people.numbers_used[account.city] += 1
        weights = _LINE_WEIGHTS[carrier]
        line = Line(
            index=len(self.people.lines),
            carrier=carrier,
            account=account,
            number=number,
            weight=weights[min(place, len(weights) - 1)],
        )
        self.people.lines.append(line)
        account.lines.append(line)
        return line

    def _relative(self, account: Account) -> tuple[str, str]:
        """Name and e-mail of somebody of the household."""
        first = FIRST_NAMES[self.between(0, len(FIRST_NAMES) - 1)]
        last = account.holder_name.rsplit(" ", 1)[-1]
        if self.chance(0.3):
            return f"{first} {last}", ""
        return f"{first} {last}", f"{_plain(first)}.{account.index + 1}@example.com"

    def _person(self, account: Account, place: int) -> tuple[str, str]:
        """Who uses a line: the holder the first, somebody of the household the others, mostly."""
        if place == 0 or self.chance(0.2):
            return account.holder_name, account.email
        return self._relative(account)

    def _activate(self, line: Line, plan_id: str, seen_at: int, begin: int, place: int) -> None:
        name, email = self._person(line.account, place)
        if line.snapshots:
            name, email = line.snapshots[-1].name, line.snapshots[-1].email
        # Subscriber data of one line go forwards in time.
        if line.snapshots:
            seen_at = max(seen_at, line.snapshots[-1].at + MINUTE)
        line.snapshots.append(Snapshot(seen_at, plan_id, "active", begin, None, name, email))
        line.usage.append((begin, self.calendar.end))

    def _amend(self, line: Line, at: int) -> Snapshot | None:
        """A later state of a line, to be changed by the caller; None if it is past the run."""
        last = line.snapshots[-1]
        at = max(at, last.at + MINUTE)
        if at >= self.calendar.end:
            return None
        line.snapshots.append(replace(last, at=at, announced=True, late=False))
        return line.snapshots[-1]

    # Steps of a life.

    def subscribe(
        self,
        account: Account,
        plan_id: str,
        effective_on: date,
        fault: str = "",
        *,
        origin: int | None = None,
    ) -> dict[int, Order]:
        """Subscribe to a plan; the lines come to life at the start of the day."""
        orders = self.order_plan(account, "subscribe", plan_id, effective_on, fault, origin=origin)
        begin = local_midnight(account.city, effective_on)
        known = min(o.done_at for o in orders.values() if o.done_at is not None)
        for carrier in PLAN_CARRIERS[plan_id]:
            order = orders.get(carrier)
            seen_at = order.done_at if order and order.done_at and not fault else known
            lines = [li for li in account.lines if li.carrier == carrier]
            if not lines:
                lines = self._household_lines(account, carrier)
            ordered = order.plan_id if order else plan_id
            for place, line in enumerate(lines):
                self._activate(line, ordered, seen_at + place, begin, place)
        return orders

    def change_bundle(
        self,
        account: Account,
        old_plan: str,
        plan_id: str,
        effective_on: date,
        fault: str = "",
        *,
        origin: int | None = None,
    ) -> None:
        """Change to a plan of other carriers: lines go dead where it leaves, come to life where
        it is new.
        """
        before, after = PLAN_CARRIERS[old_plan], PLAN_CARRIERS[plan_id]
        leaves = tuple(carrier for carrier in before if carrier not in after)
        orders = self.change_plan(
            account, plan_id, effective_on, fault, leaves=leaves, origin=origin
        )
        begin = local_midnight(account.city, effective_on)
        for line in account.lines:
            told = line.carrier in leaves and line.carrier in orders
            if told and line.active(begin):
                self._disconnect(line, begin, begin + self.between(MINUTE, 5 * HOUR))
        for carrier in after:
            if carrier not in before:
                seen_at = orders[carrier].done_at or begin
                for place, line in enumerate(self._household_lines(account, carrier)):
                    self._activate(line, plan_id, seen_at + place, begin, place)

    def change_plan(
        self,
        account: Account,
        plan_id: str,
        effective_on: date,
        fault: str = "",
        *,
        leaves: tuple[int, ...] = (),
        origin: int | None = None,
        placed_at: int | None = None,
    ) -> dict[int, Order]:
        """Change plan; each carrier updates its subscriber data when its own order is done."""
        orders = self.order_plan(
            account,
            "change_plan",
            plan_id,
            effective_on,
            fault,
            leaves=leaves,
            origin=origin,
            placed_at=placed_at,
        )
        begin = local_midnight(account.city, effective_on)
        for carrier, order in orders.items():
            if order.done_at is None or fault == "withdrawn" or carrier in leaves:
                continue
            at = max(order.done_at, begin) + self.between(MINUTE, 3 * HOUR)
            for line in account.lines:
                here = line.carrier == carrier and line.snapshots[-1].status == "active"
                if here and (state := self._amend(line, at)):
                    state.plan_id = plan_id
        return orders

    def _disconnect(self, line: Line, end: int, seen_at: int) -> None:
        begin, _ = line.usage[-1]
        line.usage[-1] = (begin, max(begin, end))
        if state := self._amend(line, seen_at):
            state.status, state.deactivated_at = "disconnected", end

    def cancel(
        self,
        account: Account,
        plan_id: str,
        effective_on: date,
        fault: str = "",
        *,
        origin: int | None = None,
    ) -> dict[int, Order]:
        """Cancel a plan; its lines go dead at the start of the day, at carriers that were told."""
        orders = self.order_plan(account, "cancel", plan_id, effective_on, fault, origin=origin)
        end = local_midnight(account.city, effective_on)
        for line in account.lines:
            if line.carrier in orders and line.active(end - 1):
                self._disconnect(line, end, end + self.between(MINUTE, 5 * HOUR))
        return orders

    def disconnect(self, line: Line, at: int) -> None:
        """The carrier disconnects a line, and no order says so."""
        self._disconnect(line, at, at + self.between(MINUTE, HOUR))

    def misname(self, account: Account, carrier: int, at: int, field: str) -> None:
        """One carrier has a `name` or an `email` of the household that the others have not."""
        place = account.index + 1
        other = {"name": f"Occupant {place}", "email": f"occupant.{place}@example.net"}[field]
        for line in account.lines:
            if line.carrier == carrier and (state := self._amend(line, at)):
                setattr(state, field, other)

    def close_account(self, account: Account, plans: tuple[str, ...], closed_on: date) -> None:
        """Cancel everything and close the account: `closed_on` is the first day without it."""
        for plan_id in plans:
            self.cancel(account, plan_id, closed_on)
        account.closed_on = closed_on
        sent_at = self.moment(account, closed_on - timedelta(days=self.between(1, 6)))
        self.send_account(account, max(sent_at, account.rows[-1].sent_at + MINUTE))

    def add_line(
        self,
        account: Account,
        at: int,
        number: int | None = None,
        *,
        announced: bool = True,
        late: bool = False,
    ) -> Line:
        """One more wireless line, from `at` on, under the plan of the lines that are there."""
        place = sum(line.carrier == WIRELESS for line in account.lines)
        plan_id = next(
            line.snapshots[-1].plan_id for line in account.lines if line.carrier == WIRELESS
        )
        line = self._new_line(account, WIRELESS, place, number)
        self._activate(line, plan_id, at + self.between(MINUTE, HOUR), at, place)
        self._line_order(line, "add_line", at - self.between(HOUR, 5 * HOUR), at)
        line.snapshots[-1].announced = announced
        line.snapshots[-1].late = late
        return line

    def remove_line(self, line: Line, at: int) -> None:
        """Give a line up, from `at` on."""
        self._line_order(line, "remove_line", at - self.between(HOUR, 5 * HOUR), at)
        self._disconnect(line, at, at + self.between(MINUTE, HOUR))

    def rename(self, line: Line, at: int, *, announced: bool = True) -> bool:
        """Another person uses the line; unannounced, only the next batch shows it."""
        name, email = self._relative(line.account)
        while name == line.snapshots[-1].name:
            name, email = self._relative(line.account)
        if announced:
            self._line_order(line, "update_subscriber", at - self.between(MINUTE, HOUR), at)
        state = self._amend(line, at)
        if state is None:
            return False
        state.name, state.email, state.announced = name, email, announced
        return True

    def suspend(self, line: Line, at: int, until: int) -> None:
        """Suspend a line for a while (no calls) and reactivate it."""
        begin, end = line.usage[-1]
        line.usage[-1:] = [(begin, at), (until, end)]
        for moment, status in ((at, "suspended"), (until, "active")):
            if state := self._amend(line, moment):
                state.status = status
