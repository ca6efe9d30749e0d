"""Copenhagen Networks Study to feeds: ``python -m examples.copenhagen.map_calls SOURCE OUT``.

Reads ``calls.csv`` (timestamp, from, to, duration) and ``sms.csv`` (timestamp, from, to). A row is
what happened between two participants, seen once; the network of each sees its own half, so that a
row becomes two CDRs: originated at the carrier of the one, terminated at that of the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from examples import mapping
from examples.mapping import Row

ZONE = ZoneInfo("Europe/Copenhagen")
OPENED = datetime(2013, 2, 1, tzinfo=ZONE)
STUDY_BEGAN = datetime(2013, 2, 3, tzinfo=ZONE)  # second 0: see the README for why a Sunday
BATCH = "20130201T120000Z"

CARRIERS = ("nordtel", "sydtel")
SHARED_PLAN = "FAELLES"
OWN_PLANS = {"nordtel": "SOLO_NORD", "sydtel": "SOLO_SYD"}
MISSED = "-1"

PERSON = re.compile(r"[0-9]{1,3}")


def number(person: str) -> str:
    """The number of a participant: one of the thousand that Ofcom keeps free for films."""
    return f"+447700900{int(person):03d}" if PERSON.fullmatch(person) else person


def carrier_of(person: str) -> str:
    """Neighbours in the numbering, of whom we make a household, are with different carriers."""
    return CARRIERS[int(person) % 2] if PERSON.fullmatch(person) else CARRIERS[0]


def account_of(person: str) -> str:
    """The account of the household of a participant."""
    return f"C{int(person) // 2:03d}"


def halves(row: Row, service: str) -> Iterator[tuple[str, Row]]:
    """Carrier and CDR of both halves of a call or message."""
    quantity = "1" if service == "sms" else "0" if row["duration"] == MISSED else row["duration"]
    for direction, served in (("originated", row["from"]), ("terminated", row["to"])):
        yield (
            carrier_of(served),
            {
                "cdr_id": mapping.record_id(
                    service, row["timestamp"], row["from"], row["to"], direction
                ),
                "calling_number": number(row["from"]),
                "called_number": number(row["to"]),
                "direction": direction,
                "service": service,
                "started_at": instant(row["timestamp"]),
                "quantity": quantity,
            },
        )


def cdrs(rows: Iterable[Row], service: str, carrier_id: str) -> Iterator[Row]:
    """The CDRs of one carrier: the halves that its network saw."""
    for row in rows:
        for carrier, cdr in halves(row, service):
            if carrier == carrier_id:
                yield cdr


def instant(seconds: str) -> str:
    """The time of so many seconds after the beginning; what is no such number stays as it is."""
    if not seconds.isdecimal():
        return seconds
    return (STUDY_BEGAN + timedelta(seconds=int(seconds))).isoformat()


class Households:
    """Who lives together, which nobody told us.

    Attributes:
        people: the participants, in the order of their numbers.
    """

    def __init__(self, people: list[str]) -> None:
        self.people = people
        self._members: dict[str, list[str]] = {}
        for person in people:
            self._members.setdefault(account_of(person), []).append(person)

    def plan_of(self, account_id: str) -> str:
        """Two share a plan of both carriers, one has the plan of his own."""
        people = self._members[account_id]
        return SHARED_PLAN if len(people) > 1 else OWN_PLANS[carrier_of(people[0])]

    def accounts(self) -> Iterator[Row]:
        """One account per household."""
        for place, (account_id, people) in enumerate(self._members.items()):
            yield {
                "account_id": account_id,
                "holder_name": "Participant " + " and ".join(people),
                "city": "Kongens Lyngby",
                "country": "DK",
                "bill_cycle_day": str(
                    mapping.BILL_CYCLE_DAYS[place % len(mapping.BILL_CYCLE_DAYS)]
                ),
                "time_zone": ZONE.key,
                "tax_jurisdiction_id": "DK",
                "opened_on": OPENED.date().isoformat(),
            }

    def lines(self, carrier_id: str) -> Iterator[Row]:
        """The lines of one carrier: a number per participant."""
        for person in self.people:
            if carrier_of(person) == carrier_id:
                account_id = account_of(person)
                yield mapping.opening_line(
                    account_id,
                    number(person),
                    self.plan_of(account_id),
                    f"Participant {person}",
                    OPENED,
                )

    def orders(self, carrier_id: str) -> Iterator[Row]:
        """The subscriptions at one carrier."""
        for person in self.people:
            if carrier_of(person) == carrier_id:
                account_id = account_of(person)
                yield mapping.opening_order(
                    account_id, self.plan_of(account_id), carrier_id, OPENED
                )


def map_files(source: Path, out: Path) -> dict[str, int]:
    """Write the feeds.

    Args:
        source: folder of the public files.
        out: where the feeds go.

    Returns:
        Rows by file written. Those of a source, at both carriers, are twice as many as it has.
    """
    logged = {
        ("calls", "voice"): list(mapping.read_rows(source / "calls.csv")),
        ("messages", "sms"): list(mapping.read_rows(source / "sms.csv")),
    }
    seen = {row[side] for rows in logged.values() for row in rows for side in ("from", "to")}
    households = Households(sorted(filter(PERSON.fullmatch, seen), key=int))

    files: dict[str, tuple[tuple[str, ...], Iterator[Row]]] = {
        "accounts.csv": (mapping.ACCOUNTS, households.accounts())
    }
    for carrier_id in CARRIERS:
        files[f"subscribers.{carrier_id}.{BATCH}.csv"] = (
            mapping.SUBSCRIBERS,
            households.lines(carrier_id),
        )
        files[f"orders.{carrier_id}.csv"] = (mapping.ORDERS, households.orders(carrier_id))
        for (name, service), rows in logged.items():
            files[f"cdrs.{carrier_id}.{name}.csv.gz"] = (
                mapping.CDRS,
                cdrs(rows, service, carrier_id),
            )
    return {
        name: mapping.write_feed(out / name, columns, rows)
        for name, (columns, rows) in files.items()
    }


if __name__ == "__main__":
    for file_name, written in map_files(*mapping.folders("Copenhagen to feeds.")).items():
        print(f"{written:6,} rows in {file_name}")
