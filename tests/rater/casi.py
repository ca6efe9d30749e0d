"""CASI: lines, their periods and current rows (rules 1.2 and 7, CASI)."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import combinations
from typing import Any

from .feeds import Feeds, SubscriberRow

LineKey = tuple[str, str, str]  # carrier, account, number
# field of a conflict -> column
CONFLICTING = {
    "status": "status",
    "plan": "plan_id",
    "subscriber_name": "subscriber_name",
    "email": "email",
}
COMPARED = ("plan_id", "status", "activated_at", "deactivated_at", "subscriber_name", "email")


@dataclass(frozen=True)
class Period:
    carrier_id: str
    account_id: str
    service_number: str
    activated_at: datetime
    deactivated_at: datetime | None

    def covers(self, at: datetime) -> bool:
        """`activated_at <= started_at < coalesce(deactivated_at, infinity)`; dates decide, not
        `status` (rules 1.2)."""
        return self.activated_at <= at and (self.deactivated_at is None or at < self.deactivated_at)


def data_order(row: SubscriberRow) -> tuple[datetime, int, str]:
    """By data time; "a change at the very time of a batch is in the batch": it comes first, the
    batch's row after it. Two changes at one time: by change_id."""
    return (row.at, 1 if row.change_id is None else 0, row.change_id or "")


class Casi:
    def __init__(self, feeds: Feeds) -> None:
        self.feeds = feeds
        self.rows: dict[LineKey, list[SubscriberRow]] = {}
        for line, batches in feeds.batch_rows.items():
            self.rows.setdefault(line, []).extend(batches.values())
        for change in feeds.changes.values():
            line = (change.carrier_id, change.account_id, change.service_number)
            self.rows.setdefault(line, []).append(change)
        self.current: dict[LineKey, SubscriberRow] = {}
        self.periods: dict[LineKey, list[Period]] = {}
        self.by_number: dict[str, list[Period]] = {}
        for line, rows in self.rows.items():
            rows.sort(key=data_order)
            self.current[line] = rows[-1]
            self.periods[line] = self._periods(rows)
            self.by_number.setdefault(line[2], []).extend(self.periods[line])
        for periods in self.by_number.values():
            # "If several match, the one activated last, then the smaller account_id."
            periods.sort(key=lambda p: (p.account_id, p.carrier_id))
            periods.sort(key=lambda p: p.activated_at, reverse=True)

    @staticmethod
    def _periods(rows: list[SubscriberRow]) -> list[Period]:
        """A period that a row ended with deactivated_at stays a period of the line when a later
        row brings an activated_at at or after it; else the later row replaces it (rules 7)."""
        kept: list[Period] = []
        present: Period | None = None
        for row in rows:
            if (
                present is not None
                and present.deactivated_at is not None
                and row.activated_at >= present.deactivated_at
            ):
                kept.append(present)
            present = Period(
                row.carrier_id,
                row.account_id,
                row.service_number,
                row.activated_at,
                row.deactivated_at,
            )
        assert present is not None
        return [*kept, present]

    def line_at(self, carrier_id: str, number: str | None, at: datetime) -> Period | None:
        """Rules 1.2."""
        for period in self.by_number.get(number or "", ()):
            if period.carrier_id == carrier_id and period.covers(at):
                return period
        return None

    def lines_in_force(self, number: str | None, at: datetime) -> list[Period]:
        """Of all carriers, for what the other party is."""
        return [period for period in self.by_number.get(number or "", ()) if period.covers(at)]

    def discrepancies(self) -> Iterator[dict[str, Any]]:
        """When a batch arrives it is compared with what CASI had as of the batch, by data time,
        whatever the load order; a carrier's first batch raises nothing (rules 7)."""
        for carrier_id, times in sorted(self.feeds.batches.items()):
            lines = sorted(line for line in self.rows if line[0] == carrier_id)
            for batch_as_of in sorted(times)[1:]:
                for line in lines:
                    had = self._had(line, batch_as_of)
                    has = self.feeds.batch_rows.get(line, {}).get(batch_as_of)
                    yield from self._compare(line, batch_as_of, had, has)

    def _had(self, line: LineKey, batch_as_of: datetime) -> SubscriberRow | None:
        """The newest row up to the batch; changes at its very time are in it."""
        before = [
            row
            for row in self.rows[line]
            if row.at < batch_as_of or (row.at == batch_as_of and row.change_id is not None)
        ]
        return before[-1] if before else None

    def history(self) -> Iterator[dict[str, Any]]:
        """Who knew what when: per line and period of data time in which the carrier said the same,
        what it said. Rows that only repeat the one before them make no new period."""
        for line, rows in sorted(self.rows.items()):
            period: dict[str, Any] = {}
            said: tuple[Any, ...] | None = None
            for row in rows:
                content = tuple(getattr(row, column) for column in COMPARED)
                if content == said:
                    continue
                if period:
                    yield {**period, "known_to": row.at}
                said = content
                period = {
                    "carrier_id": line[0],
                    "account_id": line[1],
                    "service_number": line[2],
                    "known_from": row.at,
                    "source": "batch" if row.change_id is None else "change",
                    "change_id": row.change_id,
                    **dict(zip(COMPARED, content, strict=True)),
                }
            yield {**period, "known_to": None}

    def conflicts(
        self, account_id: str, plan_id: str, plan_carriers: Collection[str], as_of: datetime
    ) -> Iterator[dict[str, Any]]:
        """Where the carriers of an integrated plan contradict each other about an account's lines
        now, by pairs of carriers. Who never told of any line is left out."""
        telling = sorted(set(plan_carriers) & {line[0] for line in self.rows})
        for one, other in combinations(telling, 2):
            lines = [self._of_account(carrier_id, account_id) for carrier_id in (one, other)]
            running = [[row for row in rows if is_in_force(row, as_of)] for rows in lines]
            shared = {
                "account_id": account_id,
                "plan_id": plan_id,
                "carrier_id": one,
                "other_carrier_id": other,
            }
            if bool(running[0]) != bool(running[1]):
                told = [now or ever for now, ever in zip(running, lines, strict=True)]
                yield {
                    **shared,
                    "field": "lines",
                    "carrier_value": listed(row.service_number for row in running[0]),
                    "other_carrier_value": listed(row.service_number for row in running[1]),
                    "since_at": max(row.at for rows in told for row in rows),
                }
                continue
            for name, column in CONFLICTING.items():
                said = [
                    [(row, value) for row in rows if bare(value := getattr(row, column))]
                    for rows in running
                ]
                keys = [{bare(value) for _, value in values} for values in said]
                if keys[0] and keys[1] and not keys[0] & keys[1]:
                    yield {
                        **shared,
                        "field": name,
                        "carrier_value": listed(value for _, value in said[0]),
                        "other_carrier_value": listed(value for _, value in said[1]),
                        "since_at": max(row.at for values in said for row, _ in values),
                    }

    def _of_account(self, carrier_id: str, account_id: str) -> list[SubscriberRow]:
        """The current row of each of its lines, its time being since when the line is so."""
        found = []
        for line, rows in self.rows.items():
            if line[:2] != (carrier_id, account_id):
                continue
            since = rows[-1]
            for row in reversed(rows):
                if any(getattr(row, column) != getattr(since, column) for column in COMPARED):
                    break
                since = row
            found.append(since)
        return found

    @staticmethod
    def _compare(
        line: LineKey, batch_as_of: datetime, had: SubscriberRow | None, has: SubscriberRow | None
    ) -> Iterator[dict[str, Any]]:
        row: dict[str, Any] = {
            "carrier_id": line[0],
            "batch_as_of": batch_as_of,
            "account_id": line[1],
            "service_number": line[2],
            "field": None,
            "casi_value": None,
            "batch_value": None,
        }
        if had is not None and has is None:
            yield {**row, "discrepancy_type": "missing_in_batch"}
        elif had is None and has is not None:
            yield {**row, "discrepancy_type": "missing_in_casi"}
        elif had is not None and has is not None:
            for column in COMPARED:
                casi_value, batch_value = getattr(had, column), getattr(has, column)
                if casi_value != batch_value:
                    yield {
                        **row,
                        "discrepancy_type": "field_mismatch",
                        "field": column,
                        "casi_value": as_text(casi_value),
                        "batch_value": as_text(batch_value),
                    }


def as_text(value: Any) -> str | None:
    """Instants in ISO 8601 in UTC, fractions of a second only where there are any."""
    if value is None:
        return None
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else str(value)


def is_in_force(row: SubscriberRow, at: datetime) -> bool:
    """Dates decide, not the status."""
    return row.activated_at <= at and (row.deactivated_at is None or at < row.deactivated_at)


def bare(value: str | None) -> str:
    """What counts of a value: blanks around and between words and the case of A to Z do not."""
    words = re.sub(" +", " ", value or "").strip(" ")
    return re.sub("[A-Z]", lambda letter: letter[0].lower(), words)


def listed(values: Iterator[str]) -> str | None:
    return ", ".join(sorted(set(values))) or None
