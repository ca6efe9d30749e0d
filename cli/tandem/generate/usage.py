"""Everyday usage: who calls whom, when and for how long, a window of hours at a time."""

from __future__ import annotations

from copy import copy

import numpy as np
from numpy.typing import NDArray

from tandem.generate.calendar import DAY, HOUR, Calendar, Window
from tandem.generate.calls import (
    DATA,
    EVENT,
    FIXED,
    IM,
    INTERNATIONAL,
    LOCAL,
    LONG_DISTANCE,
    MMS,
    MOBILE,
    NOT_SAID,
    ORIGINATED,
    PAGE,
    PRODUCED,
    ROAMING,
    SERVICES,
    SMS,
    TERMINATED,
    TIMED,
    TOLL_FREE,
    UNKNOWN,
    VIDEO,
    VOICE,
    Calls,
    join_calls,
)
from tandem.generate.model import Population
from tandem.generate.places import (
    ABROAD,
    ABROAD_MOBILE,
    ABROAD_SHARES,
    CARRIERS,
    CITIES,
    DIALLED_CODES,
    INTERNET,
    MESSAGE_CODES,
    WIRELESS,
    WIRELINE,
    foreigners,
    mix,
    mobile_stranger,
    strangers,
    toll_free,
)
from tandem.generate.stories import ordinary_usage
from tandem.generate.town import USUAL_RATE, Town, stream

# Share of each service in a line's records.
_MIX = {
    WIRELESS: {
        VOICE: 0.62,
        SMS: 0.235,
        MMS: 0.02,
        IM: 0.03,
        PAGE: 0.003,
        VIDEO: 0.004,
        DATA: 0.08,
        EVENT: 0.004,
    },
    WIRELINE: {VOICE: 0.996, EVENT: 0.004},
    INTERNET: {DATA: 0.89, VOICE: 0.035, VIDEO: 0.015, IM: 0.055, EVENT: 0.005},
}
# Share of calls that the line's own user makes, by service.
_ORIGINATED = {VOICE: 0.56, SMS: 0.5, MMS: 0.5, IM: 0.5, PAGE: 0.3, VIDEO: 0.5}
# Share of long distance, by carrier: of calls made, of calls received.
_LONG_DISTANCE = {WIRELESS: (0.15, 0.12), WIRELINE: (0.38, 0.20), INTERNET: (0.40, 0.30)}
# Share of calls to our own lines among calls made, by service.
_ON_NET = {VOICE: 0.26, SMS: 0.28, MMS: 0.28, IM: 0.35, VIDEO: 0.35}
# Share of toll-free calls among voice calls made and received, by carrier.
_TOLL_FREE = {WIRELESS: (0.02, 0.0015), WIRELINE: (0.06, 0.003)}
_TRAVELLERS, _ROAMS = 0.22, 0.85
_WITH_FAMILY_ABROAD, _OFTEN_ABROAD, _RARELY_ABROAD = 0.08, 0.07, 0.004

# Mean length of a voice call in seconds at the usual rate, by first offer: so that the median
# household uses about two thirds of the allowance of its plan.
_MEAN_SECONDS = {
    "SHARE1000": 390.0,
    "SHARE800": 240.0,
    "SHARE_DATA": 150.0,
    "WIRELESS500": 205.0,
    "WIRELINE_LD": 220.0,
    "WIRELESS500+WIRELINE_LD": 235.0,
}
_SPREAD = 1.15
_LONGEST = 6 * HOUR
_UNANSWERED = 0.055
# Mean size of a data session in bytes, for households with a data pool and for others.
_POOL_BYTES, _OTHER_BYTES = 7_500_000.0, 1_500_000.0
_DATA_SPREAD = 1.4

_FRIENDS = 12
_CONTACTS = 24
#: Fewer calls are longer ones, within these bounds.
_STRETCH = (0.4, 5.0)
#: Records in a window, about.
_WINDOW_SIZE = 250_000
#: Records in a sample window, at least.
_SAMPLE = 20_000
_PARTS = (1, 2, 3, 4, 6, 8, 12, 24)


def _table(shares: dict[int, dict[int, float]]) -> NDArray[np.float64]:
    """Cumulated shares by carrier and service, carrier n between n and n + 1, in one row."""
    rows = np.zeros((len(CARRIERS), len(SERVICES)))
    for carrier, row in shares.items():
        for service, share in row.items():
            rows[carrier, service] = share
    rows = np.cumsum(rows / rows.sum(axis=1, keepdims=True), axis=1)
    rows[:, -1] = 1.0
    return np.asarray((rows + np.arange(len(CARRIERS))[:, None]).ravel())


def _by_service(shares: dict[int, float], other: float) -> NDArray[np.float64]:
    return np.array([shares.get(service, other) for service in range(len(SERVICES))])


def _by_carrier(shares: dict[int, tuple[float, float]]) -> NDArray[np.float64]:
    return np.array([shares.get(carrier, (0.0, 0.0)) for carrier in range(len(CARRIERS))])


_SERVICE_TABLE = _table(_MIX)
_ORIGINATED_SHARE = _by_service(_ORIGINATED, 1.0)
_ON_NET_SHARE = _by_service(_ON_NET, 0.0)
_LONG_DISTANCE_SHARE = _by_carrier(_LONG_DISTANCE)
_TOLL_FREE_SHARE = _by_carrier(_TOLL_FREE)
# Share of records, by carrier, that say what the other party is.
_SAYS_TYPE = np.array([0.30, 0.10, 0.0])
_DIALLED_SHARES = (0.38, 0.08, 0.38, 0.06, 0.06, 0.04)


def _heavy(rng: np.random.Generator, spread: float, count: int) -> NDArray[np.float64]:
    """Log-normal factors around a mean of 1."""
    return np.exp(spread * rng.standard_normal(count) - spread * spread / 2)


class Usage:
    """The habits of every household and line, and the calls that come of them."""

    def __init__(self, town: Town, calendar: Calendar, people: Population) -> None:
        """Draw everybody's habits; then set the level so that the town has its volume."""
        self.town = town
        self.calendar = calendar
        self._habits(people)
        self._sources(people)
        daily = town.accounts * town.calls_per_account_per_day
        parts = next((p for p in _PARTS if daily / p <= _WINDOW_SIZE), _PARTS[-1])
        self.windows = calendar.windows(parts)
        self.scale = 1.0
        self.scale = self._level(len(people.script))

    def _habits(self, people: Population) -> None:
        """Draw what is true of an account throughout the run."""
        rng = stream(self.town, "habits")
        accounts = people.accounts
        count, months = len(accounts), self.calendar.months
        self.city = np.array([a.city for a in accounts], dtype=np.int8)
        taste = rng.standard_normal(count)
        # A heavy user calls more often and talks longer.
        busy = np.exp(0.32 * taste) * ordinary_usage(accounts)
        stretch = float(np.clip(USUAL_RATE / self.town.calls_per_account_per_day, *_STRETCH))
        self.seconds = (
            np.array([_MEAN_SECONDS[a.offer] for a in accounts])
            * np.exp(0.20 * taste + 0.16 * rng.standard_normal(count))
            * stretch
        )
        with_pool = np.array([a.offer == "SHARE_DATA" for a in accounts])
        self.bytes = (
            np.where(with_pool, _POOL_BYTES, _OTHER_BYTES)
            * np.exp(0.45 * rng.standard_normal(count))
            * stretch
        )
        # Months differ: slow waves of a few months, each account in its own phase.
        month = np.arange(months)[None, :]
        period = rng.uniform(2.4, 6.0, count)[:, None]
        phase = rng.uniform(0.0, 2 * np.pi, count)[:, None]
        wave = 0.60 * np.sin(2 * np.pi * month / period + phase)
        level = np.exp(wave + 0.25 * rng.standard_normal((count, months)))
        self.level = level * busy[:, None]
        often = rng.random(count) < _WITH_FAMILY_ABROAD
        self.abroad = np.where(often, _OFTEN_ABROAD, _RARELY_ABROAD)
        self.family = rng.choice(len(ABROAD), size=count, p=ABROAD_SHARES)
        travels = rng.random(count) < _TRAVELLERS
        leaves = self.calendar.start + rng.integers(0, self.calendar.days * DAY, count)
        self.trip_start = np.where(travels, leaves, self.calendar.end)
        self.trip_end = self.trip_start + rng.integers(3 * DAY, 12 * DAY, count)

    def _sources(self, people: Population) -> None:
        """Each time in which a line is used is a source of calls."""
        lines = people.lines
        spans = [(line, begin, end) for line in lines for begin, end in line.usage if begin < end]
        self.source_line = np.array([line.index for line, _, _ in spans], dtype=np.int64)
        self.source_start = np.array([begin for _, begin, _ in spans], dtype=np.int64)
        self.source_end = np.array([end for _, _, end in spans], dtype=np.int64)
        self.number = np.array([line.number for line in lines], dtype=np.int64)
        self.carrier = np.array([line.carrier for line in lines], dtype=np.int8)
        self.account = np.array([line.account.index for line in lines], dtype=np.int32)
        self.weight = np.array([line.weight for line in lines], dtype=np.float64)
        # Where a line's last time of use lies, to see whether it can be called.
        self.line_start = np.array(
            [line.usage[-1][0] if line.usage else 0 for line in lines], dtype=np.int64
        )
        self.line_end = np.array(
            [line.usage[-1][1] if line.usage else 0 for line in lines], dtype=np.int64
        )
        # Lines in the order of their city, and each account's lines in a row.
        city = self.city[self.account]
        self.by_city = np.argsort(city, kind="stable")
        self.city_start = np.searchsorted(city[self.by_city], np.arange(len(CITIES)))
        self.city_size = np.bincount(city, minlength=len(CITIES))
        self.by_account = np.argsort(self.account, kind="stable")
        self.account_start = np.searchsorted(
            self.account[self.by_account], np.arange(len(self.city))
        )
        self.account_size = np.bincount(self.account, minlength=len(self.city))

    def _expected(self) -> float:
        """Expected calls of the whole run at the present scale, the other ends not counted."""
        total = 0.0
        zones = self.city[self.account[self.source_line]]
        for month in range(self.calendar.months):
            low = self.calendar.start if month == 0 else self.calendar.cuts[month]
            high = self.calendar.cuts[month + 1]
            begin = np.clip(self.source_start, low, high)
            end = np.clip(self.source_end, low, high)
            days = self.calendar.busy_days(zones, begin, end)
            level = self.level[self.account[self.source_line], month]
            total += float((days * level * self.weight[self.source_line]).sum())
        return total * self.scale

    def _level(self, scripted: int) -> float:
        """The scale at which the run has as many records as the town asks for."""
        wanted = self.town.accounts * self.calendar.days * self.town.calls_per_account_per_day
        wanted = max(wanted - scripted, wanted / 5)
        base = self._expected()
        if base <= 0:
            return 0.0
        # Calls between our own lines make two records: how many is found on a few sample windows,
        # in a town that calls more if it is a small one.
        windows = [self.windows[len(self.windows) * place // 6] for place in (1, 3, 5)]
        pilot = copy(self)
        pilot.scale = wanted / base * max(1.0, _SAMPLE * len(self.windows) / wanted)
        drawn = records = 0
        for place, window in enumerate(windows):
            calls = pilot.calls(window, stream(self.town, "pilot", place))
            records += len(calls)
            drawn += len(calls) - int((calls.paired & (calls.direction == TERMINATED)).sum())
        return wanted / base * (drawn / records if records else 1.0)

    def calls(self, window: Window, rng: np.random.Generator | None = None) -> Calls:
        """All records of all carriers that start in the window, in no particular order."""
        rng = rng if rng is not None else stream(self.town, "usage", window.index)
        source, at = self._starts(window, rng)
        line = self.source_line[source]
        return self._details(line, at, rng)

    def _starts(
        self, window: Window, rng: np.random.Generator
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Which sources call, and when."""
        first = (window.start - self.calendar.grid_start) // HOUR
        last = (window.end - self.calendar.grid_start) // HOUR
        busy = self.calendar.busy[:, first:last]
        awake = np.flatnonzero((self.source_start < window.end) & (self.source_end > window.start))
        line = self.source_line[awake]
        zone = self.city[self.account[line]]
        expected = (
            self.scale
            * self.weight[line]
            * self.level[self.account[line], window.month]
            * busy.sum(axis=1)[zone]
        )
        source = np.repeat(awake, rng.poisson(expected))
        zone = self.city[self.account[self.source_line[source]]]
        hour = np.zeros(len(source), dtype=np.int64)
        chance = rng.random(len(source))
        for z in range(len(CITIES)):
            mine = zone == z
            edges = np.cumsum(busy[z])
            if edges[-1] > 0:
                hour[mine] = np.searchsorted(edges / edges[-1], chance[mine], side="right")
        hour = np.minimum(hour, last - first - 1)
        at = window.start + HOUR * hour + rng.integers(0, HOUR, len(source))
        kept = (at >= self.source_start[source]) & (at < self.source_end[source])
        return source[kept], at[kept]

    def _details(
        self, line: NDArray[np.int64], at: NDArray[np.int64], rng: np.random.Generator
    ) -> Calls:
        """What each call is, with whom and how long; plus its record at the other end."""
        count = len(line)
        account, carrier = self.account[line], self.carrier[line]
        place = np.searchsorted(_SERVICE_TABLE, carrier + rng.random(count), side="right")
        service = (place - carrier * np.int64(len(SERVICES))).astype(np.int8)
        calls = Calls(
            carrier=carrier,
            account=account,
            served=self.number[line],
            at=at,
            service=service,
            direction=(rng.random(count) >= _ORIGINATED_SHARE[service]).astype(np.int8),
            call_type=np.full(count, LOCAL, dtype=np.int8),
            quantity=np.ones(count, dtype=np.int64),
            other=np.zeros(count, dtype=np.int64),
            other_type=np.full(count, NOT_SAID, dtype=np.int8),
            other_carrier=np.full(count, -1, dtype=np.int8),
            paired=np.zeros(count, dtype=np.bool_),
            fate=np.zeros(count, dtype=np.int8),
        )
        self._set_call_types(calls, rng)
        self._set_quantities(calls, rng)
        target = self._friends(calls, line, rng)
        calls.paired = paired = target >= 0
        far = self.city[self.account[target]] != self.city[account]
        home = paired & (calls.call_type != ROAMING)
        calls.call_type[home] = np.where(far[home], LONG_DISTANCE, LOCAL)
        self._set_strangers(calls, rng)
        calls.other[paired] = self.number[target[paired]]
        calls.other_type[paired] = NOT_SAID
        told = paired & (rng.random(count) < 0.12)
        mobile = self.carrier[target[told]] == WIRELESS
        calls.other_type[told] = np.where(mobile, MOBILE, FIXED)
        named = paired & (rng.random(count) < 0.10)
        calls.other_carrier[named] = self.carrier[target[named]]
        return join_calls([calls, self._far_ends(calls, target, far)])

    def _away(self, account: NDArray[np.int32], at: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether the household travels at the time."""
        return np.asarray((self.trip_start[account] <= at) & (at < self.trip_end[account]))

    def _set_call_types(self, calls: Calls, rng: np.random.Generator) -> None:
        """Local, unless chance says otherwise and the carrier can."""

        def assign(kind: int, share: NDArray[np.float64]) -> None:
            able = PRODUCED[calls.carrier, calls.service, kind, calls.direction]
            calls.call_type[(rng.random(len(calls)) < share) & able] = kind

        assign(LONG_DISTANCE, _LONG_DISTANCE_SHARE[calls.carrier, calls.direction])
        assign(TOLL_FREE, _TOLL_FREE_SHARE[calls.carrier, calls.direction])
        assign(INTERNATIONAL, self.abroad[calls.account])
        assign(ROAMING, np.where(self._away(calls.account, calls.at), _ROAMS, 0.0))

    def _set_quantities(self, calls: Calls, rng: np.random.Generator) -> None:
        """Seconds, messages, bytes or events."""
        timed = np.flatnonzero(np.isin(calls.service, TIMED))
        kind = calls.call_type[timed]
        mean = self.seconds[calls.account[timed]]
        mean = mean * np.where(calls.direction[timed] == ORIGINATED, 1.08, 0.9)
        for which, factor in ((TOLL_FREE, 1.3), (INTERNATIONAL, 1.4), (ROAMING, 0.6)):
            mean = np.where(kind == which, mean * factor, mean)
        seconds = mean * _heavy(rng, _SPREAD, len(timed))
        answered = rng.random(len(timed)) >= _UNANSWERED
        calls.quantity[timed] = np.where(answered, np.clip(np.rint(seconds), 1, _LONGEST), 0)
        texts = np.flatnonzero(calls.service == SMS)
        calls.quantity[texts] = 1 + rng.binomial(3, 0.035, len(texts))
        session = np.flatnonzero(calls.service == DATA)
        size = self.bytes[calls.account[session]] * _heavy(rng, _DATA_SPREAD, len(session))
        size = size * np.where(calls.carrier[session] == INTERNET, 1.6, 0.5)
        size = np.where(calls.call_type[session] == ROAMING, size * 0.1, size)
        moved = rng.random(len(session)) >= 0.01
        calls.quantity[session] = np.where(moved, np.rint(size), 0)

    def _friends(
        self, calls: Calls, line: NDArray[np.int64], rng: np.random.Generator
    ) -> NDArray[np.int64]:
        """For each call the line of ours that is called, or -1 where that is a stranger.

        Everybody has a few friends among our subscribers, the first of them at home.
        """
        target = np.full(len(calls), -1, dtype=np.int64)
        can = (calls.direction == ORIGINATED) & np.isin(
            calls.call_type, (LOCAL, LONG_DISTANCE, ROAMING)
        )
        row = np.flatnonzero(can & (rng.random(len(calls)) < _ON_NET_SHARE[calls.service]))
        service, account, moment = calls.service[row], calls.account[row], calls.at[row]
        city = self.city[account]
        rank = (rng.random(len(row)) ** 2 * _FRIENDS).astype(np.int64)
        bits = mix(account.astype(np.int64) * 64 + rank, 3)

        def among(
            order: NDArray[np.int64], start: NDArray[np.int64], size: NDArray[np.int64]
        ) -> NDArray[np.int64]:
            return np.asarray(order[start + (bits % size.astype(np.uint64)).astype(np.int64)])

        home = among(self.by_account, self.account_start[account], self.account_size[account])
        near = among(self.by_city, self.city_start[city], self.city_size[city])
        anywhere = (bits % np.uint64(len(self.number))).astype(np.int64)
        close = np.where(rank < 2, home, near)
        chosen = np.where(calls.call_type[row] == LONG_DISTANCE, anywhere, close)
        kind = np.where(self.city[self.account[chosen]] != city, LONG_DISTANCE, LOCAL)
        # Hardly anybody telephones a broadband line.
        seldom = (
            (self.carrier[chosen] == INTERNET)
            & (service == VOICE)
            & ((bits >> np.uint64(40)) % np.uint64(8) > 0)
        )
        good = (
            (chosen != line[row])
            & ~seldom
            & (self.line_start[chosen] <= moment)
            & (moment < self.line_end[chosen])
            & PRODUCED[self.carrier[chosen], service, kind, TERMINATED]
            & PRODUCED[calls.carrier[row], service, kind, ORIGINATED]
        )
        target[row[good]] = chosen[good]
        return target

    def _set_strangers(self, calls: Calls, rng: np.random.Generator) -> None:
        """Numbers and kinds of the other parties, as if none were ours."""
        count = len(calls)
        account = calls.account.astype(np.int64)
        far = calls.call_type == LONG_DISTANCE
        rank = (rng.random(count) ** 2 * _CONTACTS).astype(np.int64)
        bits = mix(account * 64 + rank + 32 * far, 4)
        calls.other = strangers(bits, self.city[account], far)
        mobile = mobile_stranger(calls.other)
        makes = calls.direction == ORIGINATED
        free = (calls.call_type == TOLL_FREE) & makes
        calls.other[free] = toll_free(bits[free])
        mobile[free] = False
        # Who travels calls home mostly, but not only.
        wanders = (calls.call_type == ROAMING) & (rng.random(count) < 0.15)
        foreign = np.flatnonzero((calls.call_type == INTERNATIONAL) | wanders)
        block = rng.choice(len(ABROAD), size=len(foreign), p=ABROAD_SHARES)
        relatives = rng.random(len(foreign)) < 0.7
        block = np.where(relatives, self.family[account[foreign]], block)
        calls.other[foreign] = foreigners(bits[foreign], block)
        mobile[foreign] = ABROAD_MOBILE[block]
        says = _SAYS_TYPE[calls.carrier]
        chance = rng.random(count)
        calls.other_type[chance < says] = UNKNOWN
        known = chance < says * 0.85
        calls.other_type[known] = np.where(mobile[known], MOBILE, FIXED)

        local = calls.call_type == LOCAL
        voice = calls.service == VOICE
        written = np.isin(calls.service, (SMS, MMS))
        dialled = -1 - rng.choice(len(DIALLED_CODES), size=count, p=_DIALLED_SHARES)
        premium = -1 - len(DIALLED_CODES) - rng.integers(0, len(MESSAGE_CODES), count)
        nobody = np.zeros(count, dtype=np.int64)
        chance = rng.random(count)
        for rows, number in (
            (voice & makes & local & (chance < 0.02), dialled),
            (written & local & (chance < 0.05), premium),
            (voice & ~makes & (chance >= 0.93), nobody),
            (np.isin(calls.service, (DATA, EVENT)), nobody),
        ):
            calls.other[rows] = number[rows]
            calls.other_type[rows] = NOT_SAID

    def _far_ends(self, calls: Calls, target: NDArray[np.int64], far: NDArray[np.bool_]) -> Calls:
        """The record that the called line's carrier makes of a call between our lines."""
        rows = np.flatnonzero(calls.paired)
        near, line = calls.take(rows), target[rows]
        account, carrier = self.account[line], self.carrier[line]
        kind = np.where(far[rows], LONG_DISTANCE, LOCAL).astype(np.int8)
        able = PRODUCED[carrier, near.service, ROAMING, TERMINATED]
        roams = self._away(account, near.at) & able
        kind[roams] = ROAMING
        count = len(rows)
        return Calls(
            carrier=carrier,
            account=account,
            served=self.number[line],
            at=near.at,
            service=near.service,
            direction=np.full(count, TERMINATED, dtype=np.int8),
            call_type=kind,
            quantity=near.quantity,
            other=near.served,
            other_type=np.full(count, NOT_SAID, dtype=np.int8),
            other_carrier=np.full(count, -1, dtype=np.int8),
            paired=near.paired,
            fate=near.fate,
        )
