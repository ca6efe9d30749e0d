"""Nodobo to feeds: ``python -m examples.nodobo.map_calls SOURCE_DIR OUT_DIR``.

Reads ``calls.csv`` (user, other, direction, duration, timestamp, ...) and, where it is there,
``messages_sample.csv`` (the same with length instead of duration). A row is what one handset
logged, which is one CDR of its carrier: a call between two participants stands in the logs of both
handsets and so becomes two CDRs without our doing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from examples import mapping
from examples.mapping import FictionalNumbers, Row

ZONE = ZoneInfo("Europe/London")
OPENED = datetime(2010, 9, 1, tzinfo=ZONE)  # the first call of a clock that was set: 2 September
BATCH = "20100901T120000Z"

WIRELESS, WIRELINE = "wireless", "wireline"
WIRELESS_PLAN, SHARED_PLAN = "TALK100", "TOGETHER300"

RANGES = {
    "mobile": "+447700900",
    "fixed": "+441632960",
    "service 8": "+448081570",
    "service 9": "+449098790",
    "home": "+441414960",
}
WITHHELD = "9"  # calls 21 of the participants, and none of them ever calls it
NATIONAL = re.compile(r"[1-37-9][0-9]{9}")  # as dialled, without the 0 that begins it
DIRECTIONS = {"Outgoing": "originated", "Incoming": "terminated", "Missed": "terminated"}


class Town:
    """The participants and everybody's numbers.

    Attributes:
        users: pseudonyms of the participants, in the order in which they turn up.
    """

    def __init__(self, users: list[str]) -> None:
        self.users = users
        self._numbers = FictionalNumbers(RANGES)
        for user in users:
            self._numbers.of("mobile", user)

    def home(self, user: str) -> str:
        """The invented number of a participant's home."""
        return self._numbers.of("home", user)

    def kind(self, digits: str) -> str:
        """What the digits are: a kind of ``RANGES``, or nothing we know."""
        if digits in self.users:
            return "mobile"
        if not NATIONAL.fullmatch(digits):
            return ""
        return {"7": "mobile", "8": "service 8", "9": "service 9"}.get(digits[0], "fixed")

    def number(self, digits: str) -> str:
        """A number in the form of the feed; what makes no number stays as it is."""
        kind = self.kind(digits)
        return self._numbers.of(kind, digits) if kind else digits

    def cdrs(self, rows: Iterable[Row], service: str) -> Iterator[Row]:
        """The CDRs of what the handsets logged, one for one."""
        for row in rows:
            yield self._cdr(row, service)

    def _cdr(self, row: Row, service: str) -> Row:
        direction = DIRECTIONS.get(row["direction"], row["direction"])
        terminated = direction == "terminated"
        own = self.number(row["user"])
        is_withheld = terminated and row["other"] == WITHHELD
        other = "" if is_withheld else self.number(row["other"])
        kind = self.kind(row["other"])
        return {
            "cdr_id": mapping.record_id(
                service, row["user"], row["other"], row["direction"], row["timestamp"]
            ),
            "calling_number": other if terminated else own,
            "called_number": own if terminated else other,
            "direction": direction,
            "service": service,
            # a British network knows no long distance: the class carries what no bundle covers
            "call_type": "long_distance" if kind.startswith("service") else "local",
            "started_at": instant(row["timestamp"]),
            "quantity": row["duration"] if service == "voice" else "1",
            "other_party_type": kind if kind in ("mobile", "fixed") else "",
        }


def instant(logged: str) -> str:
    """The time of a log in ISO 8601; what is no such time stays as it is."""
    try:
        return datetime.strptime(logged, "%a %b %d %H:%M:%S %z %Y").isoformat()
    except ValueError:
        return logged


def account_id(place: int) -> str:
    """The account of a participant, by place in the town."""
    return f"N{place + 1:02d}"


def plan_of(place: int) -> str:
    """Every other participant has no line at home, and the plan for that."""
    return SHARED_PLAN if place % 2 else WIRELESS_PLAN


def accounts(town: Town) -> Iterator[Row]:
    """One account per participant."""
    for place in range(len(town.users)):
        yield {
            "account_id": account_id(place),
            "holder_name": f"Nodobo participant {place + 1}",
            "city": "Glasgow",
            "country": "GB",
            "bill_cycle_day": str(mapping.BILL_CYCLE_DAYS[place % len(mapping.BILL_CYCLE_DAYS)]),
            "time_zone": ZONE.key,
            "tax_jurisdiction_id": "GB",
            "opened_on": OPENED.date().isoformat(),
        }


def lines(town: Town, carrier_id: str) -> Iterator[Row]:
    """A mobile line each, and one at home for the shared plan."""
    for place, user in enumerate(town.users):
        plan_id = plan_of(place)
        if carrier_id == WIRELESS or plan_id == SHARED_PLAN:
            yield mapping.opening_line(
                account_id(place),
                town.number(user) if carrier_id == WIRELESS else town.home(user),
                plan_id,
                f"Nodobo participant {place + 1}",
                OPENED,
            )


def orders(town: Town, carrier_id: str) -> Iterator[Row]:
    """One subscription each, and its counterpart for the shared plan."""
    for place in range(len(town.users)):
        plan_id = plan_of(place)
        if carrier_id == WIRELESS or plan_id == SHARED_PLAN:
            yield mapping.opening_order(account_id(place), plan_id, carrier_id, OPENED)


def map_files(source: Path, out: Path) -> dict[str, int]:
    """Write the feeds.

    Args:
        source: folder of the public files.
        out: where the feeds go.

    Returns:
        Rows by file written. Those of a ``cdrs`` file are as many as its source has.
    """
    messages = source / "messages_sample.csv"
    sources = {"calls": (source / "calls.csv", "voice")}
    if messages.exists():
        sources["messages"] = (messages, "sms")
    logged = {name: list(mapping.read_rows(path)) for name, (path, _) in sources.items()}
    town = Town(list(dict.fromkeys(row["user"] for rows in logged.values() for row in rows)))

    files: dict[str, tuple[tuple[str, ...], Iterator[Row]]] = {
        "accounts.csv": (mapping.ACCOUNTS, accounts(town))
    }
    for carrier_id in (WIRELESS, WIRELINE):
        files[f"subscribers.{carrier_id}.{BATCH}.csv"] = (
            mapping.SUBSCRIBERS,
            lines(town, carrier_id),
        )
        files[f"orders.{carrier_id}.csv"] = (mapping.ORDERS, orders(town, carrier_id))
    for name, rows in logged.items():
        files[f"cdrs.{WIRELESS}.{name}.csv.gz"] = (mapping.CDRS, town.cdrs(rows, sources[name][1]))
    return {
        name: mapping.write_feed(out / name, columns, rows)
        for name, (columns, rows) in files.items()
    }


if __name__ == "__main__":
    for file_name, written in map_files(*mapping.folders("Nodobo to feeds.")).items():
        print(f"{written:6,} rows in {file_name}")
