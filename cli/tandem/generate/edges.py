"""Calls at the edges: at midnight when a cycle begins, when clocks change, at the same second."""

from __future__ import annotations

from datetime import timedelta

from tandem.generate.calendar import HOUR, Calendar, local_midnight
from tandem.generate.model import Account, Line, Population, ScriptedCall
from tandem.generate.places import INTERNET, WIRELINE, ZONES, stranger
from tandem.generate.town import Town, stream

#: Accounts per kind of edge: this share of all, at least two, at most this many.
_SHARE, _LEAST, _MOST = 0.01, 2, 200


def _call(line: Line, at: int, quantity: int, key: int) -> ScriptedCall:
    """A call that draws on a pool at whatever carrier: long distance from a fixed line."""
    far = line.carrier == WIRELINE
    return ScriptedCall(
        line,
        at,
        quantity,
        call_type="long_distance" if far else "local",
        other=stranger(line.account.city, key, far=far),
    )


def _usable(account: Account) -> list[Line]:
    """Lines that can make calls."""
    return [line for line in account.lines if line.carrier != INTERNET]


def script_edges(town: Town, calendar: Calendar, people: Population) -> None:
    """Add calls at the edges for a few accounts, and count them as trouble."""
    rng = stream(town, "edges")
    count = min(_MOST, max(_LEAST, round(len(people.accounts) * _SHARE)))
    accounts = [a for a in people.accounts if not a.story and _usable(a)]

    def some() -> list[Account]:
        return [accounts[i] for i in rng.permutation(len(accounts))[:count].tolist()]

    def add(kind: str, calls: list[ScriptedCall]) -> None:
        good = [c for c in calls if calendar.start <= c.at < calendar.end and c.line.active(c.at)]
        people.script.extend(good)
        people.trouble[f"cdrs.{kind}"] += len(good)

    for month in range(calendar.months):
        for account in some():
            line = _usable(account)[0]
            day = calendar.first_days[month].replace(day=account.bill_cycle_day)
            midnight = local_midnight(account.city, day)
            add(
                "cycle_boundary",
                [
                    _call(line, midnight - 1, int(rng.integers(120, 1800)), account.index),
                    _call(line, midnight, int(rng.integers(30, 900)), account.index),
                ],
            )
        for account in some():
            lines = _usable(account)
            day = calendar.first_days[month] + timedelta(days=int(rng.integers(1, 27)))
            noon = local_midnight(account.city, day) + 12 * HOUR + int(rng.integers(0, HOUR))
            tied = [lines[0], lines[-1], lines[0]]
            add(
                "tie",
                [
                    _call(line, noon, int(rng.integers(20, 1200)), account.index * 4 + place)
                    for place, line in enumerate(tied)
                ],
            )
    _script_clock_changes(calendar, accounts, people)


def _script_clock_changes(calendar: Calendar, accounts: list[Account], people: Population) -> None:
    """Calls just before and just after each clock change, and in the hour that comes twice."""
    for zone in range(len(ZONES)):
        offsets = calendar.offsets[zone].tolist()
        locals_ = [a for a in accounts if a.city == zone][:_LEAST]
        for hour in range(1, len(offsets)):
            if offsets[hour] == offsets[hour - 1]:
                continue
            change = int(calendar.hour_starts[hour])
            for account in locals_:
                line = _usable(account)[0]
                for place, at in enumerate((change - 1800, change - 1, change, change + 1800)):
                    if at < calendar.end and line.active(at):
                        people.script.append(_call(line, at, 300 + 60 * place, account.index))
                        people.trouble["cdrs.clock_change"] += 1
